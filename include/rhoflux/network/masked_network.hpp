#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/device/gradient_listener.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/network/features.hpp"
#include "rhoflux/network/parameter_layout.hpp"
#include "rhoflux/network/stages.hpp"

namespace rhoflux::network {

/// A MADE (Germain et al. 2015) in stages. Stage d = 0..n_stages-1 adds the inputs of degree d (time for d =
/// 0, the coordinate x_d for d >= 1), the hidden units of degree d, and the outputs that depend on degrees <=
/// d, which parametrise the conditional of coordinate d+1 given x_1..x_d. With one stage it is a plain MLP of
/// time.
struct NetworkConfig {
  std::string name;           ///< prefix of the parameter names
  int n_stages = 1;           ///< D, or 1 for a function of time alone
  FourierConfig time;         ///< degree 0
  FourierConfig coordinate;   ///< degree d for x_d
  int dense_coordinates = 0;  ///< coordinates x_1.. that have degree 0, like time: every unit sees them
  std::vector<int> hidden = {256, 256, 256, 256};
  int outputs_per_stage = 1;
  int max_columns = 128;    ///< samples times (1 + tangents) of one call
  bool derivatives = true;  ///< keep what the adjoint needs
};

/// Columns of one evaluation: n samples, then n_tangents groups of n tangents, as extra columns of the same
/// matrix products.
struct Columns {
  int n_samples = 0;
  int n_tangents = 0;
  int total() const { return n_samples * (1 + n_tangents); }
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
  int output_bias_offset(int stage) const { return m_blocks.back()[static_cast<std::size_t>(stage)].bias; }

  // -- forward ------------------------------------------------------------------------------------------
  /// Starts an evaluation at times tau (n) with tangents tau_dot (n_tangents * n, null: zero).
  void begin(const ExecutionSpace& space, Columns columns, const Scalar* tau, const Scalar* tau_dot);
  /// Feeds coordinate `stage` (>= 1), strided values as in FourierFeatures::forward.
  void feed(const ExecutionSpace& space, int stage, const Scalar* x, const Scalar* x_dot, int stride);
  /// Feeds the coordinates of degree 0, x_c of sample s at x[s * stride + c], tangents as in `feed`.
  void feed_dense(const ExecutionSpace& space, const Scalar* x, const Scalar* x_dot, int stride);
  /// Hidden units and outputs of one stage. Its input must have been fed, earlier stages evaluated.
  void evaluate(const ExecutionSpace& space, const Vector<Scalar>& parameters, int stage);
  /// Adds one group of tangents to an evaluation that had at least one: of the stages evaluated so far, along
  /// tau_dot (n, null: zero) and x_dot (coordinate c of sample s at s * stride + c).
  void extend(const ExecutionSpace& space, const Vector<Scalar>& parameters, const Scalar* tau_dot,
              const Scalar* x_dot, int stride);
  /// (n_stages * outputs_per_stage, columns): outputs of the stages evaluated so far.
  const Matrix<Scalar>& outputs() const { return m_activations.back(); }

  /// From now on the adjoint passes tell `listener` (null: nobody) what they have added to. It must outlive
  /// them.
  void set_gradient_listener(GradientListener* listener) { m_listener = listener; }

  // -- adjoint ------------------------------------------------------------------------------------------
  /// Adjoint of the outputs, to be filled for the columns of the evaluation before `adjoint` is called.
  const Matrix<Scalar>& outputs_bar() const { return m_bars.back(); }
  /// Adds d<outputs_bar, outputs> / dparameters to parameters_bar; with tangents also the part through them.
  /// @param parameters_bar empty: leave the parameters out
  /// @param inputs_too also leave the adjoint of the input features for `inputs_adjoint`
  void adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
               const Vector<Scalar>& parameters_bar, bool inputs_too);
  /// The part of `adjoint` that belongs to one stage. To be called from the last evaluated stage down to 0;
  /// between two calls the adjoint of the outputs of the lower stages may still be changed, by what
  /// `coordinate_adjoint` of the stages done so far gives.
  void adjoint_stage(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                     const Vector<Scalar>& parameters_bar, int stage, AdjointScope scope);
  /// Adds the adjoint of coordinate `stage` (>= 1) and, unless null, of its tangents, strided as in feed.
  /// Complete once the stages down to `stage` are done.
  void coordinate_adjoint(const ExecutionSpace& space, int stage, Scalar* x_bar, Scalar* x_dot_bar,
                          int stride) const;
  /// Adds the adjoint of tau (n) and, unless null, of its tangents.
  void time_adjoint(const ExecutionSpace& space, Scalar* tau_bar, Scalar* tau_dot_bar) const;
  /// Adds the adjoint of the coordinates of degree 0 and, unless null, of their tangents.
  void dense_adjoint(const ExecutionSpace& space, Scalar* x_bar, Scalar* x_dot_bar, int stride) const;
  /// Adds the adjoint of tau (n) and of the coordinates (strided as in feed; stage d at x_bar + d - 1) and,
  /// unless null, of their tangents. Call after `adjoint` with inputs_too.
  void inputs_adjoint(const ExecutionSpace& space, Scalar* tau_bar, Scalar* tau_dot_bar, Scalar* x_bar,
                      Scalar* x_dot_bar, int stride) const;

 private:
  struct Block {
    int weight = 0;  ///< offset of (rows of the stage, visible rows of the layer below)
    int bias = 0;
    int end = 0;  ///< of the bias
  };
  void product(const ExecutionSpace& space, const Vector<Scalar>& parameters, int layer, int stage,
               Range columns);
  void activate(const ExecutionSpace& space, const Vector<Scalar>& parameters, int layer, int stage);
  void activate_tangent(const ExecutionSpace& space, int layer, int stage, int group);
  void activate_adjoint(const ExecutionSpace& space, int layer, int stage);
  void bias_adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar, int layer, int stage);
  /// First input row of dense coordinate c.
  int dense_row(int c) const { return m_config.time.size() + c * m_config.coordinate.size(); }
  const Block& block(int layer, int stage) const {
    return m_blocks[static_cast<std::size_t>(layer)][static_cast<std::size_t>(stage)];
  }

  NetworkConfig m_config;
  std::vector<StagedLayer> m_layers;         ///< inputs, hidden..., outputs
  std::vector<std::vector<Block>> m_blocks;  ///< by layer (the one that the block leads to, less 1) and stage
  FourierFeatures<Scalar> m_time_features, m_coordinate_features;
  std::vector<Matrix<Scalar>> m_activations;  ///< by layer; the last one holds the outputs
  std::vector<Matrix<Scalar>>
      m_slopes;                        ///< by hidden layer: activation slope, or pre-activation with tangents
  std::vector<Matrix<Scalar>> m_bars;  ///< by layer
  Columns m_columns, m_adjoint_columns;
  int m_last_stage = 0;  ///< of the stages evaluated
  GradientListener* m_listener = nullptr;
};

extern template class MaskedNetwork<float>;
extern template class MaskedNetwork<double>;
extern template class FourierFeatures<float>;
extern template class FourierFeatures<double>;

}  // namespace rhoflux::network
