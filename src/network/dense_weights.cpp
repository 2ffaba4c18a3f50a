#include "rhoflux/network/dense_weights.hpp"

#include <algorithm>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/device/reductions.hpp"

namespace rhoflux::network {
namespace {

/// Blocks short enough that the rows of one stage keep an accelerator busy, and few enough to add up in no time.
constexpr int most_blocks = 4096;
constexpr int least_samples_per_block = 8;
/// Of a product for the weights: enough to occupy every processor of an accelerator several times.
constexpr int most_slices = 64;
/// Entries of all slices together: the products of large networks keep an accelerator busy by themselves.
constexpr int most_entries_of_slices = 1 << 26;

/// Slices of n_columns columns for so many weights.
int n_slices(int n_columns, int n_weights) {
  return slices_of(n_columns, std::clamp(most_entries_of_slices / std::max(1, n_weights), 1, most_slices))
      .count;
}

/// values_k = parameters at source_k.
template <class Scalar>
void gather(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, const Vector<int>& source,
            const Vector<Scalar>& values) {
  const ConstVector<Scalar> from = parameters;
  const Vector<int> at = source;
  const Vector<Scalar> to = values;
  for_each(
      space, "weights of whole layers", static_cast<int>(values.extent(0)),
      KOKKOS_LAMBDA(int k) { to(k) = at(k) < 0 ? Scalar(0) : from(at(k)); });
}

/// Adds the sum of values_k over the slices to parameters_bar at source_k.
template <class Scalar>
void scatter_add(const ExecutionSpace& space, const Vector<Scalar>& values, int n_slices,
                 const Vector<int>& source, const Vector<Scalar>& parameters_bar) {
  const Vector<Scalar> from = values, to = parameters_bar;
  const Vector<int> at = source;
  const int n = static_cast<int>(source.extent(0));
  for_each(
      space, "adjoint of whole layers", n, KOKKOS_LAMBDA(int k) {
        if (at(k) < 0) return;
        Scalar sum = 0;
        for (int slice = 0; slice < n_slices; ++slice)
          sum += from(static_cast<std::size_t>(slice) * static_cast<std::size_t>(n) +
                      static_cast<std::size_t>(k));
        to(at(k)) += sum;
      });
}

}  // namespace

template <class Scalar>
DenseWeights<Scalar>::DenseWeights(const std::vector<StagedLayer>& layers,
                                   const std::vector<std::vector<StageBlock>>& blocks, int n_columns,
                                   bool has_adjoint)
    : m_n_blocks(std::clamp(n_columns / least_samples_per_block, 1, most_blocks)) {
  std::vector<int> weight_source, bias_source;
  for (std::size_t layer = 0; layer < blocks.size(); ++layer) {
    const StagedLayer &from = layers[layer], &to = layers[layer + 1];
    const int rows = to.size(), columns = from.size();
    const auto first = weight_source.size();
    m_layers.push_back({rows, columns, static_cast<int>(first), static_cast<int>(bias_source.size())});
    weight_source.resize(first + static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns), -1);
    for (int stage = 0; stage < to.n_stages(); ++stage) {
      const StageBlock& block = blocks[layer][static_cast<std::size_t>(stage)];
      const Range own = to.rows(stage);
      for (int c = 0; c < from.visible(stage).size(); ++c)
        for (int r = 0; r < own.size(); ++r)
          weight_source[first + static_cast<std::size_t>(c) * static_cast<std::size_t>(rows) +
                        static_cast<std::size_t>(own.begin + r)] = block.weight + c * own.size() + r;
      for (int r = 0; r < own.size(); ++r) bias_source.push_back(block.bias + r);
    }
  }
  const auto n_weights = static_cast<int>(weight_source.size()),
             n_biases = static_cast<int>(bias_source.size());
  m_n_slices = n_slices(n_columns, n_weights);
  m_weight_source = on_device<int>(weight_source, "places of the weights");
  m_bias_source = on_device<int>(bias_source, "places of the biases");
  m_values = make_vector<Scalar>("weights of whole layers", n_weights);
  m_biases = make_vector<Scalar>("biases of whole layers", n_biases);
  m_bars = make_vector<Scalar>("adjoint of whole layers", has_adjoint ? n_weights * m_n_slices : 0);
  m_bias_sums = make_matrix<Scalar>("sums over samples", m_n_blocks, has_adjoint ? n_biases : 0);
}

template <class Scalar>
void DenseWeights<Scalar>::pack(const ExecutionSpace& space, const ConstVector<Scalar>& parameters) const {
  gather<Scalar>(space, parameters, m_weight_source, m_values);
  gather<Scalar>(space, parameters, m_bias_source, m_biases);
}

template <class Scalar>
ConstVector<Scalar> DenseWeights<Scalar>::bias(int layer) const {
  const Layer& at = layer_at(layer);
  return Kokkos::subview(m_biases, Kokkos::make_pair(at.bias, at.bias + at.rows));
}

template <class Scalar>
Matrix<Scalar> DenseWeights<Scalar>::bias_sums(int layer) const {
  const Layer& at = layer_at(layer);
  return Kokkos::subview(m_bias_sums, Kokkos::ALL, Kokkos::make_pair(at.bias, at.bias + at.rows));
}

template <class Scalar>
void DenseWeights<Scalar>::clear_bars(const ExecutionSpace& space) const {
  Kokkos::deep_copy(space, m_bars, Scalar(0));
  Kokkos::deep_copy(space, m_bias_sums, Scalar(0));
}

template <class Scalar>
void DenseWeights<Scalar>::add_to(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar,
                                  int n_samples, int n_columns) const {
  scatter_add<Scalar>(space, m_bars, slices(n_columns).count, m_weight_source, parameters_bar);
  const int length = samples_per_block(n_samples), n_used = (n_samples + length - 1) / length;
  add_column_sums<Scalar>(space, "bias adjoint", rows_of(m_bias_sums, {0, n_used}), m_bias_source,
                          parameters_bar);
}

template class DenseWeights<float>;
template class DenseWeights<double>;

}  // namespace rhoflux::network
