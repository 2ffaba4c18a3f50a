#pragma once

#include "rhoflux/density/autoregressive.hpp"
#include "rhoflux/flux/flux.hpp"

namespace rhoflux::flux {

/// Knothe-Rosenblatt flux: every conditional quantile is kept,
///   v_i = -( d_t F_i + sum_{k<i} v_k d_{x_k} F_i ) / f_i,   i = 1..D in order,
/// the velocity of a quantile of f_i whose parameters change along (1, v_1, .., v_{i-1}). Stage i of the
/// masked network needs v_1..v_i only, so v is the tangent that is fed to the network while it is being
/// computed: one tangent pass for all of v (model.md 2b).
template <class Scalar>
class Triangular : public Flux<Scalar> {
 public:
  /// @param density outlives the flux; made for 1 tangent, 2 where the adjoint is used with a direction
  explicit Triangular(density::Autoregressive<Scalar>& density);

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
  Vector<Scalar> m_ones;       ///< (n) rate of tau
  Matrix<Scalar> m_x_dot_bar;  ///< (n_dims, 2 n): adjoint of the tangents fed, v first
};

extern template class Triangular<float>;
extern template class Triangular<double>;

}  // namespace rhoflux::flux
