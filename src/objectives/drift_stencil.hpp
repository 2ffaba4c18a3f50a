#pragma once

#include <vector>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {

/// Where a point of a stencil is: at tau + tau, x + step direction / unit, model units.
template <class Scalar>
struct StencilShift {
  Matrix<Scalar> direction;  ///< (n_dims, n); empty: x itself
  Scalar step = 0;
  Vector<Scalar> unit = {};  ///< (n_dims); empty: 1
  Scalar tau = 0;
};

/// Turns the sign of some columns of an adjoint: of a difference the second drift has that of the first.
template <class Scalar>
void turn_sign(const ExecutionSpace& space, const Matrix<Scalar>& adjoint, int n) {
  const Matrix<Scalar> bar = adjoint;
  for_each_entry(
      space, "stencil adjoint", static_cast<int>(bar.extent(0)), n,
      KOKKOS_LAMBDA(int i, int s) { bar(i, s) = -bar(i, s); });
}

/// The drift at points around the samples of a term, for differences of it, and its exact adjoint.
template <class Scalar>
class DriftStencil {
 public:
  /// @param n_points whose drifts are kept
  DriftStencil(const TermContext<Scalar>& context, int n_points)
      : m_dynamics(*context.dynamics), m_n_dims(m_dynamics.n_dims()) {
    const int n = context.max_samples;
    const auto matrix = [&](const char* label) { return make_matrix<Scalar>(label, m_n_dims, n); };
    m_tau = make_vector<Scalar>("times of the stencil", n);
    m_x = matrix("stencil");
    for (int k = 0; k < n_points; ++k) m_drifts.push_back(matrix("drift of the stencil"));
    m_log_rho_bar = make_vector<Scalar>("log density adjoint", n);
    m_motion.log_rho = make_vector<Scalar>("log density", n);
    m_motion.velocity = matrix("velocity");
    if (context.has_diffusion) m_motion.score = matrix("score");
  }

  /// (n_dims, n) the drift at point k, model units, since it was evaluated.
  const Matrix<Scalar>& drift(int k) const { return m_drifts[static_cast<std::size_t>(k)]; }

  void evaluate(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples, int k,
                const StencilShift<Scalar>& shift) {
    place(space, samples, shift);
    m_motion.diffusion = samples.diffusion;
    m_motion.drift = drift(k);
    m_dynamics.evaluate(space, samples.parameters, points_of(samples), m_motion);
  }

  /// Adds the derivatives of <drift_bar, drift> to `parameters` and x (n_dims, n), at the point that was evaluated last.
  void add_adjoint(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples,
                   const Matrix<Scalar>& drift_bar, const Vector<Scalar>& parameters,
                   const Matrix<Scalar>& x) {
    m_dynamics.adjoint(space, samples.parameters, points_of(samples), m_motion, {drift_bar, m_log_rho_bar},
                       flux::StateKind::fixed, parameters, x);
  }

  // Steps of the above; public, because nvcc allows kernels in public functions alone.
  void place(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples,
             const StencilShift<Scalar>& shift) const {
    const Matrix<Scalar> x = samples.points.x, shifted = m_x, direction = shift.direction;
    const Vector<Scalar> tau = samples.points.tau, shifted_tau = m_tau, unit = shift.unit;
    const bool has_direction = direction.extent(0) > 0, has_unit = unit.extent(0) > 0;
    const Scalar step = shift.step, tau_step = shift.tau;
    for_each_entry(
        space, "stencil", m_n_dims, samples.points.size(), KOKKOS_LAMBDA(int i, int s) {
          shifted(i, s) =
              has_direction ? x(i, s) + step * direction(i, s) / (has_unit ? unit(i) : Scalar(1)) : x(i, s);
          if (i == 0) shifted_tau(s) = tau(s) + tau_step;
        });
  }

 private:
  density::Points<Scalar> points_of(const UnevaluatedSamples<Scalar>& samples) const {
    const auto columns = Kokkos::make_pair(0, samples.points.size());
    return {Kokkos::subview(m_tau, columns), Kokkos::subview(m_x, Kokkos::ALL, columns),
            samples.points.conditions};
  }

  flux::Dynamics<Scalar>& m_dynamics;
  int m_n_dims;
  Vector<Scalar> m_tau;
  Matrix<Scalar> m_x;
  std::vector<Matrix<Scalar>> m_drifts;
  Vector<Scalar> m_log_rho_bar;  ///< 0
  flux::DynamicsViews<Scalar> m_motion;
};

}  // namespace rhoflux::objectives
