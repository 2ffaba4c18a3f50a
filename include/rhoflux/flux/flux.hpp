#pragma once

#include "rhoflux/density/density.hpp"

namespace rhoflux::flux {

/// Adjoints that Flux::adjoint starts from. The scalar whose derivative it adds is
///   sum_s <velocity_bar_s, v_s> + log_rho_bar_s log rho_s + <direction_s, score_s>.
template <class Scalar>
struct FluxBar {
  Matrix<Scalar> velocity;   ///< (n_dims, n)
  Vector<Scalar> log_rho;    ///< (n)
  Matrix<Scalar> direction;  ///< (n_dims, n) adjoint of the score; empty: none
};

/// A base flux j with d_t rho + div j = 0 exactly, as its velocity v = j / rho (model.md section 2). tau runs
/// over [0, 1], states are in standardised units. Works on the leading coordinates of the density, all of
/// them unless it is restricted. Nothing is allocated in a call.
template <class Scalar>
class Flux {
 public:
  virtual ~Flux() = default;

  /// v (n_dims, n) and log rho (n), by one tangent pass.
  virtual void velocity(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                        const density::Points<Scalar>& points, const Vector<Scalar>& log_rho,
                        const Matrix<Scalar>& velocity) = 0;

  /// Score d log rho / dx (n_dims, n) at the points of the last call of `velocity`, by one adjoint pass.
  virtual void score(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                     const density::Points<Scalar>& points, const Matrix<Scalar>& score) = 0;

  /// Adds the derivatives of the scalar of FluxBar to parameters_bar (layout size) and x_bar (n_dims, n), at
  /// the points of the last call of `velocity`; another call of `velocity` must come before the next one.
  virtual void adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                       const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                       const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) = 0;
};

}  // namespace rhoflux::flux
