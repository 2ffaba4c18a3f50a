#include "rhoflux/objectives/expectations.hpp"

#include <cmath>

#include "rhoflux/core/loops.hpp"
#include "rhoflux/core/random.hpp"

namespace rhoflux::objectives {
namespace {

template <class Scalar>
Vector<Scalar> on_device(const std::vector<double>& values, const char* label) {
  const auto device = make_vector<Scalar>(label, static_cast<int>(values.size()));
  const auto host = Kokkos::create_mirror_view(device);
  for (std::size_t k = 0; k < values.size(); ++k) host(k) = static_cast<Scalar>(values[k]);
  Kokkos::deep_copy(device, host);
  return device;
}

/// flux::Noise::at on the device.
KOKKOS_INLINE_FUNCTION double noise_at(const Vector<double>& times, const Vector<double>& values, double t) {
  const int last = static_cast<int>(times.extent(0)) - 1;
  if (last < 0 || t <= times(0)) return values(0);
  if (t >= times(last)) return values(last);
  int k = 0;
  while (times(k + 1) <= t) ++k;
  return values(k) + (t - times(k)) / (times(k + 1) - times(k)) * (values(k + 1) - values(k));
}

template <class Array>
Array columns(const Array& all, int n) {
  return Kokkos::subview(all, Kokkos::ALL, Kokkos::make_pair(0, n));
}

template <class Scalar>
Vector<Scalar> entries(const Vector<Scalar>& all, int n) {
  return Kokkos::subview(all, Kokkos::make_pair(0, n));
}

}  // namespace

template <class Scalar>
Expectations<Scalar>::Expectations(const Config& config, const Units& units, const flux::Noise& noise,
                                   flux::Dynamics<Scalar>& dynamics, int max_samples)
    : m_terms(make_running_terms<Scalar>(config)),
      m_dynamics(dynamics),
      m_t_first(units.t_first),
      m_time_span(units.time_span),
      m_log_volume(0),
      m_has_noise(!noise.is_zero()),
      m_mean(on_device<Scalar>(units.mean, "mean")),
      m_scale(on_device<Scalar>(units.scale, "scale")),
      m_noise_times(on_device<double>(noise.times, "times of the noise")),
      m_noise_values(on_device<double>(noise.values, "noise")) {
  const int n_dims = dynamics.n_dims();
  for (const double scale : units.scale) m_log_volume += std::log(scale);
  const auto matrix = [&](const char* label) { return make_matrix<Scalar>(label, n_dims, max_samples); };
  const auto vector = [&](const char* label) { return make_vector<Scalar>(label, max_samples); };
  m_uniforms = make_matrix<double>("uniforms", dynamics.density().uniforms_per_sample(), max_samples);
  m_points = {vector("times of the draws"), matrix("draws")};
  m_motion = {vector("log density"), matrix("velocity"), m_has_noise ? matrix("score") : Matrix<Scalar>(),
              matrix("drift"), m_has_noise ? matrix("diffusion") : Matrix<Scalar>()};
  m_draws = {vector("times"), matrix("states"), matrix("drift"), vector("log density")};
  m_bar = {matrix("states adjoint"), matrix("drift adjoint"), vector("log density adjoint")};
}

/// Times, states and the noise at them.
template <class Scalar>
void Expectations<Scalar>::draw(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                const DrawConfig& config, std::int64_t first_sample, int n) {
  const RandomStream random(config.seed, RandomPurpose::expectation, static_cast<std::uint64_t>(config.step));
  const Vector<Scalar> tau = m_points.tau, scale = m_scale;
  const Matrix<double> uniforms = m_uniforms;
  const Matrix<Scalar> diffusion = m_motion.diffusion;
  const Vector<double> noise_times = m_noise_times, noise_values = m_noise_values;
  const int n_uniforms = static_cast<int>(uniforms.extent(0)), n_dims = m_dynamics.n_dims();
  const double width = 1.0 / static_cast<double>(config.samples), t_first = m_t_first, span = m_time_span;
  const bool has_noise = m_has_noise;
  for_each(
      space, "times of the draws", n, KOKKOS_LAMBDA(int s) {
        const auto index = static_cast<std::uint64_t>(first_sample + s);
        const double time = (static_cast<double>(index) + random.uniforms(index, 0).first) * width;
        tau(s) = static_cast<Scalar>(time);
        for (int k = 0; k < n_uniforms; k += 2) {
          const RandomStream::Pair pair = random.uniforms(index, static_cast<std::uint32_t>(1 + k / 2));
          uniforms(k, s) = pair.first;
          if (k + 1 < n_uniforms) uniforms(k + 1, s) = pair.second;
        }
        if (!has_noise) return;
        const double g = noise_at(noise_times, noise_values, t_first + span * time);
        for (int i = 0; i < n_dims; ++i) {
          const auto unit = static_cast<double>(scale(i));
          diffusion(i, s) = static_cast<Scalar>(0.5 * g * g * span / (unit * unit));
        }
      });
  m_dynamics.density().sample(space, parameters, {entries(tau, n), columns(m_points.x, n)},
                              columns(m_uniforms, n));
}

template <class Scalar>
void Expectations<Scalar>::to_data_units(const ExecutionSpace& space, int n) {
  const Draws<Scalar> draws = m_draws;
  const DrawsBar<Scalar> bar = m_bar;
  const Vector<Scalar> tau = m_points.tau, mean = m_mean, scale = m_scale, log_rho = m_motion.log_rho;
  const Matrix<Scalar> x = m_points.x, drift = m_motion.drift;
  const auto t_first = static_cast<Scalar>(m_t_first), span = static_cast<Scalar>(m_time_span);
  const auto log_volume = static_cast<Scalar>(m_log_volume);
  for_each_entry(
      space, "draws in the units of the data", m_dynamics.n_dims(), n, KOKKOS_LAMBDA(int i, int s) {
        draws.x(i, s) = mean(i) + scale(i) * x(i, s);
        draws.drift(i, s) = scale(i) / span * drift(i, s);
        bar.x(i, s) = 0;
        bar.drift(i, s) = 0;
        if (i > 0) return;
        draws.t(s) = t_first + span * tau(s);
        draws.log_rho(s) = log_rho(s) - log_volume;
        bar.log_rho(s) = 0;
      });
}

template <class Scalar>
void Expectations<Scalar>::to_model_units(const ExecutionSpace& space, int n) {
  const DrawsBar<Scalar> bar = m_bar;
  const Vector<Scalar> scale = m_scale;
  const auto span = static_cast<Scalar>(m_time_span);
  for_each_entry(
      space, "adjoints in model units", m_dynamics.n_dims(), n, KOKKOS_LAMBDA(int i, int s) {
        bar.x(i, s) *= scale(i);
        bar.drift(i, s) *= scale(i) / span;
      });
}

template <class Scalar>
void Expectations<Scalar>::accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                      const DrawConfig& config, std::int64_t first_sample, int n,
                                      const std::vector<double>& weights,
                                      const Vector<Scalar>& parameters_bar, double* values) {
  draw(space, parameters, config, first_sample, n);
  const density::Points<Scalar> points = {entries(m_points.tau, n), columns(m_points.x, n)};
  m_dynamics.evaluate(space, parameters, points, m_motion);
  to_data_units(space, n);
  const Draws<Scalar> draws = {entries(m_draws.t, n), m_draws.x, m_draws.drift, m_draws.log_rho};
  const double share = m_time_span / static_cast<double>(config.samples);  // of a draw in the integral
  for (std::size_t k = 0; k < m_terms.size(); ++k)
    values[k] += share * m_terms[k].term->add(space, draws, share * weights[k], m_bar);
  to_model_units(space, n);
  m_dynamics.adjoint(space, parameters, points, m_motion, m_bar.drift, m_bar.log_rho, flux::States::drawn,
                     parameters_bar, m_bar.x);
}

template <class Scalar>
std::vector<ScheduledTerm<Scalar>> make_running_terms(const Config& config) {
  std::vector<ScheduledTerm<Scalar>> terms;
  const auto add = [&](const Term& schedule, std::unique_ptr<RunningTerm<Scalar>> term) {
    if (schedule.is_there()) terms.push_back({schedule, std::move(term)});
  };
  add(config.kinetic, std::make_unique<Kinetic<Scalar>>());
  add(config.control, std::make_unique<Control<Scalar>>(config.control_sigma));
  add(config.entropy, std::make_unique<Entropy<Scalar>>());
  add(config.congestion, std::make_unique<Congestion<Scalar>>());
  add(config.state_cost, std::make_unique<StateCost<Scalar>>(config.state_cost_potential));
  return terms;
}

template class Expectations<float>;
template class Expectations<double>;
template std::vector<ScheduledTerm<float>> make_running_terms<float>(const Config&);
template std::vector<ScheduledTerm<double>> make_running_terms<double>(const Config&);

}  // namespace rhoflux::objectives
