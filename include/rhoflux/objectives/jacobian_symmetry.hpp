#pragma once

#include <cstdint>

#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {

/// int E_rho |J - J^T|_F^2 dt with J = du/dx ([HVC] 37, 38): zero where the drift is a gradient. With
/// independent random signs v and w (Hutchinson 1989) the expectation of s^2, s = w'(J - J^T)v, is the
/// squared norm; J v and J w are central differences of the drift, of which the gradient is exact.
template <class Scalar>
class JacobianSymmetry {
 public:
  JacobianSymmetry(const Units& units, bool has_noise, double limit, flux::Dynamics<Scalar>& dynamics,
                   int max_samples);

  /// Adds weight dh to parameters_bar (empty: the values alone) and x_bar (model units), and weight h to
  /// `score_weight`. Leaves the dynamics at other points than the draws.
  /// @param diffusion (n_dims, n) of the draws, or empty
  /// @param first_sample number of the first draw of the step, key of its random signs
  TermSums add(const ExecutionSpace& space, const Vector<Scalar>& parameters,
               const density::Points<Scalar>& points, const Matrix<Scalar>& diffusion,
               const SampleConfig& config, std::int64_t first_sample, double weight,
               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar,
               const Vector<Scalar>& score_weight);

 private:
  /// Moves the draws by +-step along v or w, which are stencil points 0, 1 and 2, 3.
  void evaluate_at(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                   const density::Points<Scalar>& points, int stencil_point);

  flux::Dynamics<Scalar>& m_dynamics;
  int m_n_dims;
  double m_step, m_time_span;  ///< step in units of the data
  Scalar m_limit;
  Vector<Scalar> m_scale;
  Matrix<Scalar> m_x, m_v, m_w, m_drift_bar;
  Matrix<Scalar> m_drifts[4];
  Vector<Scalar> m_factor, m_log_rho_bar;
  flux::DynamicsViews<Scalar> m_motion;
};

extern template class JacobianSymmetry<float>;
extern template class JacobianSymmetry<double>;

}  // namespace rhoflux::objectives
