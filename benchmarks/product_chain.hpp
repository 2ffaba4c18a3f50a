#pragma once

#include <vector>

#include "rhoflux/density/config.hpp"
#include "rhoflux/device/linear_algebra.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/network/stages.hpp"

namespace benchmarks {

/// The three products of one block: forward, adjoint of its input, adjoint of its weights.
template <class Scalar>
struct Product {
  rhoflux::Matrix<Scalar> weight, weight_bar, input, input_bar, output;
  bool needs_input_bar;
};

/// Products that follow each other as in a forward and a backward pass.
template <class Scalar>
struct Chain {
  std::vector<Product<Scalar>> products;
  rhoflux::MatrixPrecision precision = rhoflux::MatrixPrecision::full;

  void run(const rhoflux::ExecutionSpace& space) const {
    using rhoflux::Transpose;
    for (const Product<Scalar>& p : products)
      rhoflux::gemm(space, Transpose::no, Transpose::no, p.weight, p.input, Scalar(0), p.output, precision);
    for (auto p = products.rbegin(); p != products.rend(); ++p) {
      rhoflux::gemm(space, Transpose::no, Transpose::yes, p->output, p->input, Scalar(1), p->weight_bar,
                    precision);
      if (p->needs_input_bar)
        rhoflux::gemm(space, Transpose::yes, Transpose::no, p->weight, p->output, Scalar(1), p->input_bar,
                      precision);
    }
  }

  /// Floating-point operations of one run, additions and multiplications.
  double operations() const {
    double sum = 0;
    for (const Product<Scalar>& p : products)
      sum += 2.0 * static_cast<double>(p.weight.size()) * static_cast<double>(p.input.extent(1)) *
             (p.needs_input_bar ? 3 : 2);
    return sum;
  }
};

struct ChainConfig {
  int n_dims = 1;
  int n_stages = 1;   ///< 1: the unmasked network; n_dims: the blocks of the masks
  int n_samples = 1;  ///< columns of each product
  rhoflux::MatrixPrecision precision = rhoflux::MatrixPrecision::full;
};

/// Products of the layers of the default network.
template <class Scalar>
Chain<Scalar> make_chain(const ChainConfig& config) {
  using namespace rhoflux;
  const density::Config network;
  const bool is_dense = config.n_stages == 1;
  const int n_stages = config.n_stages, n = config.n_samples, per_dim = 3 * network.n_logistics;
  std::vector<std::vector<int>> widths;
  std::vector<int> inputs(static_cast<std::size_t>(n_stages), is_dense ? 0 : 1);
  inputs.front() = network.time_features + (is_dense ? config.n_dims - 1 : 0);
  widths.push_back(inputs);
  for (const int width : network.hidden) widths.push_back(network::split_width(width, n_stages));
  widths.emplace_back(static_cast<std::size_t>(n_stages), is_dense ? per_dim * config.n_dims : per_dim);
  Chain<Scalar> chain;
  chain.precision = config.precision;
  std::vector<Matrix<Scalar>> values, bars;
  std::vector<network::StagedLayer> layers;
  for (const auto& layer : widths) {
    layers.emplace_back(layer);
    values.push_back(make_matrix<Scalar>("values", layers.back().size(), n));
    bars.push_back(make_matrix<Scalar>("bars", layers.back().size(), n));
    Kokkos::deep_copy(values.back(), Scalar(0.01));
  }
  for (int stage = 0; stage < n_stages; ++stage)
    for (std::size_t k = 0; k + 1 < layers.size(); ++k) {
      const Range rows = layers[k + 1].rows(stage), visible = layers[k].visible(stage);
      const auto weight = make_matrix<Scalar>("weight", rows.size(), visible.size());
      Kokkos::deep_copy(weight, Scalar(0.01));
      chain.products.push_back({weight, make_matrix<Scalar>("weight bar", rows.size(), visible.size()),
                                block_of(values[k], visible, n), block_of(bars[k], visible, n),
                                block_of(values[k + 1], rows, n), k > 0});
    }
  return chain;
}

}  // namespace benchmarks
