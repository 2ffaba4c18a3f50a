#pragma once

#include "rhoflux/density/factorised.hpp"
#include "rhoflux/flux/flux.hpp"

namespace rhoflux::flux {

/// Flux of a mixture of products ([HVC] 26, 27; model.md 2c): each factor keeps its quantiles,
///   v_i = sum_k w_k v_i^k,   v_i^k = -d_t F_i^k / f_i^k,   w_k = gamma_k rho^k / rho.
template <class Scalar>
class MixtureFlux : public Flux<Scalar> {
 public:
  /// @param density outlives the flux; made for 1 tangent
  explicit MixtureFlux(density::Factorised<Scalar>& density);

  void velocity(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                const density::Points<Scalar>& points, const Matrix<double>& uniforms,
                const Vector<Scalar>& log_rho, const Matrix<Scalar>& velocity) override;
  void score(const ExecutionSpace& space, const Vector<Scalar>& parameters,
             const density::Points<Scalar>& points, const Matrix<Scalar>& score) override;
  void adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
               const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) override;

 private:
  void move_states(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                   const density::Points<Scalar>& points, const Matrix<Scalar>& x_bar);

  density::Factorised<Scalar>& m_density;
  Vector<Scalar> m_ones;                                                           ///< (n) rate of tau
  Matrix<Scalar> m_log_f, m_factor_velocity, m_slope;                              ///< (K D, n)
  Matrix<Scalar> m_log_share, m_share_bar, m_log_factor_bar, m_log_factor_prefix;  ///< (K, n)
  Matrix<Scalar> m_head_x_bar;                                                     ///< (K D, n)
};

extern template class MixtureFlux<float>;
extern template class MixtureFlux<double>;

}  // namespace rhoflux::flux
