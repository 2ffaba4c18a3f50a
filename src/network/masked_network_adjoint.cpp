#include "layer_kernels.hpp"
#include "parts.hpp"
#include "rhoflux/device/linear_algebra.hpp"
#include "rhoflux/network/masked_network.hpp"

namespace rhoflux::network {

template <class Scalar>
void MaskedNetwork<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                    const Vector<Scalar>& parameters_bar, AdjointScope scope) {
  if (is_dense()) return whole_adjoint(space, parameters_bar, scope);
  for (int stage = m_order.n_evaluated() - 1; stage >= 0; --stage)
    adjoint_stage(space, parameters, parameters_bar, stage, scope);
}

template <class Scalar>
void MaskedNetwork<Scalar>::adjoint_stage(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                          const Vector<Scalar>& parameters_bar, int stage,
                                          AdjointScope scope) {
  m_order.adjoint_stage(stage);
  set_adjoint_columns(scope);
  if (is_dense())
    dense_stage_adjoint(space, parameters_bar, stage, scope);
  else
    block_stage_adjoint(space, parameters, parameters_bar, stage, scope);
}

template <class Scalar>
void MaskedNetwork<Scalar>::block_stage_adjoint(const ExecutionSpace& space,
                                                const ConstVector<Scalar>& parameters,
                                                const Vector<Scalar>& parameters_bar, int stage,
                                                AdjointScope scope) {
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
    gemm(space, Transpose::yes, Transpose::no, weights(parameters, at), delta, keep,
         block_of(m_bars[at.from], at.visible, columns));
  }
}

/// Adjoint of the activation of some rows, and the sums that the adjoint of their biases is made of.
template <class Scalar>
void MaskedNetwork<Scalar>::activation_adjoint_of(const ExecutionSpace& space, const Step& step,
                                                  bool with_bias) const {
  BiasSums<Scalar> sums;
  if (with_bias)
    sums = {Kokkos::subview(m_dense.bias_sums(static_cast<int>(step.from)), Kokkos::ALL,
                            Kokkos::make_pair(step.rows.begin, step.rows.end)),
            m_dense.samples_per_block(m_columns.n_samples)};
  const Matrix<Scalar> bar = rows_of(m_bars[step.to], step.rows);
  if (!step.is_output)
    activation_adjoint<Scalar>(space, rows_of(m_slopes[step.to], step.rows), bar, step.rows.size(), m_columns,
                               m_adjoint_columns, sums);
  else if (with_bias)
    for_each_adjoint(space, "outputs adjoint", adjoints::OfOutputs<Scalar>{bar}, step.rows.size(),
                     m_columns.n_samples, sums);
}

/// The adjoint of rows of a layer, from that of the rows `above` of the next one: all that see them.
template <class Scalar>
void MaskedNetwork<Scalar>::bar_from_above(const ExecutionSpace& space, std::size_t layer,
                                           const Piece& piece) const {
  if (piece.rows.size() == 0) return;
  const Range columns = {0, m_adjoint_columns.total()};
  const UnmanagedMatrix<const Scalar> weight = m_dense.weight(static_cast<int>(layer));
  gemm(space, Transpose::yes, Transpose::no, part_of(weight, piece.above, piece.rows),
       block_of(m_bars[layer + 1], piece.above, columns), Scalar(0),
       block_of(m_bars[layer], piece.rows, columns), m_config.precision);
}

/// One stage of every layer, taking what it gets from the stages above, which are done. The products for the weights
/// are left until all stages are done, and then made for whole layers.
template <class Scalar>
void MaskedNetwork<Scalar>::dense_stage_adjoint(const ExecutionSpace& space,
                                                const Vector<Scalar>& parameters_bar, int stage,
                                                AdjointScope scope) {
  const int last_stage = m_order.n_evaluated() - 1;
  const bool with_parameters = parameters_bar.extent(0) > 0;
  if (with_parameters && stage == last_stage && last_stage + 1 < m_config.n_stages) m_dense.clear_bars(space);
  const auto take = [&](std::size_t layer) {
    const StagedLayer& next = m_layers[layer + 1];
    bar_from_above(space, layer,
                   {m_layers[layer].rows(stage), {next.rows(stage).begin, next.visible(last_stage).end}});
  };
  for (int layer = n_layers() - 1; layer >= 0; --layer) {
    const Step at = step(layer, stage);
    if (!at.is_output) take(at.to);
    activation_adjoint_of(space, at, with_parameters);
  }
  if (scope.inputs) take(0);
  if (with_parameters && stage == 0) add_dense_gradient(space, parameters_bar);
}

/// All stages of a layer at once.
template <class Scalar>
void MaskedNetwork<Scalar>::whole_adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar,
                                          AdjointScope scope) {
  const int n_stages = m_order.n_evaluated();
  for (int stage = n_stages - 1; stage >= 0; --stage) m_order.adjoint_stage(stage);
  set_adjoint_columns(scope);
  const bool with_parameters = parameters_bar.extent(0) > 0;
  if (with_parameters && n_stages < m_config.n_stages) m_dense.clear_bars(space);
  for (int layer = n_layers() - 1; layer >= 0; --layer) {
    const Step at = whole_step(layer, n_stages);
    activation_adjoint_of(space, at, with_parameters);
    if (layer == 0 && !scope.inputs) continue;
    for (const Piece& piece : pieces_below(at, {0, m_adjoint_columns.total()}))
      bar_from_above(space, at.from, piece);
  }
  if (with_parameters) add_dense_gradient(space, parameters_bar);
}

template <class Scalar>
void MaskedNetwork<Scalar>::add_dense_gradient(const ExecutionSpace& space,
                                               const Vector<Scalar>& parameters_bar) {
  const Range columns = {0, m_adjoint_columns.total()};
  for (int layer = n_layers() - 1; layer >= 0; --layer) {
    for (const Step& at : pieces_of(whole_step(layer, m_order.n_evaluated()), columns))
      if (at.visible.size() > 0)
        multiply_slices(space, block_of(m_bars[at.to], at.rows, columns),
                        block_of(m_activations[at.from], at.visible, columns), m_dense.slices(columns.size()),
                        part_of(m_dense.weight_bar(layer), at.rows, at.visible), m_dense.slice_distance(),
                        m_config.precision);
  }
  m_dense.add_to(space, parameters_bar, m_columns.n_samples, columns.size());
  if (m_listener == nullptr) return;
  for (int layer = n_layers() - 1; layer >= 0; --layer)
    for (int stage = m_order.n_evaluated() - 1; stage >= 0; --stage)
      m_listener->on_gradient_added(Range{block(layer, stage).weight, block(layer, stage).end});
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
