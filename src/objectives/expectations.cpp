#include "rhoflux/objectives/expectations.hpp"

#include <cmath>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/loops.hpp"
#include "rhoflux/objectives/jacobian_symmetry.hpp"

namespace rhoflux::objectives {
namespace {

/// flux::Volatility::at on the device.
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

/// Times in [0, 1] and uniforms of the draws first_sample, first_sample + 1, ...
/// @param is_lattice the uniforms of a step are points of a lattice, else independent
/// @param group draws of one time @param width of the part of [0, 1] that a group has; 0: all at `fixed`
template <class Scalar>
void draw_uniforms(const ExecutionSpace& space, const RandomStream& random, const ShiftedLattice& lattice,
                   bool is_lattice, std::int64_t first_sample, int group, double width, double fixed,
                   const Vector<Scalar>& tau, const Matrix<double>& uniforms) {
  const int n_uniforms = static_cast<int>(uniforms.extent(0));
  for_each(
      space, "times of the draws", static_cast<int>(tau.extent(0)), KOKKOS_LAMBDA(int s) {
        const auto index = static_cast<std::uint64_t>(first_sample + s);
        const std::uint64_t stratum = index / static_cast<std::uint64_t>(group);
        const std::uint64_t leader = stratum * static_cast<std::uint64_t>(group);
        const double within = random.uniforms(leader, 0).first;
        tau(s) = static_cast<Scalar>(width > 0 ? (static_cast<double>(stratum) + within) * width : fixed);
        for (int k = 0; k < n_uniforms && is_lattice; ++k)
          uniforms(k, s) = lattice.at(random, first_sample + s, k);
        for (int k = 0; k < n_uniforms && !is_lattice; k += 2) {
          const RandomStream::Pair pair = random.uniforms(index, static_cast<std::uint32_t>(1 + k / 2));
          uniforms(k, s) = pair.first;
          if (k + 1 < n_uniforms) uniforms(k + 1, s) = pair.second;
        }
      });
}

/// g^2 / 2 in model units.
template <class Scalar>
void fill_diffusion(const ExecutionSpace& space, const DeviceUnits<Scalar>& units,
                    const Vector<double>& noise_times, const Vector<double>& noise_values,
                    const Vector<Scalar>& tau, const Matrix<Scalar>& diffusion) {
  for_each_entry(
      space, "diffusion of the draws", static_cast<int>(diffusion.extent(0)), static_cast<int>(tau.extent(0)),
      KOKKOS_LAMBDA(int i, int s) {
        const double time = units.t_first + units.time_span * static_cast<double>(tau(s));
        const double g = noise_at(noise_times, noise_values, time);
        const auto unit = static_cast<double>(units.scale(i));
        diffusion(i, s) = static_cast<Scalar>(0.5 * g * g * units.time_span / (unit * unit));
      });
}

/// GivenStates, drift and log density in the units of the data, and adjoints of zero.
template <class Scalar>
void to_data_units(const ExecutionSpace& space, const DeviceUnits<Scalar>& units,
                   const density::Points<Scalar>& points, const flux::DynamicsViews<Scalar>& motion,
                   const ModelSamples<Scalar>& draws, const ModelSamplesBar<Scalar>& bar) {
  const auto t_first = static_cast<Scalar>(units.t_first), span = static_cast<Scalar>(units.time_span);
  const auto log_volume = static_cast<Scalar>(units.log_volume);
  const bool has_drift = motion.drift.extent(0) > 0;
  for_each_entry(
      space, "draws in the units of the data", static_cast<int>(points.x.extent(0)), points.size(),
      KOKKOS_LAMBDA(int i, int s) {
        draws.x(i, s) = units.mean(i) + units.scale(i) * points.x(i, s);
        draws.drift(i, s) = has_drift ? units.scale(i) / span * motion.drift(i, s) : Scalar(0);
        bar.x(i, s) = 0;
        bar.drift(i, s) = 0;
        if (i > 0) return;
        draws.t(s) = t_first + span * points.tau(s);
        draws.log_rho(s) = motion.log_rho(s) - log_volume;
        bar.log_rho(s) = 0;
      });
}

/// @param more (n_dims, n) what comes on top of the adjoint of the states, model units, or empty
template <class Scalar>
void to_model_units(const ExecutionSpace& space, const DeviceUnits<Scalar>& units,
                    const ModelSamplesBar<Scalar>& bar, const Matrix<Scalar>& more, int n) {
  const auto span = static_cast<Scalar>(units.time_span);
  const bool has_more = more.extent(0) > 0;
  for_each_entry(
      space, "adjoints in model units", static_cast<int>(bar.x.extent(0)), n, KOKKOS_LAMBDA(int i, int s) {
        bar.x(i, s) = units.scale(i) * bar.x(i, s) + (has_more ? more(i, s) : Scalar(0));
        bar.drift(i, s) *= units.scale(i) / span;
      });
}

/// For the score function: the adjoint of log rho gets the score_weight of each draw less the mean
/// score_weight of the draws of its block that are not of its group, of which it is independent.
template <class Scalar>
void subtract_baseline(const ExecutionSpace& space, const ModelSamplesBar<Scalar>& bar, int group, int block,
                       int n) {
  for_each(
      space, "baseline", n, KOKKOS_LAMBDA(int s) {
        const int begin = s / block * block, own = s / group * group;
        Scalar others = 0;
        for (int b = begin; b < begin + block; ++b)
          if (b < own || b >= own + group) others += bar.score_weight(b);
        bar.log_rho(s) += bar.score_weight(s) - others / static_cast<Scalar>(block - group);
      });
}

}  // namespace

template <class Scalar>
Expectations<Scalar>::Expectations(const Config& config, When when, const Units& units,
                                   const flux::Volatility& noise, flux::Dynamics<Scalar>& dynamics,
                                   int max_samples)
    : m_when(when),
      m_estimator(config.estimator),
      m_group(config.samples_per_time()),
      m_block(config.samples_per_block()),
      m_dynamics(dynamics),
      m_units(units),
      m_has_noise(when == When::integral && !noise.is_zero()),
      m_noise_times(on_device<double>(noise.times, "times of the noise")),
      m_noise_values(on_device<double>(noise.values, "noise")) {
  const int n_dims = dynamics.n_dims();
  const auto matrix = [&](const char* label) { return make_matrix<Scalar>(label, n_dims, max_samples); };
  const auto vector = [&](const char* label) { return make_vector<Scalar>(label, max_samples); };
  m_uniforms = make_matrix<double>("uniforms", dynamics.density().uniforms_per_sample(), max_samples);
  m_lattice = ShiftedLattice(dynamics.density().uniforms_per_sample());
  m_points = {vector("times of the draws"), matrix("draws")};
  m_motion.log_rho = vector("log density");
  if (when == When::integral) {  // the ends look at the density alone
    m_motion.velocity = matrix("velocity");
    m_motion.drift = matrix("drift");
  }
  if (m_has_noise) {
    m_motion.score = matrix("score");
    m_motion.diffusion = matrix("diffusion");
  }
  m_draws = {vector("times"), matrix("states"), matrix("drift"), vector("log density")};
  m_bar = {matrix("states adjoint"), matrix("drift adjoint"), vector("log density adjoint"),
           vector("score_weight"), matrix("work of the terms")};
  m_terms = when == When::integral ? make_integral_terms<Scalar>(config, units)
                                   : make_endpoint_terms<Scalar>(config, when == When::terminal);
  for (const ScheduledTerm<Scalar>& term : m_terms) {
    m_names.push_back(term.term->name());
    m_schedules.push_back(term.schedule);
  }
  if (when != When::integral || !config.jacobian_symmetry.is_active()) return;
  m_names.emplace_back("jacobian_symmetry");
  m_schedules.push_back(config.jacobian_symmetry);
  m_symmetry = std::make_unique<JacobianSymmetry<Scalar>>(units, m_has_noise, config.jacobian_symmetry.clip,
                                                          dynamics, max_samples);
  m_symmetry_x_bar = matrix("states adjoint of the symmetry");
}

template <class Scalar>
Expectations<Scalar>::~Expectations() = default;

/// Values of the terms at the states, and the adjoints of the states, drifts and log densities in model
/// units.
template <class Scalar>
void Expectations<Scalar>::add(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                               const GivenStates& states, const Matrix<double>& uniforms,
                               const std::vector<double>& weights, TermSums* values,
                               const Vector<Scalar>& parameters_bar) {
  const density::Points<Scalar>& points = states.points;
  const int n = points.size();
  const bool has_gradient = parameters_bar.extent(0) > 0;
  const DeviceUnits<Scalar>& units = m_units;
  const auto note = [&](std::size_t k, const TermSums& sums) {
    values[k].value += states.share * sums.value;
    values[k].clipped += states.clip_share * sums.clipped;
  };
  if (m_has_noise)
    fill_diffusion(space, units, m_noise_times, m_noise_values, points.tau, m_motion.diffusion);
  const Vector<Scalar> score_weight = entries(m_bar.score_weight, n);
  Kokkos::deep_copy(space, score_weight, Scalar(0));
  if (m_symmetry) {
    const std::size_t k = m_terms.size();
    Kokkos::deep_copy(space, m_symmetry_x_bar, Scalar(0));
    if (weights[k] > 0 || !has_gradient)
      note(k,
           m_symmetry->add(space, parameters, points, m_motion.diffusion, states.config, states.first_sample,
                           states.share * weights[k], parameters_bar, m_symmetry_x_bar, score_weight));
  }
  m_dynamics.evaluate_at_samples(space, parameters, points, uniforms, m_motion);
  to_data_units(space, units, points, m_motion, m_draws, m_bar);
  const ModelSamples<Scalar> draws = {entries(m_draws.t, n), m_draws.x, m_draws.drift, m_draws.log_rho};
  for (std::size_t k = 0; k < m_terms.size(); ++k)
    if (weights[k] > 0 || !has_gradient)  // in training, what does not act yet has no value either
      note(k, m_terms[k].term->add(space, draws, states.share * weights[k], m_bar));
  if (has_gradient) to_model_units(space, units, m_bar, m_symmetry_x_bar, n);
}

template <class Scalar>
void Expectations<Scalar>::accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                      const SampleConfig& config, std::int64_t first_sample, int n,
                                      const std::vector<double>& weights,
                                      const Vector<Scalar>& parameters_bar, TermSums* values) {
  const bool is_integral = m_when == When::integral;
  const double per_draw = 1 / static_cast<double>(config.samples);
  const GivenStates states = {{entries(m_points.tau, n), columns(m_points.x, n)},
                              per_draw * (is_integral ? m_units.time_span : 1.0),
                              per_draw,
                              config,
                              first_sample};
  const RandomPurpose purpose = is_integral               ? RandomPurpose::expectation
                                : m_when == When::initial ? RandomPurpose::initial
                                                          : RandomPurpose::terminal;
  const RandomStream random(config.seed, purpose, static_cast<std::uint64_t>(config.step));
  draw_uniforms(space, random, m_lattice, m_block == 1, first_sample, m_group,
                is_integral ? m_group * per_draw : 0.0, m_when == When::initial ? 0.0 : 1.0,
                states.points.tau, columns(m_uniforms, n));
  // The symmetry looks at the draws before they are evaluated; otherwise both are one pass.
  const Matrix<double> uniforms = m_symmetry ? Matrix<double>() : columns(m_uniforms, n);
  if (m_symmetry) m_dynamics.density().sample(space, parameters, states.points, columns(m_uniforms, n));
  add(space, parameters, states, uniforms, weights, values, parameters_bar);
  if (parameters_bar.extent(0) == 0) return;
  if (m_estimator == Estimator::score_function) subtract_baseline(space, m_bar, m_group, m_block, n);
  m_dynamics.adjoint(space, parameters, states.points, m_motion, m_bar.drift, m_bar.log_rho,
                     m_estimator == Estimator::pathwise ? flux::StateKind::sampled : flux::StateKind::fixed,
                     parameters_bar, m_bar.x);
}

template <class Scalar>
void Expectations<Scalar>::accumulate_at(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                         const GivenStates& states, const std::vector<double>& weights,
                                         const Vector<Scalar>& parameters_bar, TermSums* values) {
  add(space, parameters, states, Matrix<double>(), weights, values, parameters_bar);
  if (parameters_bar.extent(0) == 0) return;
  m_dynamics.adjoint(space, parameters, states.points, m_motion, m_bar.drift, m_bar.log_rho,
                     flux::StateKind::fixed, parameters_bar, m_bar.x);
}

template <class Scalar>
std::vector<ScheduledTerm<Scalar>> make_integral_terms(const Config& config, const Units& units) {
  std::vector<ScheduledTerm<Scalar>> terms;
  const auto add = [&](const Term& schedule, std::unique_ptr<ExpectationTerm<Scalar>> term) {
    if (schedule.is_active()) terms.push_back({schedule, std::move(term)});
  };
  add(config.kinetic, make_kinetic<Scalar>(config, units));
  add(config.control, make_control<Scalar>(config));
  add(config.entropy, make_entropy<Scalar>(config));
  add(config.congestion, make_congestion<Scalar>(config));
  add(config.state_cost,
      make_potential_cost<Scalar>("state_cost", config.state_cost_potential, config.state_cost.clip));
  return terms;
}

template <class Scalar>
std::vector<ScheduledTerm<Scalar>> make_endpoint_terms(const Config& config, bool is_last) {
  std::vector<ScheduledTerm<Scalar>> terms;
  if (is_last && config.terminal.is_active() && config.terminal_potential.is_given())
    terms.push_back({config.terminal, make_potential_cost<Scalar>("terminal", config.terminal_potential,
                                                                  config.terminal.clip)});
  const Term& reverse = is_last ? config.terminal_reverse : config.initial_reverse;
  if (reverse.is_active())
    terms.push_back({reverse, make_reverse_divergence<Scalar>(
                                  is_last ? "terminal_reverse" : "initial_reverse",
                                  is_last ? config.terminal_distribution : config.initial_distribution)});
  return terms;
}

template class Expectations<float>;
template class Expectations<double>;
template std::vector<ScheduledTerm<float>> make_endpoint_terms<float>(const Config&, bool);
template std::vector<ScheduledTerm<double>> make_endpoint_terms<double>(const Config&, bool);
template std::vector<ScheduledTerm<float>> make_integral_terms<float>(const Config&, const Units&);
template std::vector<ScheduledTerm<double>> make_integral_terms<double>(const Config&, const Units&);

}  // namespace rhoflux::objectives
