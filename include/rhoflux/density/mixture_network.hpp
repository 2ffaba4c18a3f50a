#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rhoflux/density/config.hpp"
#include "rhoflux/density/logistic_mixture.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/network/masked_network.hpp"

namespace rhoflux::density {

/// Where the parameters of mixture `head` of a sample lie in the outputs of the networks (or in their
/// adjoint).
template <class Scalar>
struct MixtureView {
  Matrix<Scalar> logits, shapes;
  int logits_stride = 0, shapes_stride = 0, location_offset = 0, scale_offset = 0;
  int n_logistics = 0;
  int share_row = -1, share_stride = 0;  ///< of the learned growth shares; -1: there are none

  /// @param lane that asks
  RHOFLUX_FUNCTION Mixture<Scalar> at(int head, int column, const Lane& lane) const {
    Scalar* shape = &shapes(head * shapes_stride, column);
    return {&logits(head * logits_stride, column), shape + location_offset, shape + scale_offset, n_logistics,
            lane};
  }
  RHOFLUX_FUNCTION bool has_share() const { return share_row >= 0; }
  /// The logit of the growth share beta of mixture `head`, or its adjoint.
  RHOFLUX_FUNCTION Scalar& share_logit(int head, int column) const {
    return shapes(share_row + head * share_stride, column);
  }
};

/// What the two families share: a network whose outputs are heads, each the 3 L parameters of one logistic
/// mixture. With weights constant in time the logits come from a second network that does not see time. With a learned
/// growth share each stage has one output more, the logit of beta of its heads.
template <class Scalar>
class MixtureNetwork {
 public:
  struct Shape {
    int n_stages = 1;         ///< D (autoregressive) or 1 (a function of time)
    int heads_per_stage = 1;  ///< 1 (autoregressive) or K D
    int max_columns = default_chunk_size;
    Passes passes = Passes::forward_and_adjoint;
    MatrixPrecision precision = MatrixPrecision::full;
  };
  MixtureNetwork(const Config& config, const Shape& shape, network::ParameterLayout& layout);

  /// Random weights; locations and log inverse scales of each head as given, (n_heads * L) each.
  void initialise(std::vector<double>& parameters, const std::vector<double>& locations,
                  const std::vector<double>& log_scales, std::uint64_t seed) const;
  /// Multiplies the weights (not the biases) of the locations of all heads of the first stage by a factor.
  void scale_location_weights(std::vector<double>& parameters, double factor) const;

  /// See MaskedNetwork::set_gradient_listener.
  void set_gradient_listener(GradientListener* listener);

  /// See the functions of the same names of MaskedNetwork.
  void begin(const ExecutionSpace& space, network::Columns columns, const ConstStridedVector<Scalar>& tau,
             const ConstStridedVector<Scalar>& tau_dot, const ConstMatrix<Scalar>& conditions = {});
  void feed(const ExecutionSpace& space, int stage, const ConstStridedVector<Scalar>& x,
            const ConstStridedVector<Scalar>& x_dot);
  void evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, int stage);
  void evaluate_all(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, int n_stages,
                    const ConstMatrix<Scalar>& x, const ConstMatrix<Scalar>& x_dot);
  void extend(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
              const ConstStridedVector<Scalar>& tau_dot, const ConstMatrix<Scalar>& x_dot);
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const Vector<Scalar>& parameters_bar, network::AdjointScope scope);
  void adjoint_stage(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                     const Vector<Scalar>& parameters_bar, int stage, network::AdjointScope scope);
  void coordinate_adjoint(const ExecutionSpace& space, int stage, const StridedVector<Scalar>& x_bar,
                          const StridedVector<Scalar>& x_dot_bar) const;
  /// Adds the adjoint of tau (n) and of the coordinates fed, x_bar (n_coordinates, n).
  void inputs_adjoint(const ExecutionSpace& space, const StridedVector<Scalar>& tau_bar,
                      const Matrix<Scalar>& x_bar) const;

  const MixtureView<Scalar>& mixtures() const { return m_mixtures; }
  const MixtureView<Scalar>& mixtures_bar() const { return m_mixtures_bar; }

 private:
  Config m_config;
  Shape m_shape;
  std::vector<std::unique_ptr<network::MaskedNetwork<Scalar>>> m_networks;  ///< all, or shapes and logits
  MixtureView<Scalar> m_mixtures, m_mixtures_bar;
};

extern template class MixtureNetwork<float>;
extern template class MixtureNetwork<double>;

/// Locations and log inverse scales of L logistics on the quantiles of each coordinate, (n_dims * L) each.
void place_on_quantiles(const std::vector<double>& x, int n_dims, int n_logistics,
                        std::vector<double>& locations, std::vector<double>& log_scales);

}  // namespace rhoflux::density
