#include "rhoflux/objectives/jacobian_symmetry.hpp"

#include <algorithm>
#include <type_traits>

#include "clip.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::objectives {
namespace {

/// Step of the differences, in scales of the data: truncation and rounding both stay small.
template <class Scalar>
constexpr double relative_step = std::is_same_v<Scalar, float> ? 0.02 : 1e-3;

/// First slot of the random signs of a draw, far beyond those of its uniforms.
constexpr std::uint32_t first_sign_slot = 1u << 20;

template <class Scalar>
Matrix<Scalar> columns(const Matrix<Scalar>& all, int n) {
  return Kokkos::subview(all, Kokkos::ALL, Kokkos::make_pair(0, n));
}

}  // namespace

template <class Scalar>
JacobianSymmetry<Scalar>::JacobianSymmetry(const Units& units, bool has_noise, double limit,
                                           flux::Dynamics<Scalar>& dynamics, int max_samples)
    : m_dynamics(dynamics),
      m_n_dims(dynamics.n_dims()),
      m_step(relative_step<Scalar> * *std::min_element(units.scale.begin(), units.scale.end())),
      m_time_span(units.time_span()),
      m_limit(static_cast<Scalar>(limit)),
      m_scale(on_device<Scalar>(units.scale, "scale")) {
  const auto matrix = [&](const char* label) { return make_matrix<Scalar>(label, m_n_dims, max_samples); };
  m_x = matrix("stencil");
  m_v = matrix("first direction");
  m_w = matrix("second direction");
  m_drift_bar = matrix("drift adjoint");
  for (Matrix<Scalar>& drift : m_drifts) drift = matrix("drift of the stencil");
  m_factor = make_vector<Scalar>("factor", max_samples);
  m_log_rho_bar = make_vector<Scalar>("log density adjoint", max_samples);
  m_motion.log_rho = make_vector<Scalar>("log density", max_samples);
  m_motion.velocity = matrix("velocity");
  if (has_noise) m_motion.score = matrix("score");
}

template <class Scalar>
void JacobianSymmetry<Scalar>::evaluate_at(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                           const density::Points<Scalar>& points, int stencil_point) {
  const Matrix<Scalar> x = points.x, moved = m_x, direction = stencil_point < 2 ? m_v : m_w;
  const Vector<Scalar> scale = m_scale;
  const auto step = static_cast<Scalar>(stencil_point % 2 == 0 ? m_step : -m_step);
  for_each_entry(
      space, "stencil", m_n_dims, points.size(),
      KOKKOS_LAMBDA(int i, int s) { moved(i, s) = x(i, s) + step * direction(i, s) / scale(i); });
  m_motion.drift = m_drifts[stencil_point];
  m_dynamics.evaluate(space, parameters, {points.tau, columns(m_x, points.size())}, m_motion);
}

template <class Scalar>
TermSums JacobianSymmetry<Scalar>::add(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                       const density::Points<Scalar>& points, const Matrix<Scalar>& diffusion,
                                       const SampleConfig& config, std::int64_t first_sample, double weight,
                                       const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar,
                                       const Vector<Scalar>& score_weight) {
  const int n = points.size(), n_dims = m_n_dims;
  const RandomStream random(config.seed, RandomPurpose::expectation, static_cast<std::uint64_t>(config.step));
  const Matrix<Scalar> v = m_v, w = m_w;
  for_each_entry(
      space, "random signs", n_dims, n, KOKKOS_LAMBDA(int i, int s) {
        const RandomStream::Pair pair = random.uniforms(static_cast<std::uint64_t>(first_sample + s),
                                                        first_sign_slot + static_cast<std::uint32_t>(i));
        v(i, s) = pair.first < 0.5 ? Scalar(-1) : Scalar(1);
        w(i, s) = pair.second < 0.5 ? Scalar(-1) : Scalar(1);
      });
  m_motion.diffusion = diffusion;
  for (int k = 0; k < 4; ++k) evaluate_at(space, parameters, points, k);
  const Matrix<Scalar> along_v = m_drifts[0], against_v = m_drifts[1], along_w = m_drifts[2],
                       against_w = m_drifts[3];
  const Vector<Scalar> scale = m_scale, factor = m_factor, log_rho_bar = m_log_rho_bar;
  const auto rate = static_cast<Scalar>(1 / (2 * m_step * m_time_span));
  const Scalar term_weight = static_cast<Scalar>(weight), limit = m_limit;
  TermSums sums;
  Kokkos::parallel_reduce(
      "jacobian symmetry", Kokkos::RangePolicy<ExecutionSpace>(space, 0, n),
      KOKKOS_LAMBDA(int s, double& total, double& clipped) {
        Scalar difference = 0;
        for (int i = 0; i < n_dims; ++i)
          difference += scale(i) * (w(i, s) * (along_v(i, s) - against_v(i, s)) -
                                    v(i, s) * (along_w(i, s) - against_w(i, s)));
        difference *= rate;
        const Clipped<Scalar> h = clip(difference * difference, limit);
        factor(s) = Scalar(2) * term_weight * h.slope * difference * rate;
        log_rho_bar(s) = 0;
        add_sample_cost(h, term_weight, score_weight(s), total, clipped);
      },
      sums.value, sums.clipped);
  if (parameters_bar.extent(0) == 0) return sums;
  const Matrix<Scalar> drift_bar = m_drift_bar;
  for (int k = 3; k >= 0; --k) {  // the last point first, it has just been evaluated
    if (k < 3) evaluate_at(space, parameters, points, k);
    m_motion.drift = m_drifts[k];
    const Matrix<Scalar> other = k < 2 ? m_w : m_v;
    const Scalar sign = k == 0 || k == 3 ? Scalar(1) : Scalar(-1);
    for_each_entry(
        space, "stencil adjoint", n_dims, n,
        KOKKOS_LAMBDA(int i, int s) { drift_bar(i, s) = sign * factor(s) * scale(i) * other(i, s); });
    m_dynamics.adjoint(space, parameters, {points.tau, columns(m_x, n)}, m_motion, m_drift_bar, m_log_rho_bar,
                       flux::StateKind::fixed, parameters_bar, x_bar);
  }
  return sums;
}

template class JacobianSymmetry<float>;
template class JacobianSymmetry<double>;

}  // namespace rhoflux::objectives
