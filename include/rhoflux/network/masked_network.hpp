#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/gradient_listener.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/network/call_order.hpp"
#include "rhoflux/network/columns.hpp"
#include "rhoflux/network/dense_weights.hpp"
#include "rhoflux/network/features.hpp"
#include "rhoflux/network/parameter_layout.hpp"
#include "rhoflux/network/passes.hpp"
#include "rhoflux/network/stages.hpp"

namespace rhoflux::network {

/// A MADE (Germain et al. 2015) in stages. Stage d = 0..n_stages-1 adds the inputs of degree d (time and
/// conditions for d = 0, the coordinate x_d for d >= 1), the hidden units of degree d, and the outputs that depend on degrees <=
/// d, which parametrise the conditional of coordinate d+1 given x_1..x_d. With one stage it is a plain MLP of
/// time.
struct NetworkConfig {
  std::string name;           ///< prefix of the parameter names
  int n_stages = 1;           ///< D, or 1 for a function of time alone
  FourierConfig time;         ///< degree 0
  FourierConfig coordinate;   ///< degree d for x_d
  int dense_coordinates = 0;  ///< coordinates x_1.. that have degree 0, like time: every unit sees them
  int n_conditions = 0;       ///< numbers of degree 0 that no tangent changes, fed as they are
  std::vector<int> hidden = {256, 256, 256, 256};
  int outputs_per_stage = 1;
  int max_columns = default_chunk_size;  ///< samples times (1 + tangents) of one call
  Passes passes = Passes::forward_and_adjoint;
  ProductStrategy products = default_products;
  MatrixPrecision precision = MatrixPrecision::full;
};

/// What an adjoint pass covers besides the values and the parameters.
struct AdjointScope {
  bool inputs = false;   ///< leave the adjoint of the inputs for `time_adjoint` and `coordinate_adjoint`
  bool tangents = true;  ///< false: of the values alone, although tangents were evaluated
};

template <class Scalar>
class MaskedNetwork {
 public:
  /// Appends its parameters to `layout`; allocates the workspace.
  MaskedNetwork(const NetworkConfig& config, ParameterLayout& layout);

  const NetworkConfig& config() const { return m_config; }
  int n_layers() const { return static_cast<int>(m_layers.size()) - 1; }

  /// Random weights (variance 2 / visible inputs; the last layer 100 times smaller), zero biases.
  /// @param parameters (layout size), written in this network's blocks only
  void initialise(std::vector<double>& parameters, std::uint64_t seed) const;
  /// Sets the weights and biases of the outputs to zero.
  void clear_outputs(std::vector<double>& parameters) const;
  /// Offset of the bias of the outputs of one stage in the parameter vector.
  /// Multiplies the weights (not the bias) of output `row` of a stage by a factor.
  void scale_output_weights(std::vector<double>& parameters, int stage, int row, double factor) const;
  int output_bias_offset(int stage) const { return m_blocks.back()[static_cast<std::size_t>(stage)].bias; }

  // -- forward ------------------------------------------------------------------------------------------
  /// Starts an evaluation at times tau (n) with tangents tau_dot (n_tangents * n, group by group; empty: zero) and
  /// conditions (n_conditions, n).
  void begin(const ExecutionSpace& space, Columns columns, const ConstStridedVector<Scalar>& tau,
             const ConstStridedVector<Scalar>& tau_dot, const ConstMatrix<Scalar>& conditions = {});
  /// Feeds coordinate `stage` (>= 1): x (n) and its tangents x_dot (n_tangents * n; empty: zero).
  void feed(const ExecutionSpace& space, int stage, const ConstStridedVector<Scalar>& x,
            const ConstStridedVector<Scalar>& x_dot);
  /// Feeds the coordinates of degree 0, x (dense_coordinates, n) and x_dot (dense_coordinates, n_tangents * n) or
  /// empty.
  void feed_dense(const ExecutionSpace& space, const ConstMatrix<Scalar>& x,
                  const ConstMatrix<Scalar>& x_dot);
  /// Hidden units and outputs of one stage. Its input must have been fed, earlier stages evaluated.
  void evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, int stage);
  /// Stages 0 .. n_stages - 1 after `begin`, all their coordinates being known: rows of x (n_coordinates, n) and x_dot
  /// (n_coordinates, n_tangents * n; empty: zero).
  void evaluate_all(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, int n_stages,
                    const ConstMatrix<Scalar>& x, const ConstMatrix<Scalar>& x_dot);
  /// Adds one group of tangents to an evaluation that had at least one: of the stages evaluated so far, along
  /// tau_dot (n; empty: zero) and x_dot (n_coordinates, n).
  void extend(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
              const ConstStridedVector<Scalar>& tau_dot, const ConstMatrix<Scalar>& x_dot);
  /// (n_stages * outputs_per_stage, columns): outputs of the stages evaluated so far.
  const Matrix<Scalar>& outputs() const { return m_activations.back(); }

  /// From now on the adjoint passes tell `listener` (null: nobody) what they have added to. It must outlive
  /// them.
  void set_gradient_listener(GradientListener* listener) { m_listener = listener; }

  // -- adjoint ------------------------------------------------------------------------------------------
  /// Adjoint of the outputs, to be filled for the columns of the evaluation before `adjoint` is called.
  const Matrix<Scalar>& outputs_bar() const { return m_bars.back(); }
  /// Adds d<outputs_bar, outputs> / dparameters to parameters_bar (empty: leave the parameters out); with tangents
  /// also the part through them.
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const Vector<Scalar>& parameters_bar, AdjointScope scope);
  /// The part of `adjoint` that belongs to one stage. To be called from the last evaluated stage down to 0;
  /// between two calls the adjoint of the outputs of the lower stages may still be changed, by what
  /// `coordinate_adjoint` of the stages done so far gives.
  void adjoint_stage(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                     const Vector<Scalar>& parameters_bar, int stage, AdjointScope scope);
  /// Adds the adjoint of coordinate `stage` (>= 1) to x_bar (n) and, unless empty, of its tangents to x_dot_bar
  /// (n_tangents * n). Complete once the stages down to `stage` are done.
  void coordinate_adjoint(const ExecutionSpace& space, int stage, const StridedVector<Scalar>& x_bar,
                          const StridedVector<Scalar>& x_dot_bar) const;
  /// Adds the adjoint of tau (n) and, unless empty, of its tangents (n_tangents * n).
  void time_adjoint(const ExecutionSpace& space, const StridedVector<Scalar>& tau_bar,
                    const StridedVector<Scalar>& tau_dot_bar) const;
  /// Adds the adjoint of the coordinates of degree 0 (dense_coordinates, n) and, unless empty, of their tangents.
  void dense_adjoint(const ExecutionSpace& space, const Matrix<Scalar>& x_bar,
                     const Matrix<Scalar>& x_dot_bar) const;
  /// Adds the adjoint of all inputs that were fed: tau (n), the coordinates (n_coordinates, n) and, unless empty,
  /// their tangents. Call after `adjoint` with scope.inputs.
  void inputs_adjoint(const ExecutionSpace& space, const StridedVector<Scalar>& tau_bar,
                      const StridedVector<Scalar>& tau_dot_bar, const Matrix<Scalar>& x_bar,
                      const Matrix<Scalar>& x_dot_bar) const;

 private:
  /// Some rows of layer `to` = `from` + 1, and the rows of layer `from` that they see.
  struct Step {
    std::size_t from, to;
    Range rows, visible;
    StageBlock block;  ///< of a single stage
    bool is_output;
  };
  /// One stage of the layer that leads from layer `layer` to the next one, or its first n_stages at once.
  Step step(int layer, int stage) const;
  Step whole_step(int layer, int n_stages) const;
  bool is_dense() const { return m_config.products == ProductStrategy::dense; }
  UnmanagedMatrix<const Scalar> weights(const ConstVector<Scalar>& parameters, const Step& step) const;
  ConstVector<Scalar> bias(const ConstVector<Scalar>& parameters, const Step& step) const;
  /// y = W h of some rows, or its tangents; the outputs take the place of y in the last layer.
  void multiply(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, const Step& step,
                Range columns) const;
  /// The same, undivided.
  void multiply_piece(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, const Step& piece,
                      Range columns) const;
  /// The rows of a step of whole layers in pieces, and the rows below in pieces with what sees them.
  std::vector<Step> pieces_of(const Step& step, Range columns) const;
  struct Piece {
    Range rows, above;
  };
  std::vector<Piece> pieces_below(const Step& step, Range columns) const;
  /// All columns of some rows, with bias and activation.
  void evaluate_step(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                     const Step& step) const;

  // The adjoint by blocks, and with whole layers (masked_network_adjoint.cpp).
  void block_stage_adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                           const Vector<Scalar>& parameters_bar, int stage, AdjointScope scope);
  void dense_stage_adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar, int stage,
                           AdjointScope scope);
  void whole_adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar, AdjointScope scope);
  void activation_adjoint_of(const ExecutionSpace& space, const Step& step, bool with_bias) const;
  void bar_from_above(const ExecutionSpace& space, std::size_t layer, const Piece& piece) const;
  void add_dense_gradient(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar);
  void set_adjoint_columns(AdjointScope scope) {
    m_adjoint_columns = {m_columns.n_samples, scope.tangents ? m_columns.n_tangents : 0};
  }
  /// Input rows of time, of the coordinate of a stage, of a coordinate of degree 0, and of the conditions.
  Range time_rows() const { return {0, m_config.time.size()}; }
  Range coordinate_rows(int stage) const { return m_layers.front().rows(stage); }
  Range dense_rows(int c) const {
    const int size = m_config.coordinate.size(), first = m_config.time.size() + c * size;
    return {first, first + size};
  }
  Range condition_rows() const {
    const int first = dense_rows(m_config.dense_coordinates).begin;
    return {first, first + m_config.n_conditions};
  }
  Matrix<Scalar> input_features(Range rows) const { return rows_of(m_activations.front(), rows); }
  void feature_adjoint(const ExecutionSpace& space, const FourierFeatures<Scalar>& features, Range rows,
                       const StridedVector<Scalar>& value_bar,
                       const StridedVector<Scalar>& tangent_bar) const;
  const StageBlock& block(int layer, int stage) const {
    return m_blocks[static_cast<std::size_t>(layer)][static_cast<std::size_t>(stage)];
  }

  NetworkConfig m_config;
  std::vector<StagedLayer> m_layers;  ///< inputs, hidden..., outputs
  std::vector<std::vector<StageBlock>>
      m_blocks;  ///< by layer (the one that the block leads to, less 1) and stage
  FourierFeatures<Scalar> m_time_features, m_coordinate_features;
  std::vector<Matrix<Scalar>> m_activations;  ///< by layer; the last one holds the outputs
  std::vector<Matrix<Scalar>>
      m_slopes;                        ///< by hidden layer: activation slope, or pre-activation with tangents
  std::vector<Matrix<Scalar>> m_bars;  ///< by layer
  DenseWeights<Scalar> m_dense;        ///< with ProductStrategy::dense
  Columns m_columns, m_adjoint_columns;
  CallOrder m_order;
  GradientListener* m_listener = nullptr;
};

extern template class MaskedNetwork<float>;
extern template class MaskedNetwork<double>;
extern template class FourierFeatures<float>;
extern template class FourierFeatures<double>;

}  // namespace rhoflux::network
