#include "rhoflux/objectives/expectations.hpp"

#include <stdexcept>
#include <utility>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::objectives {
namespace {

/// flux::Volatility::at on the device.
KOKKOS_INLINE_FUNCTION double volatility_at(const Vector<double>& times, const Vector<double>& values,
                                            double t) {
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

/// How the times and uniforms of some samples are drawn.
struct UniformOptions {
  enum class Points { lattice, independent };
  Points points = Points::lattice;
  std::int64_t first_sample = 0;
  int group = 1;          ///< samples of one time
  double width = 0;       ///< of the part of [0, 1] that a group has its time in; 0: all at fixed_time
  double fixed_time = 0;  ///< in [0, 1]
};

/// Times in [0, 1] and uniforms of the samples first_sample, first_sample + 1, ...
template <class Scalar>
void draw_uniforms(const ExecutionSpace& space, const RandomStream& random, const ShiftedLattice& lattice,
                   const UniformOptions& options, const Vector<Scalar>& tau, const Matrix<double>& uniforms) {
  const int n_uniforms = static_cast<int>(uniforms.extent(0));
  const bool is_lattice = options.points == UniformOptions::Points::lattice;
  const std::int64_t first_sample = options.first_sample;
  const auto group = static_cast<std::uint64_t>(options.group);
  const double width = options.width, fixed = options.fixed_time;
  for_each(
      space, "times of the samples", static_cast<int>(tau.extent(0)), KOKKOS_LAMBDA(int s) {
        const auto index = static_cast<std::uint64_t>(first_sample + s);
        const std::uint64_t stratum = index / group;
        const std::uint64_t leader = stratum * group;
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
                    const Vector<double>& volatility_times, const Vector<double>& volatility_values,
                    const Vector<Scalar>& tau, const Matrix<Scalar>& diffusion) {
  for_each_entry(
      space, "diffusion of the samples", static_cast<int>(diffusion.extent(0)),
      static_cast<int>(tau.extent(0)), KOKKOS_LAMBDA(int i, int s) {
        const double time = units.t_first + units.time_span * static_cast<double>(tau(s));
        const double g = volatility_at(volatility_times, volatility_values, time);
        const auto unit = static_cast<double>(units.scale(i));
        diffusion(i, s) = static_cast<Scalar>(0.5 * g * g * units.time_span / (unit * unit));
      });
}

/// The arrays of ModelSamples, to be filled.
template <class Scalar>
struct SampleArrays {
  Vector<Scalar> t;
  Matrix<Scalar> x, drift;
  Vector<Scalar> log_rho, growth, mass;
};

/// States, drift and log density in the units of the data, and adjoints of zero.
template <class Scalar>
void to_data_units(const ExecutionSpace& space, const DeviceUnits<Scalar>& units,
                   const density::Points<Scalar>& points, const flux::DynamicsViews<Scalar>& motion,
                   const SampleArrays<Scalar>& samples, const ModelSamplesBar<Scalar>& bar) {
  const auto t_first = static_cast<Scalar>(units.t_first), span = static_cast<Scalar>(units.time_span);
  const auto log_volume = static_cast<Scalar>(units.log_volume);
  const bool has_drift = motion.drift.extent(0) > 0, has_growth = motion.growth.extent(0) > 0;
  const bool has_energy = bar.share_energy.extent(0) > 0;
  for_each_entry(
      space, "samples in the units of the data", static_cast<int>(points.x.extent(0)), points.size(),
      KOKKOS_LAMBDA(int i, int s) {
        samples.x(i, s) = units.mean(i) + units.scale(i) * points.x(i, s);
        samples.drift(i, s) = has_drift ? units.scale(i) / span * motion.drift(i, s) : Scalar(0);
        bar.x(i, s) = 0;
        bar.drift(i, s) = 0;
        if (has_energy) bar.share_energy(i, s) = 0;
        if (i > 0) return;
        samples.t(s) = t_first + span * points.tau(s);
        samples.log_rho(s) = motion.log_rho(s) - log_volume;
        bar.log_rho(s) = 0;
        if (!has_growth) return;
        samples.growth(s) = motion.growth(s) / span;
        samples.mass(s) = math::exp(motion.log_mass(s));
        bar.growth(s) = 0;
        bar.log_mass(s) = 0;
      });
}

/// @param more (n_dims, n) what comes on top of the adjoint of the states, model units, or empty
template <class Scalar>
void to_model_units(const ExecutionSpace& space, const DeviceUnits<Scalar>& units,
                    const ModelSamplesBar<Scalar>& bar, const Matrix<Scalar>& more, int n) {
  const auto span = static_cast<Scalar>(units.time_span);
  const bool has_more = more.extent(0) > 0, has_growth = bar.growth.extent(0) > 0;
  const bool has_energy = bar.share_energy.extent(0) > 0;
  for_each_entry(
      space, "adjoints in model units", static_cast<int>(bar.x.extent(0)), n, KOKKOS_LAMBDA(int i, int s) {
        bar.x(i, s) = units.scale(i) * bar.x(i, s) + (has_more ? more(i, s) : Scalar(0));
        bar.drift(i, s) *= units.scale(i) / span;
        if (has_energy) bar.share_energy(i, s) *= units.scale(i) / span * (units.scale(i) / span);
        if (has_growth && i == 0) bar.growth(s) /= span;
      });
}

/// For the score function: the adjoint of log rho gets the score_weight of each sample less the mean
/// score_weight of the samples of its block that are not of its group, of which it is independent.
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
Expectations<Scalar>::Expectations(const Config& config, flux::Dynamics<Scalar>& dynamics,
                                   const ExpectationOptions& options,
                                   const ConditionTable<Scalar>& conditions)
    : m_kind(options.kind),
      m_estimator(config.estimator),
      m_group(config.samples_per_time()),
      m_block(config.samples_per_block()),
      m_dynamics(dynamics),
      m_units(options.units),
      m_has_diffusion(options.kind == TermKind::integral && !options.volatility.is_zero()),
      m_volatility_times(on_device<double>(options.volatility.times, "times of the volatility")),
      m_volatility_values(on_device<double>(options.volatility.values, "volatility")),
      m_lattice(dynamics.density().uniforms_per_sample()),
      m_conditions(conditions) {
  if (!is_expectation(m_kind)) throw std::logic_error("a likelihood is no expectation under the model");
  for (const TermRow* row : config.active_terms(m_kind)) {
    const TermSchedule& schedule = config.schedule(row->name);
    const TermContext<Scalar> context = {config,    schedule,        options.units,
                                         &dynamics, m_has_diffusion, options.max_samples};
    m_terms.push_back({row->name, schedule, row->factory.make(context)});
    m_has_unevaluated = m_has_unevaluated || m_terms.back().term->evaluates_dynamics();
  }
  allocate(options.max_samples);
}

template <class Scalar>
void Expectations<Scalar>::allocate(int max_samples) {
  const auto matrix = [&](const char* label) {
    return make_matrix<Scalar>(label, m_dynamics.n_dims(), max_samples);
  };
  const auto vector = [&](const char* label) { return make_vector<Scalar>(label, max_samples); };
  m_uniforms = make_matrix<double>("uniforms", m_dynamics.density().uniforms_per_sample(), max_samples);
  m_points = {vector("times of the samples"), matrix("samples"), {}};
  if (const int n_conditions = m_dynamics.density().n_conditions(); n_conditions > 0)
    m_points.conditions = make_matrix<Scalar>("conditions of the samples", n_conditions, max_samples);
  m_motion.log_rho = vector("log density");
  if (m_kind == TermKind::integral) {  // the ends look at the density alone
    m_motion.velocity = matrix("velocity");
    m_motion.drift = matrix("drift");
  }
  if (m_has_diffusion) {
    m_motion.score = matrix("score");
    m_motion.diffusion = matrix("diffusion");
  }
  m_t = vector("times");
  m_x = matrix("states");
  m_drift = matrix("drift");
  m_log_rho = vector("log density");
  m_bar = {matrix("states adjoint"), matrix("drift adjoint"), vector("log density adjoint"),
           vector("score_weight"), matrix("work of the terms")};
  if (m_kind == TermKind::integral && m_dynamics.grows()) {
    m_motion.growth = vector("growth rate");
    m_motion.log_mass = vector("log mass");
    m_growth = vector("growth rate");
    m_mass = vector("mass");
    m_bar.growth = vector("growth rate adjoint");
    m_bar.log_mass = vector("log mass adjoint");
    if (m_dynamics.learns_shares()) m_bar.share_energy = matrix("weight of the kinetic energy");
  }
  if (m_has_unevaluated) m_unevaluated_x_bar = matrix("states adjoint of other points");
}

template <class Scalar>
Expectations<Scalar>::~Expectations() = default;

/// Values of the terms at the states, and the adjoints of the states, drifts and log densities in model
/// units.
template <class Scalar>
void Expectations<Scalar>::add(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                               const GivenStates& states, const Matrix<double>& uniforms,
                               const std::vector<double>& weights, const Matrix<double>& totals,
                               const Vector<Scalar>& parameters_bar) {
  const density::Points<Scalar>& points = states.points;
  const int n = points.size();
  const bool has_gradient = parameters_bar.extent(0) > 0;
  const auto totals_at = [&](std::size_t k) {
    return totals_of(totals, k, states.share, states.saturated_share);
  };
  // In training, what does not act yet has no value either.
  const auto acts = [&](std::size_t k) { return weights[k] > 0 || !has_gradient; };
  if (m_has_diffusion)
    fill_diffusion(space, m_units, m_volatility_times, m_volatility_values, points.tau, m_motion.diffusion);
  const Vector<Scalar> score_weight = entries(m_bar.score_weight, n);
  Kokkos::deep_copy(space, score_weight, Scalar(0));
  if (m_has_unevaluated) Kokkos::deep_copy(space, m_unevaluated_x_bar, Scalar(0));
  for (std::size_t k = 0; k < m_terms.size(); ++k)
    if (m_terms[k].term->evaluates_dynamics() && acts(k))
      m_terms[k].term->add_unevaluated(
          space, {parameters, points, m_motion.diffusion, states.config, states.first_sample},
          states.share * weights[k], {parameters_bar, m_unevaluated_x_bar, score_weight}, totals_at(k));
  m_dynamics.evaluate_at_samples(space, parameters, points, uniforms, m_motion);
  to_data_units<Scalar>(space, m_units, points, m_motion, {m_t, m_x, m_drift, m_log_rho, m_growth, m_mass},
                        m_bar);
  const ModelSamples<Scalar> samples = {entries(m_t, n), m_x, m_drift, m_log_rho, m_growth, m_mass};
  for (std::size_t k = 0; k < m_terms.size(); ++k)
    if (!m_terms[k].term->evaluates_dynamics() && acts(k))
      m_terms[k].term->add(space, samples, states.share * weights[k], m_bar, totals_at(k));
  bool trains_mass = false;
  for (std::size_t k = 0; k < m_terms.size(); ++k)
    trains_mass = trains_mass || (m_terms[k].term->bounds_mass() && acts(k));
  if (!trains_mass) Kokkos::deep_copy(space, m_bar.log_mass, Scalar(0));
  if (has_gradient) to_model_units(space, m_units, m_bar, m_unevaluated_x_bar, n);
}

template <class Scalar>
void Expectations<Scalar>::accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                      const SampleConfig& config, std::int64_t first_sample, int n,
                                      const std::vector<double>& weights,
                                      const Vector<Scalar>& parameters_bar, const Matrix<double>& totals) {
  const bool is_integral = m_kind == TermKind::integral;
  const bool is_initial = m_kind == TermKind::initial_expectation;
  const double per_sample = 1 / static_cast<double>(config.samples);
  const GivenStates states = {m_points.part(0, n), per_sample * (is_integral ? m_units.time_span : 1.0),
                              per_sample, config, first_sample};
  const RandomPurpose purpose = is_integral  ? RandomPurpose::expectation
                                : is_initial ? RandomPurpose::initial
                                             : RandomPurpose::terminal;
  const RandomStream random(config.seed, purpose, static_cast<std::uint64_t>(config.step));
  using Points = UniformOptions::Points;
  const Matrix<double> own_uniforms = columns(m_uniforms, n);
  draw_uniforms(space, random, m_lattice,
                {m_block == 1 ? Points::lattice : Points::independent, first_sample, m_group,
                 is_integral ? m_group * per_sample : 0.0, is_initial ? 0.0 : 1.0},
                states.points.tau, own_uniforms);
  if (m_points.conditions.extent(0) > 0)
    draw_conditions(space, random, m_conditions, {first_sample, m_group, m_block == 1},
                    states.points.conditions);
  // A term that evaluates the dynamics itself needs the samples before; otherwise both are one pass.
  const Matrix<double> uniforms = m_has_unevaluated ? Matrix<double>() : own_uniforms;
  if (m_has_unevaluated) m_dynamics.density().sample(space, parameters, states.points, own_uniforms);
  add(space, parameters, states, uniforms, weights, totals, parameters_bar);
  if (parameters_bar.extent(0) == 0) return;
  if (m_estimator == Estimator::score_function) subtract_baseline(space, m_bar, m_group, m_block, n);
  m_dynamics.adjoint(space, parameters, states.points, m_motion, dynamics_bar(),
                     m_estimator == Estimator::pathwise ? flux::StateKind::sampled : flux::StateKind::fixed,
                     parameters_bar, m_bar.x);
}

template <class Scalar>
void Expectations<Scalar>::accumulate_at(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                         const GivenStates& states, const std::vector<double>& weights,
                                         const Vector<Scalar>& parameters_bar, const Matrix<double>& totals) {
  add(space, parameters, states, Matrix<double>(), weights, totals, parameters_bar);
  if (parameters_bar.extent(0) == 0) return;
  flux::DynamicsBar<Scalar> bar = dynamics_bar();
  bar.share_energy = Matrix<Scalar>();  // these states need not be draws
  m_dynamics.adjoint(space, parameters, states.points, m_motion, bar, flux::StateKind::fixed, parameters_bar,
                     m_bar.x);
}

template class Expectations<float>;
template class Expectations<double>;

}  // namespace rhoflux::objectives
