#include "rhoflux/network/masked_network.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "layer_kernels.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/device/linear_algebra.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::network {
namespace {

std::vector<StagedLayer> make_layers(const NetworkConfig& config) {
  if (std::int64_t{config.n_stages} * config.outputs_per_stage > std::numeric_limits<int>::max())
    fail_input("the network is too large: " + std::to_string(config.n_stages) + " stages of " +
               std::to_string(config.outputs_per_stage) + " outputs");
  std::vector<int> inputs(static_cast<std::size_t>(config.n_stages), config.coordinate.size());
  inputs.front() = config.time.size() + config.dense_coordinates * config.coordinate.size();
  std::vector<StagedLayer> layers = {StagedLayer(inputs)};
  for (const int width : config.hidden) layers.emplace_back(split_width(width, config.n_stages));
  layers.emplace_back(std::vector<int>(static_cast<std::size_t>(config.n_stages), config.outputs_per_stage));
  return layers;
}

/// The (rows, columns) matrix at an offset of a parameter vector, of constants or not.
template <class VectorType>
auto weight_view(const VectorType& parameters, int offset, int rows, int columns) {
  return UnmanagedMatrix<typename VectorType::value_type>(
      parameters.data() + offset, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns));
}

/// Part [begin, end) of a vector.
template <class VectorType>
VectorType part_of(const VectorType& vector, int begin, int end) {
  return Kokkos::subview(vector, Kokkos::make_pair(begin, end));
}

}  // namespace

template <class Scalar>
MaskedNetwork<Scalar>::MaskedNetwork(const NetworkConfig& config, ParameterLayout& layout)
    : m_config(config),
      m_layers(make_layers(config)),
      m_time_features(config.time),
      m_coordinate_features(config.coordinate) {
  for (int layer = 0; layer < n_layers(); ++layer) {
    std::vector<Block> blocks;
    for (int stage = 0; stage < config.n_stages; ++stage) {
      const std::string name =
          config.name + "/layer" + std::to_string(layer) + "/degree" + std::to_string(stage);
      const int rows = m_layers[static_cast<std::size_t>(layer) + 1].rows(stage).size();
      const int columns = m_layers[static_cast<std::size_t>(layer)].visible(stage).size();
      const int weight = layout.add(name + "/weight", rows, columns);
      const int bias = layout.add(name + "/bias", rows, 1);
      blocks.push_back({weight, bias, bias + rows});
    }
    m_blocks.push_back(blocks);
  }
  for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
    const int size = m_layers[layer].size();
    const bool is_hidden = layer > 0 && layer + 1 < m_layers.size();
    m_activations.push_back(make_matrix<Scalar>("activations", size, config.max_columns));
    m_slopes.push_back(make_matrix<Scalar>("slopes", is_hidden ? size : 0, config.max_columns));
    m_bars.push_back(make_matrix<Scalar>("activations adjoint", config.passes == Passes::forward ? 0 : size,
                                         config.max_columns));
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::initialise(std::vector<double>& parameters, std::uint64_t seed) const {
  const RandomStream random(seed, RandomPurpose::initialisation, 0);
  for (int layer = 0; layer < n_layers(); ++layer) {
    const double last = layer + 1 == n_layers() ? 0.1 : 1.0;
    for (int stage = 0; stage < m_config.n_stages; ++stage) {
      const int rows = m_layers[static_cast<std::size_t>(layer) + 1].rows(stage).size();
      const int columns = m_layers[static_cast<std::size_t>(layer)].visible(stage).size();
      const double limit = columns == 0 ? 0.0 : last * std::sqrt(6.0 / columns);
      const int offset = block(layer, stage).weight;
      for (int k = 0; k < rows * columns; ++k) {
        const double uniform = random.uniforms(static_cast<std::uint64_t>(offset + k), 0).first;
        parameters[static_cast<std::size_t>(offset + k)] = limit * (2 * uniform - 1);
      }
      for (int k = 0; k < rows; ++k) parameters[static_cast<std::size_t>(block(layer, stage).bias + k)] = 0;
    }
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::clear_outputs(std::vector<double>& parameters) const {
  const int layer = n_layers() - 1;
  for (int stage = 0; stage < m_config.n_stages; ++stage) {
    const int rows = m_layers.back().rows(stage).size();
    const int columns = m_layers[static_cast<std::size_t>(layer)].visible(stage).size();
    std::fill_n(parameters.begin() + block(layer, stage).weight, rows * columns, 0.0);
    std::fill_n(parameters.begin() + block(layer, stage).bias, rows, 0.0);
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::begin(const ExecutionSpace& space, Columns columns,
                                  const ConstStridedVector<Scalar>& tau,
                                  const ConstStridedVector<Scalar>& tau_dot) {
  m_order.begin(m_config.dense_coordinates > 0);
  m_columns = columns;
  m_time_features.forward(space, columns, tau, tau_dot, input_features(time_rows()));
}

template <class Scalar>
void MaskedNetwork<Scalar>::feed(const ExecutionSpace& space, int stage, const ConstStridedVector<Scalar>& x,
                                 const ConstStridedVector<Scalar>& x_dot) {
  m_order.feed(stage);
  m_coordinate_features.forward(space, m_columns, x, x_dot, input_features(coordinate_rows(stage)));
}

template <class Scalar>
void MaskedNetwork<Scalar>::feed_dense(const ExecutionSpace& space, const ConstMatrix<Scalar>& x,
                                       const ConstMatrix<Scalar>& x_dot) {
  m_order.feed_dense();
  for (int c = 0; c < m_config.dense_coordinates; ++c)
    m_coordinate_features.forward(space, m_columns, row_of(x, c), row_of(x_dot, c),
                                  input_features(dense_rows(c)));
}

template <class Scalar>
typename MaskedNetwork<Scalar>::Step MaskedNetwork<Scalar>::step(int layer, int stage) const {
  const auto from = static_cast<std::size_t>(layer), to = from + 1;
  return {from,
          to,
          m_layers[to].rows(stage),
          m_layers[from].visible(stage),
          block(layer, stage),
          layer + 1 == n_layers()};
}

template <class Scalar>
void MaskedNetwork<Scalar>::multiply(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                     const Step& step, Range columns) const {
  const auto result =
      block_of(step.is_output ? m_activations[step.to] : m_slopes[step.to], step.rows, columns);
  if (step.visible.size() > 0) {
    gemm(space, Transpose::no, Transpose::no,
         weight_view(parameters, step.block.weight, step.rows.size(), step.visible.size()),
         block_of(m_activations[step.from], step.visible, columns), Scalar(0), result);
  } else {
    Kokkos::deep_copy(space, result, Scalar(0));
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                     int stage) {
  m_order.evaluate(stage);
  for (int layer = 0; layer < n_layers(); ++layer) {
    const Step at = step(layer, stage);
    multiply(space, parameters, at, {0, m_columns.total()});
    const Layer<Scalar> views = {at.is_output ? Matrix<Scalar>() : rows_of(m_slopes[at.to], at.rows),
                                 rows_of(m_activations[at.to], at.rows),
                                 part_of(parameters, at.block.bias, at.block.end), m_columns};
    if (at.is_output)
      add_bias(space, views, at.rows.size());
    else
      activate(space, views, at.rows.size());
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::extend(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                   const ConstStridedVector<Scalar>& tau_dot,
                                   const ConstMatrix<Scalar>& x_dot) {
  m_order.extend();
  const int n = m_columns.n_samples, group = ++m_columns.n_tangents, n_evaluated = m_order.n_evaluated();
  m_time_features.tangent(space, n, group, tau_dot, input_features(time_rows()));
  for (int c = 0; c < m_config.dense_coordinates; ++c)
    m_coordinate_features.tangent(space, n, group, row_of(x_dot, c), input_features(dense_rows(c)));
  for (int stage = 1; stage < n_evaluated; ++stage)
    m_coordinate_features.tangent(space, n, group, row_of(x_dot, stage - 1),
                                  input_features(coordinate_rows(stage)));
  for (int stage = 0; stage < n_evaluated; ++stage)
    for (int layer = 0; layer < n_layers(); ++layer) {
      const Step at = step(layer, stage);
      multiply(space, parameters, at, {group * n, (group + 1) * n});
      if (at.is_output) continue;
      activate_tangent_group<Scalar>(
          space, {rows_of(m_slopes[at.to], at.rows), rows_of(m_activations[at.to], at.rows), {}, m_columns},
          at.rows.size(), group);
    }
}

template <class Scalar>
void MaskedNetwork<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                    const Vector<Scalar>& parameters_bar, AdjointScope scope) {
  for (int stage = m_order.n_evaluated() - 1; stage >= 0; --stage)
    adjoint_stage(space, parameters, parameters_bar, stage, scope);
}

template <class Scalar>
void MaskedNetwork<Scalar>::adjoint_stage(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                          const Vector<Scalar>& parameters_bar, int stage,
                                          AdjointScope scope) {
  m_order.adjoint_stage(stage);
  m_adjoint_columns = {m_columns.n_samples, scope.tangents ? m_columns.n_tangents : 0};
  const Range columns = {0, m_adjoint_columns.total()};
  // The last stage sees every row below that was evaluated, so its product is the first to write there.
  const Scalar keep = stage == m_order.n_evaluated() - 1 ? Scalar(0) : Scalar(1);
  for (int layer = n_layers() - 1; layer >= 0; --layer) {
    const Step at = step(layer, stage);
    const Matrix<Scalar> bar = rows_of(m_bars[at.to], at.rows);
    if (!at.is_output)
      activation_adjoint<Scalar>(space, rows_of(m_slopes[at.to], at.rows), bar, at.rows.size(), m_columns,
                                 m_adjoint_columns);
    const auto delta = block_of(m_bars[at.to], at.rows, columns);
    if (parameters_bar.extent(0) > 0) {
      bias_adjoint<Scalar>(space, bar, part_of(parameters_bar, at.block.bias, at.block.end),
                           m_columns.n_samples);
      if (at.visible.size() > 0)
        gemm(space, Transpose::no, Transpose::yes, delta,
             block_of(m_activations[at.from], at.visible, columns), Scalar(1),
             weight_view(parameters_bar, at.block.weight, at.rows.size(), at.visible.size()));
      if (m_listener != nullptr)
        m_listener->on_gradient_added(Range{at.block.weight, at.block.end});  // named for nvcc
    }
    if (at.visible.size() == 0 || (layer == 0 && !scope.inputs)) continue;
    gemm(space, Transpose::yes, Transpose::no,
         weight_view(parameters, at.block.weight, at.rows.size(), at.visible.size()), delta, keep,
         block_of(m_bars[at.from], at.visible, columns));
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::feature_adjoint(const ExecutionSpace& space,
                                            const FourierFeatures<Scalar>& features, Range rows,
                                            const StridedVector<Scalar>& value_bar,
                                            const StridedVector<Scalar>& tangent_bar) const {
  features.adjoint(space, m_adjoint_columns, input_features(rows), rows_of(m_bars.front(), rows), value_bar,
                   tangent_bar);
}

template <class Scalar>
void MaskedNetwork<Scalar>::coordinate_adjoint(const ExecutionSpace& space, int stage,
                                               const StridedVector<Scalar>& x_bar,
                                               const StridedVector<Scalar>& x_dot_bar) const {
  m_order.input_adjoint(stage);
  feature_adjoint(space, m_coordinate_features, coordinate_rows(stage), x_bar, x_dot_bar);
}

template <class Scalar>
void MaskedNetwork<Scalar>::time_adjoint(const ExecutionSpace& space, const StridedVector<Scalar>& tau_bar,
                                         const StridedVector<Scalar>& tau_dot_bar) const {
  m_order.input_adjoint(0);
  feature_adjoint(space, m_time_features, time_rows(), tau_bar, tau_dot_bar);
}

template <class Scalar>
void MaskedNetwork<Scalar>::dense_adjoint(const ExecutionSpace& space, const Matrix<Scalar>& x_bar,
                                          const Matrix<Scalar>& x_dot_bar) const {
  m_order.input_adjoint(0);
  for (int c = 0; c < m_config.dense_coordinates; ++c)
    feature_adjoint(space, m_coordinate_features, dense_rows(c), row_of(x_bar, c), row_of(x_dot_bar, c));
}

template <class Scalar>
void MaskedNetwork<Scalar>::inputs_adjoint(const ExecutionSpace& space, const StridedVector<Scalar>& tau_bar,
                                           const StridedVector<Scalar>& tau_dot_bar,
                                           const Matrix<Scalar>& x_bar,
                                           const Matrix<Scalar>& x_dot_bar) const {
  time_adjoint(space, tau_bar, tau_dot_bar);
  dense_adjoint(space, x_bar, x_dot_bar);
  for (int stage = 1; stage < m_order.n_evaluated(); ++stage)
    coordinate_adjoint(space, stage, row_of(x_bar, stage - 1), row_of(x_dot_bar, stage - 1));
}

template class MaskedNetwork<float>;
template class MaskedNetwork<double>;

}  // namespace rhoflux::network
