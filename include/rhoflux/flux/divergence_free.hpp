#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rhoflux/density/density.hpp"
#include "rhoflux/flux/config.hpp"
#include "rhoflux/network/masked_network.hpp"

namespace rhoflux::flux {

/// A learnable flux without divergence ([HVC] 28-31; model.md section 2), from an antisymmetric matrix field
/// B(t, x) whose D (D - 1) / 2 entries B_ab, a < b, a network of time, conditions and all coordinates gives:
///   density_weighted:  rho v = div(rho B),  v = div B + B score
///   antisymmetric:     rho v = div B,       v = div B / rho            with (div B)_a = sum_b d_b B_ab.
/// The last layer starts at zero, so that training starts from the base flux. D >= 2.
template <class Scalar>
class DivergenceFreePart {
 public:
  /// Appends the parameters of the network to `layout`.
  DivergenceFreePart(const Config& config, const network::FourierConfig& time, int n_conditions, int n_dims,
                     int max_samples, Passes passes, MatrixPrecision precision,
                     network::ParameterLayout& layout);

  /// See Density::set_gradient_listener.
  void set_gradient_listener(GradientListener* listener) { m_network->set_gradient_listener(listener); }

  /// Random hidden layers, zero outputs; writes this network's parameters only.
  void initialise(std::vector<double>& parameters, std::uint64_t seed) const;

  /// Adds v (n_dims, n).
  /// @param log_rho (n) @param score (n_dims, n), not used by `antisymmetric`
  void add_velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                    const density::Points<Scalar>& points, const Vector<Scalar>& log_rho,
                    const Matrix<Scalar>& score, const Matrix<Scalar>& velocity);

  /// Adjoint of v at the points of the last call of add_velocity, given velocity_bar (n_dims, n): adds to
  /// parameters_bar (unless empty), x_bar and score_bar (n_dims, n) and log_rho_bar (n).
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, int n,
               const Vector<Scalar>& log_rho, const Matrix<Scalar>& score, const Matrix<Scalar>& velocity_bar,
               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar,
               const Matrix<Scalar>& score_bar, const Vector<Scalar>& log_rho_bar);

 private:
  bool m_density_weighted;
  int m_n_dims;
  std::unique_ptr<network::MaskedNetwork<Scalar>> m_network;
  Matrix<Scalar> m_directions;  ///< (n_dims, n_dims n): e_1 for all samples, then e_2 ..
};

extern template class DivergenceFreePart<float>;
extern template class DivergenceFreePart<double>;

}  // namespace rhoflux::flux
