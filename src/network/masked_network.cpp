#include "rhoflux/network/masked_network.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

#include "layer_kernels.hpp"
#include "parts.hpp"
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
  inputs.front() =
      config.time.size() + config.dense_coordinates * config.coordinate.size() + config.n_conditions;
  std::vector<StagedLayer> layers = {StagedLayer(inputs)};
  for (const int width : config.hidden) layers.emplace_back(split_width(width, config.n_stages));
  layers.emplace_back(std::vector<int>(static_cast<std::size_t>(config.n_stages), config.outputs_per_stage));
  return layers;
}

/// Rows of the conditions: their values in the columns of the samples, 0 in those of the tangents.
template <class Scalar>
void fill_conditions(const ExecutionSpace& space, Columns columns, const ConstMatrix<Scalar>& conditions,
                     const Matrix<Scalar>& rows) {
  const ConstMatrix<Scalar> from = conditions;
  const Matrix<Scalar> to = rows;
  const int n = columns.n_samples;
  for_each_entry(
      space, "conditions", static_cast<int>(rows.extent(0)), columns.total(),
      KOKKOS_LAMBDA(int k, int column) { to(k, column) = column < n ? from(k, column) : Scalar(0); });
}

template <class Scalar>
void clear_group(const ExecutionSpace& space, int n_samples, int group, const Matrix<Scalar>& rows) {
  const Matrix<Scalar> to = rows;
  for_each_entry(
      space, "tangents of conditions", static_cast<int>(rows.extent(0)), n_samples,
      KOKKOS_LAMBDA(int k, int s) { to(k, group * n_samples + s) = Scalar(0); });
}

/// True if leaving out zeros saves enough operations to be worth another product.
bool pays(std::int64_t kept, std::int64_t whole) {
  return kept < whole - whole / 10;
}

}  // namespace

template <class Scalar>
MaskedNetwork<Scalar>::MaskedNetwork(const NetworkConfig& config, ParameterLayout& layout)
    : m_config(config),
      m_layers(make_layers(config)),
      m_time_features(config.time),
      m_coordinate_features(config.coordinate) {
  for (int layer = 0; layer < n_layers(); ++layer) {
    std::vector<StageBlock> blocks;
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
  if (is_dense())
    m_dense = DenseWeights<Scalar>(m_layers, m_blocks, config.max_columns, config.passes != Passes::forward);
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
void MaskedNetwork<Scalar>::scale_output_weights(std::vector<double>& parameters, int stage, int row,
                                                 double factor) const {
  const int layer = n_layers() - 1;
  const int rows = m_layers.back().rows(stage).size();
  const int columns = m_layers[static_cast<std::size_t>(layer)].visible(stage).size();
  for (int column = 0; column < columns; ++column)
    parameters[static_cast<std::size_t>(block(layer, stage).weight + column * rows + row)] *= factor;
}

template <class Scalar>
void MaskedNetwork<Scalar>::begin(const ExecutionSpace& space, Columns columns,
                                  const ConstStridedVector<Scalar>& tau,
                                  const ConstStridedVector<Scalar>& tau_dot,
                                  const ConstMatrix<Scalar>& conditions) {
  m_order.begin(m_config.dense_coordinates > 0);
  m_columns = columns;
  m_time_features.forward(space, columns, tau, tau_dot, input_features(time_rows()));
  if (m_config.n_conditions == 0) return;
  const auto n_rows = static_cast<std::size_t>(m_config.n_conditions);
  if (conditions.extent(0) != n_rows || conditions.extent(1) < static_cast<std::size_t>(columns.n_samples))
    throw std::logic_error("masked network: conditions (" + std::to_string(conditions.extent(0)) + ", " +
                           std::to_string(conditions.extent(1)) + ") where (" + std::to_string(n_rows) +
                           ", " + std::to_string(columns.n_samples) + ") are needed");
  fill_conditions<Scalar>(space, columns, conditions, input_features(condition_rows()));
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
typename MaskedNetwork<Scalar>::Step MaskedNetwork<Scalar>::whole_step(int layer, int n_stages) const {
  Step whole = step(layer, n_stages - 1);
  whole.rows.begin = 0;
  return whole;
}

template <class Scalar>
std::vector<typename MaskedNetwork<Scalar>::Step> MaskedNetwork<Scalar>::pieces_of(const Step& step,
                                                                                   Range columns) const {
  if (columns.size() < columns_of_large_product) return {step};
  const StagedLayer &from = m_layers[step.from], &to = m_layers[step.to];
  std::vector<Step> pieces;
  std::int64_t kept = 0;
  for (int begin = step.rows.begin, stage = 0; begin < step.rows.end; begin += rows_of_dense_piece) {
    Step piece = step;
    piece.rows = {begin, std::min(begin + rows_of_dense_piece, step.rows.end)};
    while (to.visible(stage).end < piece.rows.end) ++stage;
    piece.visible = from.visible(stage);
    kept += std::int64_t{piece.rows.size()} * piece.visible.size();
    pieces.push_back(piece);
  }
  const std::int64_t whole = std::int64_t{step.rows.size()} * step.visible.size();
  return pays(kept, whole) ? pieces : std::vector<Step>{step};
}

template <class Scalar>
std::vector<typename MaskedNetwork<Scalar>::Piece> MaskedNetwork<Scalar>::pieces_below(const Step& step,
                                                                                       Range columns) const {
  const std::vector<Piece> undivided = {{step.visible, step.rows}};
  if (columns.size() < columns_of_large_product) return undivided;
  const StagedLayer &from = m_layers[step.from], &to = m_layers[step.to];
  std::vector<Piece> pieces;
  std::int64_t kept = 0;
  for (int begin = 0, stage = 0; begin < step.visible.end; begin += rows_of_dense_piece) {
    while (from.visible(stage).end <= begin) ++stage;
    const Piece piece = {{begin, std::min(begin + rows_of_dense_piece, step.visible.end)},
                         {to.rows(stage).begin, step.rows.end}};
    kept += std::int64_t{piece.rows.size()} * piece.above.size();
    pieces.push_back(piece);
  }
  return pays(kept, std::int64_t{step.rows.size()} * step.visible.size()) ? pieces : undivided;
}

template <class Scalar>
UnmanagedMatrix<const Scalar> MaskedNetwork<Scalar>::weights(const ConstVector<Scalar>& parameters,
                                                             const Step& step) const {
  if (!is_dense()) return weight_view(parameters, step.block.weight, step.rows.size(), step.visible.size());
  return part_of(UnmanagedMatrix<const Scalar>(m_dense.weight(static_cast<int>(step.from))), step.rows,
                 step.visible);
}

template <class Scalar>
ConstVector<Scalar> MaskedNetwork<Scalar>::bias(const ConstVector<Scalar>& parameters,
                                                const Step& step) const {
  if (!is_dense()) return part_of(parameters, step.block.bias, step.block.end);
  return part_of(m_dense.bias(static_cast<int>(step.from)), step.rows.begin, step.rows.end);
}

template <class Scalar>
void MaskedNetwork<Scalar>::multiply_piece(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                           const Step& piece, Range columns) const {
  const Matrix<Scalar>& results = piece.is_output ? m_activations[piece.to] : m_slopes[piece.to];
  const auto result = block_of(results, piece.rows, columns);
  if (piece.visible.size() > 0) {
    gemm(space, Transpose::no, Transpose::no, weights(parameters, piece),
         block_of(m_activations[piece.from], piece.visible, columns), Scalar(0), result, m_config.precision);
  } else {
    Kokkos::deep_copy(space, result, Scalar(0));
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::multiply(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                     const Step& step, Range columns) const {
  if (!is_dense()) return multiply_piece(space, parameters, step, columns);
  for (const Step& piece : pieces_of(step, columns)) multiply_piece(space, parameters, piece, columns);
}

template <class Scalar>
void MaskedNetwork<Scalar>::evaluate_step(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                          const Step& step) const {
  multiply(space, parameters, step, {0, m_columns.total()});
  const Layer<Scalar> views = {step.is_output ? Matrix<Scalar>() : rows_of(m_slopes[step.to], step.rows),
                               rows_of(m_activations[step.to], step.rows), bias(parameters, step), m_columns};
  if (step.is_output)
    add_bias(space, views, step.rows.size());
  else
    activate(space, views, step.rows.size());
}

template <class Scalar>
void MaskedNetwork<Scalar>::evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                     int stage) {
  m_order.evaluate(stage);
  if (is_dense() && stage == 0) m_dense.pack(space, parameters);
  for (int layer = 0; layer < n_layers(); ++layer) evaluate_step(space, parameters, step(layer, stage));
}

template <class Scalar>
void MaskedNetwork<Scalar>::evaluate_all(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                         int n_stages, const ConstMatrix<Scalar>& x,
                                         const ConstMatrix<Scalar>& x_dot) {
  for (int stage = 0; stage < n_stages; ++stage) {
    if (stage > 0) feed(space, stage, row_of(x, stage - 1), row_of(x_dot, stage - 1));
    if (is_dense())
      m_order.evaluate(stage);
    else
      evaluate(space, parameters, stage);
  }
  if (!is_dense()) return;
  m_dense.pack(space, parameters);
  for (int layer = 0; layer < n_layers(); ++layer)
    evaluate_step(space, parameters, whole_step(layer, n_stages));
}

template <class Scalar>
void MaskedNetwork<Scalar>::extend(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                   const ConstStridedVector<Scalar>& tau_dot,
                                   const ConstMatrix<Scalar>& x_dot) {
  m_order.extend();
  const int n = m_columns.n_samples, group = ++m_columns.n_tangents, n_evaluated = m_order.n_evaluated();
  m_time_features.tangent(space, n, group, tau_dot, input_features(time_rows()));
  if (m_config.n_conditions > 0) clear_group(space, n, group, input_features(condition_rows()));
  for (int c = 0; c < m_config.dense_coordinates; ++c)
    m_coordinate_features.tangent(space, n, group, row_of(x_dot, c), input_features(dense_rows(c)));
  for (int stage = 1; stage < n_evaluated; ++stage)
    m_coordinate_features.tangent(space, n, group, row_of(x_dot, stage - 1),
                                  input_features(coordinate_rows(stage)));
  const auto extend_step = [&](const Step& at) {
    multiply(space, parameters, at, {group * n, (group + 1) * n});
    if (at.is_output) return;
    activate_tangent_group<Scalar>(
        space, {rows_of(m_slopes[at.to], at.rows), rows_of(m_activations[at.to], at.rows), {}, m_columns},
        at.rows.size(), group);
  };
  for (int stage = 0; stage < n_evaluated && !is_dense(); ++stage)
    for (int layer = 0; layer < n_layers(); ++layer) extend_step(step(layer, stage));
  for (int layer = 0; layer < n_layers() && is_dense(); ++layer) extend_step(whole_step(layer, n_evaluated));
}

template class MaskedNetwork<float>;
template class MaskedNetwork<double>;

}  // namespace rhoflux::network
