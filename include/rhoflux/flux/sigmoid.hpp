#pragma once

#include "rhoflux/density/autoregressive.hpp"
#include "rhoflux/flux/flux.hpp"

namespace rhoflux::flux {

/// The flux of [HVC] (6, 7, 12, 24), with G the standard sigmoid and g = G':
///   v_i = [prod_{j>i} g(x_j) / f_j] * ( (G(x_i) - F_i) / f_i * d_t log P_{i-1} - d_t F_i / f_i ).
/// A faithful reference: no flux escapes to infinity, but v is unbounded where some f_j is narrower than g
/// (model.md 2a).
template <class Scalar>
class Sigmoid : public Flux<Scalar> {
 public:
  /// @param density outlives the flux; made for 1 tangent, 2 where the adjoint is used with a direction
  explicit Sigmoid(density::Autoregressive<Scalar>& density);

  void velocity(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                const density::Points<Scalar>& points, const Matrix<double>& uniforms,
                const Vector<Scalar>& log_rho, const Matrix<Scalar>& velocity) override;
  void score(const ExecutionSpace& space, const Vector<Scalar>& parameters,
             const density::Points<Scalar>& points, const Matrix<Scalar>& score) override;
  void adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
               const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) override;

 private:
  density::Autoregressive<Scalar>& m_density;
  Vector<Scalar> m_ones;  ///< (n) rate of tau
  /// (n_dims, n) of the conditionals of the last call of `velocity`
  Matrix<Scalar> m_log_f, m_log_f_dot, m_quantile_velocity, m_cdf_ratio, m_log_factor, m_growth, m_excess;
  Matrix<Scalar> m_velocity;  ///< (n_dims, n)
};

extern template class Sigmoid<float>;
extern template class Sigmoid<double>;

}  // namespace rhoflux::flux
