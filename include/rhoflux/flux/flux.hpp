#pragma once

#include "rhoflux/density/density.hpp"

namespace rhoflux::flux {

/// What happens to the states when the parameters change.
enum class StateKind {
  fixed,   ///< data, or points of a grid
  sampled  ///< exact draws from rho, which move with it: every F_i(x_i | x_1..x_{i-1}, t) stays what it is,
           ///< dx_i = -(dF_i + sum_{k<i} d_{x_k} F_i dx_k) / f_i (Figurnov et al. 2018; model.md section 4)
};

/// Adjoints that Flux::adjoint starts from. The scalar whose derivative it adds is
///   sum_s <velocity_bar_s, v_s> + log_rho_bar_s log rho_s + <direction_s, score_s> + growth_bar_s G_s.
template <class Scalar>
struct FluxBar {
  Matrix<Scalar> velocity;   ///< (n_dims, n)
  Vector<Scalar> log_rho;    ///< (n)
  Matrix<Scalar> direction;  ///< (n_dims, n) adjoint of the score; empty: none
  /// drawn: what reaches x_bar, with what the caller has put there, goes on to the parameters
  StateKind states = StateKind::fixed;
  Vector<Scalar> growth = {};  ///< (n); empty: zero, or the density does not grow
  /// (n_dims, n) weight e of v_i^2 in what is minimised, part of `velocity` as 2 e v; where given, a learned growth share
  /// gets with density::missed_share_pull() what is missing in the samples' own
  Matrix<Scalar> share_energy = {};
};

/// Results of Flux::velocity; views of the caller.
template <class Scalar>
struct FluxViews {
  Vector<Scalar> log_rho;   ///< (n)
  Matrix<Scalar> velocity;  ///< (n_dims, n) v
  /// (n) G = r - M'/M, what the growth rate is by more than its mean; given where the density grows
  Vector<Scalar> growth;
};

/// A base flux j with d_t rho + div j = rho G exactly, as its velocity v = j / rho (model.md sections 2 and 10); G = 0 unless
/// the density grows. tau runs over [0, 1], states are in standardised units. Works on the leading coordinates of the density, all of
/// them unless it is restricted. Nothing is allocated in a call.
template <class Scalar>
class Flux {
 public:
  virtual ~Flux() = default;

  /// v (n_dims, n), log rho (n) and G (n), by one tangent pass.
  /// @param uniforms (uniforms_per_sample, n): the states are drawn from rho on the way, as Density::sample
  /// does, and left in points.x; empty: points.x is given
  virtual void velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                        const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                        const FluxViews<Scalar>& views) = 0;

  /// Score d log rho / dx (n_dims, n) at the points of the last call of `velocity`, by one adjoint pass.
  virtual void score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                     const density::Points<Scalar>& points, const Matrix<Scalar>& score) = 0;

  /// Adds the derivatives of the scalar of FluxBar to parameters_bar (layout size) and x_bar (n_dims, n), at
  /// the points of the last call of `velocity`; another call of `velocity` must come before the next one.
  virtual void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                       const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                       const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) = 0;
};

}  // namespace rhoflux::flux
