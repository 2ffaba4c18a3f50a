#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/core/types.hpp"
#include "rhoflux/network/features.hpp"
#include "rhoflux/network/parameter_layout.hpp"
#include "rhoflux/network/stages.hpp"

namespace rhoflux::network {

/// A MADE (Germain et al. 2015) in stages. Stage d = 0..n_stages-1 adds the inputs of degree d (time for d =
/// 0, the coordinate x_d for d >= 1), the hidden units of degree d, and the outputs that depend on degrees <=
/// d, which parametrise the conditional of coordinate d+1 given x_1..x_d. With one stage it is a plain MLP of
/// time.
struct NetworkConfig {
  std::string name;          ///< prefix of the parameter names
  int n_stages = 1;          ///< D, or 1 for a function of time alone
  FourierConfig time;        ///< degree 0
  FourierConfig coordinate;  ///< degree d for x_d
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
  /// Offset of the bias of the outputs of one stage in the parameter vector.
  int output_bias_offset(int stage) const { return m_blocks.back()[static_cast<std::size_t>(stage)].bias; }

  // -- forward ------------------------------------------------------------------------------------------
  /// Starts an evaluation at times tau (n) with tangents tau_dot (n_tangents * n, null: zero).
  void begin(const ExecutionSpace& space, Columns columns, const Scalar* tau, const Scalar* tau_dot);
  /// Feeds coordinate `stage` (>= 1), strided values as in FourierFeatures::forward.
  void feed(const ExecutionSpace& space, int stage, const Scalar* x, const Scalar* x_dot, int stride);
  /// Hidden units and outputs of one stage. Its input must have been fed, earlier stages evaluated.
  void evaluate(const ExecutionSpace& space, const Vector<Scalar>& parameters, int stage);
  /// (n_stages * outputs_per_stage, columns): outputs of the stages evaluated so far.
  const Matrix<Scalar>& outputs() const { return m_activations.back(); }

  // -- adjoint ------------------------------------------------------------------------------------------
  /// Adjoint of the outputs, to be filled for the columns of the evaluation before `adjoint` is called.
  const Matrix<Scalar>& outputs_bar() const { return m_bars.back(); }
  /// Adds d<outputs_bar, outputs> / dparameters to parameters_bar; with tangents also the part through them.
  /// @param parameters_bar empty: leave the parameters out
  /// @param inputs_too also leave the adjoint of the input features for `inputs_adjoint`
  void adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
               const Vector<Scalar>& parameters_bar, bool inputs_too);
  /// Adds the adjoint of tau (n) and of the coordinates (strided as in feed; stage d at x_bar + d - 1) and,
  /// unless null, of their tangents. Call after `adjoint` with inputs_too.
  void inputs_adjoint(const ExecutionSpace& space, Scalar* tau_bar, Scalar* tau_dot_bar, Scalar* x_bar,
                      Scalar* x_dot_bar, int stride) const;

 private:
  struct Block {
    int weight = 0;  ///< offset of (rows of the stage, visible rows of the layer below)
    int bias = 0;
  };
  void activate(const ExecutionSpace& space, const Vector<Scalar>& parameters, int layer, int stage);
  void activate_adjoint(const ExecutionSpace& space, int layer, int stage);
  void bias_adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar, int layer, int stage);
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
  Columns m_columns;
};

extern template class MaskedNetwork<float>;
extern template class MaskedNetwork<double>;
extern template class FourierFeatures<float>;
extern template class FourierFeatures<double>;

}  // namespace rhoflux::network
