#include <algorithm>
#include <type_traits>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/loops.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// Step of the differences, in scales of the data: truncation and rounding both stay small.
template <class Scalar>
constexpr double relative_step = std::is_same_v<Scalar, float> ? 0.02 : 1e-3;

/// First slot of the random signs of a sample, far beyond those of its uniforms.
constexpr std::uint32_t first_sign_slot = 1u << 20;

template <class Scalar>
Matrix<Scalar> columns(const Matrix<Scalar>& all, int n) {
  return Kokkos::subview(all, Kokkos::ALL, Kokkos::make_pair(0, n));
}

/// int E_rho |J - J^T|_F^2 dt with J = du/dx ([HVC] 37, 38): zero where the drift is a gradient. With
/// independent random signs v and w (Hutchinson 1989) the expectation of s^2, s = w'(J - J^T)v, is the
/// squared norm; J v and J w are central differences of the drift, of which the gradient is exact.
template <class Scalar>
class JacobianSymmetry final : public ExpectationTerm<Scalar> {
 public:
  explicit JacobianSymmetry(const TermContext<Scalar>& context);
  bool evaluates_dynamics() const override { return true; }
  void add_unevaluated(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples, double weight,
                       const UnevaluatedSamplesBar<Scalar>& bar, const TermTotals& totals) override;

  // Steps of add_unevaluated; public, because nvcc allows kernels in public functions alone.
  void draw_signs(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples) const;
  void add_values(const ExecutionSpace& space, int n, double weight, const Vector<Scalar>& score_weight,
                  const TermTotals& totals) const;
  void add_adjoint(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples,
                   const UnevaluatedSamplesBar<Scalar>& bar);
  /// The drift at the samples shifted by +-step along v or w, which are stencil points 0, 1 and 2, 3.
  void evaluate_at(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples, int stencil_point);

 private:
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

template <class Scalar>
JacobianSymmetry<Scalar>::JacobianSymmetry(const TermContext<Scalar>& context)
    : m_dynamics(*context.dynamics),
      m_n_dims(m_dynamics.n_dims()),
      m_step(relative_step<Scalar> *
             *std::min_element(context.units.scale.begin(), context.units.scale.end())),
      m_time_span(context.units.time_span()),
      m_limit(static_cast<Scalar>(context.schedule.saturation)),
      m_scale(on_device<Scalar>(context.units.scale, "scale")) {
  const int n = context.max_samples;
  const auto matrix = [&](const char* label) { return make_matrix<Scalar>(label, m_n_dims, n); };
  m_x = matrix("stencil");
  m_v = matrix("first direction");
  m_w = matrix("second direction");
  m_drift_bar = matrix("drift adjoint");
  for (Matrix<Scalar>& drift : m_drifts) drift = matrix("drift of the stencil");
  m_factor = make_vector<Scalar>("factor", n);
  m_log_rho_bar = make_vector<Scalar>("log density adjoint", n);
  m_motion.log_rho = make_vector<Scalar>("log density", n);
  m_motion.velocity = matrix("velocity");
  if (context.has_diffusion) m_motion.score = matrix("score");
}

template <class Scalar>
void JacobianSymmetry<Scalar>::evaluate_at(const ExecutionSpace& space,
                                           const UnevaluatedSamples<Scalar>& samples, int stencil_point) {
  const Matrix<Scalar> x = samples.points.x, shifted = m_x, direction = stencil_point < 2 ? m_v : m_w;
  const Vector<Scalar> scale = m_scale;
  const auto step = static_cast<Scalar>(stencil_point % 2 == 0 ? m_step : -m_step);
  const int n = samples.points.size();
  for_each_entry(
      space, "stencil", m_n_dims, n,
      KOKKOS_LAMBDA(int i, int s) { shifted(i, s) = x(i, s) + step * direction(i, s) / scale(i); });
  m_motion.drift = m_drifts[stencil_point];
  m_dynamics.evaluate(space, samples.parameters,
                      {samples.points.tau, columns(m_x, n), samples.points.conditions}, m_motion);
}

template <class Scalar>
void JacobianSymmetry<Scalar>::draw_signs(const ExecutionSpace& space,
                                          const UnevaluatedSamples<Scalar>& samples) const {
  const RandomStream random(samples.config.seed, RandomPurpose::expectation,
                            static_cast<std::uint64_t>(samples.config.step));
  const Matrix<Scalar> v = m_v, w = m_w;
  const std::int64_t first_sample = samples.first_sample;
  for_each_entry(
      space, "random signs", m_n_dims, samples.points.size(), KOKKOS_LAMBDA(int i, int s) {
        const RandomStream::Pair pair = random.uniforms(static_cast<std::uint64_t>(first_sample + s),
                                                        first_sign_slot + static_cast<std::uint32_t>(i));
        v(i, s) = pair.first < 0.5 ? Scalar(-1) : Scalar(1);
        w(i, s) = pair.second < 0.5 ? Scalar(-1) : Scalar(1);
      });
}

/// h from the drifts of the stencil; leaves in m_factor the derivative of weight h by the difference.
template <class Scalar>
void JacobianSymmetry<Scalar>::add_values(const ExecutionSpace& space, int n, double weight,
                                          const Vector<Scalar>& score_weight,
                                          const TermTotals& totals) const {
  const int n_dims = m_n_dims;
  const Matrix<Scalar> v = m_v, w = m_w;
  const Matrix<Scalar> along_v = m_drifts[0], against_v = m_drifts[1], along_w = m_drifts[2],
                       against_w = m_drifts[3];
  const Vector<Scalar> scale = m_scale, factor = m_factor, log_rho_bar = m_log_rho_bar;
  const auto rate = static_cast<Scalar>(1 / (2 * m_step * m_time_span));
  const Scalar term_weight = static_cast<Scalar>(weight), limit = m_limit;
  add_sums(
      space, "jacobian symmetry", n,
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        Scalar difference = 0;
        for (int i = 0; i < n_dims; ++i)
          difference += scale(i) * (w(i, s) * (along_v(i, s) - against_v(i, s)) -
                                    v(i, s) * (along_w(i, s) - against_w(i, s)));
        difference *= rate;
        const Saturated<Scalar> h = saturate(difference * difference, limit);
        factor(s) = Scalar(2) * term_weight * h.slope * difference * rate;
        log_rho_bar(s) = 0;
        add_sample_cost(h, term_weight, score_weight(s), total, saturated);
      },
      totals);
}

template <class Scalar>
void JacobianSymmetry<Scalar>::add_adjoint(const ExecutionSpace& space,
                                           const UnevaluatedSamples<Scalar>& samples,
                                           const UnevaluatedSamplesBar<Scalar>& bar) {
  const int n = samples.points.size();
  const Matrix<Scalar> drift_bar = m_drift_bar;
  const Vector<Scalar> scale = m_scale, factor = m_factor;
  for (int k = 3; k >= 0; --k) {  // the last point first, it has just been evaluated
    if (k < 3) evaluate_at(space, samples, k);
    m_motion.drift = m_drifts[k];
    const Matrix<Scalar> other = k < 2 ? m_w : m_v;
    const Scalar sign = k == 0 || k == 3 ? Scalar(1) : Scalar(-1);
    for_each_entry(
        space, "stencil adjoint", m_n_dims, n,
        KOKKOS_LAMBDA(int i, int s) { drift_bar(i, s) = sign * factor(s) * scale(i) * other(i, s); });
    m_dynamics.adjoint(space, samples.parameters,
                       {samples.points.tau, columns(m_x, n), samples.points.conditions}, m_motion,
                       {m_drift_bar, m_log_rho_bar}, flux::StateKind::fixed, bar.parameters, bar.x);
  }
}

template <class Scalar>
void JacobianSymmetry<Scalar>::add_unevaluated(const ExecutionSpace& space,
                                               const UnevaluatedSamples<Scalar>& samples, double weight,
                                               const UnevaluatedSamplesBar<Scalar>& bar,
                                               const TermTotals& totals) {
  draw_signs(space, samples);
  m_motion.diffusion = samples.diffusion;
  for (int k = 0; k < 4; ++k) evaluate_at(space, samples, k);
  add_values(space, samples.points.size(), weight, bar.score_weight, totals);
  if (bar.parameters.extent(0) > 0) add_adjoint(space, samples, bar);
}

}  // namespace

TermFactory jacobian_symmetry_term() {
  return make_factory<JacobianSymmetry>();
}

}  // namespace rhoflux::objectives
