#include "rhoflux/transport/ode.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "ode_particle.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/device/loops.hpp"
#include "rhoflux/device/reductions.hpp"

namespace rhoflux::transport {
namespace detail {

OdeWorkspace::OdeWorkspace(int n_dims, int capacity)
    : slopes(make_matrix<double>("ODE slopes", n_dims, n_stages * capacity)),
      growth_slopes(make_vector<double>("ODE growth slopes", n_stages * capacity)),
      stage{make_vector<double>("ODE stage times", capacity),
            make_matrix<double>("ODE stage points", n_dims, capacity)},
      step(make_vector<double>("ODE step", capacity)),
      tau_next(make_vector<double>("ODE next time", capacity)),
      natural_step(make_vector<double>("ODE natural step", capacity)),
      error(make_vector<double>("ODE error", capacity)),
      previous_error(make_vector<double>("ODE previous error", capacity)),
      status(make_vector<int>("ODE status", capacity)),
      accepted(make_vector<int>("ODE accepted steps", capacity)),
      rejected(make_vector<int>("ODE rejected steps", capacity)) {}

/// The states of a stage of the particles `points`, which keep their conditions.
density::Points<double> stage_points(const OdeWorkspace& w, const density::Points<double>& points) {
  const auto part = Kokkos::make_pair(0, points.size());
  return {Kokkos::subview(w.stage.tau, part), Kokkos::subview(w.stage.x, Kokkos::ALL, part),
          points.conditions};
}

/// Where the rates of a stage go; those of the log weights where particles carry weights.
PathRates rates_of(const OdeWorkspace& w, int stage, int n, bool weighted) {
  const int begin = stage * w.capacity();
  const auto part = Kokkos::make_pair(begin, begin + n);
  PathRates rates = {Kokkos::subview(w.slopes, Kokkos::ALL, part)};
  if (weighted) rates.growth = Kokkos::subview(w.growth_slopes, part);
  return rates;
}

void place_stage(const ExecutionSpace& space, const OdeWorkspace& workspace,
                 const density::Points<double>& points, const TableauRow& tableau_row) {
  const OdeWorkspace w = workspace;
  const density::Points<double> from = points;
  const TableauRow row = tableau_row;
  const int n_dims = w.n_dims(), capacity = w.capacity();
  for_each(
      space, "ODE stage", points.size(), KOKKOS_LAMBDA(int s) {
        const double h = w.step(s);
        w.stage.tau(s) = row.node == 1.0 ? w.tau_next(s) : from.tau(s) + row.node * h;
        for (int i = 0; i < n_dims; ++i) {
          double sum = 0;
          for (int j = 0; j < row.count; ++j) sum += row.weight[j] * w.slopes(i, j * capacity + s);
          w.stage.x(i, s) = from.x(i, s) + h * sum;
        }
      });
}

/// Slopes 2 to n_slopes, and where the step ends in w.stage.x.
void evaluate_stages(const ExecutionSpace& space, const Drift& drift, const OdeWorkspace& w,
                     const density::Points<double>& points, int n_slopes, bool weighted) {
  const int n = points.size();
  for (int stage = 1; stage < n_stages; ++stage) {
    place_stage(space, w, points, tableau[stage]);
    if (stage < n_slopes) drift(space, stage_points(w, points), rates_of(w, stage, n, weighted));
  }
}

void begin_steps(const ExecutionSpace& space, const OdeWorkspace& workspace, int n, double first_step) {
  const OdeWorkspace w = workspace;
  for_each(
      space, "ODE start", n, KOKKOS_LAMBDA(int s) {
        w.natural_step(s) = first_step;
        w.previous_error(s) = 1.0;
        w.status(s) = moving;
      });
}

void begin_advance(const ExecutionSpace& space, const OdeWorkspace& workspace, const Vector<double>& times,
                   double tau_end) {
  const OdeWorkspace w = workspace;
  const Vector<double> tau = times;
  for_each(
      space, "ODE begin", static_cast<int>(tau.extent(0)), KOKKOS_LAMBDA(int s) {
        if (w.status(s) < vanished) w.status(s) = tau(s) == tau_end ? arrived : moving;
        w.accepted(s) = 0;
        w.rejected(s) = 0;
      });
}

/// The natural step, or what is left: also where that is a little more, so that no sliver remains. A failed particle stays.
void choose_steps(const ExecutionSpace& space, const OdeWorkspace& workspace, const Vector<double>& times,
                  double tau_end) {
  const OdeWorkspace w = workspace;
  const Vector<double> tau = times;
  for_each(
      space, "ODE choose steps", static_cast<int>(tau.extent(0)), KOKKOS_LAMBDA(int s) {
        const double left = tau_end - tau(s), length = w.natural_step(s);
        const bool last = w.status(s) == arrived || 1.01 * length >= math::abs(left);
        w.tau_next(s) = w.status(s) >= vanished ? tau(s)
                        : last                  ? tau_end
                                                : tau(s) + (left < 0 ? -length : length);
        w.step(s) = w.tau_next(s) - tau(s);
      });
}

void finish_steps(const ExecutionSpace& space, const OdeWorkspace& workspace, const OdeConfig& config,
                  const density::Points<double>& in_out, double tau_end,
                  const PathIntegrals& path_integrals) {
  const OdeWorkspace w = workspace;
  const density::Points<double> points = in_out;
  const PathIntegrals integrals = path_integrals;
  const double relative = config.relative_tolerance, absolute = config.absolute_tolerance;
  const TableauRow solution = tableau[n_stages - 1];
  const ErrorWeights error_weights;
  const int n_dims = w.n_dims(), capacity = w.capacity();
  for_each(
      space, "ODE finish steps", points.size(), KOKKOS_LAMBDA(int s) {
        if (w.status(s) >= arrived) return;
        double square = error_square(w, points.x, s, error_weights, relative, absolute);
        const bool weighted = has_weights(integrals);
        if (weighted) {
          const double error =
              log_weight_error(w, integrals.log_weight(s), s, solution, error_weights, relative, absolute);
          square += error * error;
        }
        w.error(s) = math::sqrt(square / (weighted ? n_dims + 1 : n_dims));
        const bool accepted = w.error(s) <= 1.0;
        if (accepted) {
          accept(w, points, s, solution, integrals);
          for (int i = 0; i < n_dims; ++i) w.slopes(i, s) = w.slopes(i, (n_stages - 1) * capacity + s);
          if (weighted) w.growth_slopes(s) = w.growth_slopes((n_stages - 1) * capacity + s);
        }
        w.accepted(s) += accepted ? 1 : 0;
        w.rejected(s) += accepted ? 0 : 1;
        control(w, s, accepted, points.tau(s), tau_end);
      });
}

void set_steps(const ExecutionSpace& space, const OdeWorkspace& workspace, const Vector<double>& times,
               double dtau) {
  const OdeWorkspace w = workspace;
  const Vector<double> tau = times;
  for_each(
      space, "ODE fixed steps", static_cast<int>(tau.extent(0)), KOKKOS_LAMBDA(int s) {
        w.tau_next(s) = tau(s) + dtau;
        w.step(s) = w.tau_next(s) - tau(s);
      });
}

void accept_all(const ExecutionSpace& space, const OdeWorkspace& workspace,
                const density::Points<double>& in_out, const PathIntegrals& path_integrals) {
  const OdeWorkspace w = workspace;
  const density::Points<double> points = in_out;
  const PathIntegrals integrals = path_integrals;
  const TableauRow solution = tableau[n_stages - 1];
  for_each(
      space, "ODE accept", points.size(),
      KOKKOS_LAMBDA(int s) { accept(w, points, s, solution, integrals); });
}

int min_status(const ExecutionSpace& space, const Vector<int>& status, int n) {
  int least = arrived;
  Kokkos::parallel_reduce(
      "ODE status", Kokkos::RangePolicy<ExecutionSpace>(space, 0, n),
      KOKKOS_LAMBDA(int s, int& lowest) { lowest = status(s) < lowest ? status(s) : lowest; },
      Kokkos::Min<int>(least));
  return least;
}

std::int64_t total(const ExecutionSpace& space, const Vector<int>& counts, int n) {
  std::int64_t sum = 0;
  sum_over(
      space, "ODE count", n, KOKKOS_LAMBDA(int s, std::int64_t& partial) { partial += counts(s); }, sum);
  return sum;
}

/// Gives up the particles that are still on their way.
void exhaust(const ExecutionSpace& space, const Vector<int>& all_status, int n) {
  const Vector<int> status = all_status;
  for_each(
      space, "ODE exhausted", n, KOKKOS_LAMBDA(int s) {
        if (status(s) < arrived) status(s) = exhausted;
      });
}

PathFailure reason_of(int status) {
  return status == vanished ? PathFailure::step_vanishes : PathFailure::too_many_steps;
}

}  // namespace detail

const char* to_text(PathFailure reason) {
  switch (reason) {
    case PathFailure::step_vanishes:
      return "the step vanishes, as the drift is not finite or grows without bound there";
    case PathFailure::too_many_steps:
      return "not at the end after the most steps allowed; larger errors need fewer";
    case PathFailure::not_finite:
      return "its state is not finite after this; try more --steps";
  }
  return "";
}

void OdeConfig::validate() const {
  const auto require = [](bool allowed, const char* key, double value, const char* range) {
    if (allowed) return;
    std::ostringstream message;
    message << "transport." << key << " = " << value << ": must be " << range;
    fail_input(message.str());
  };
  require(relative_tolerance >= 1e-14 && relative_tolerance < 1, "relative_tolerance", relative_tolerance,
          "at least 1e-14 and below 1");
  require(absolute_tolerance > 0 && absolute_tolerance < 1, "absolute_tolerance", absolute_tolerance,
          "greater than 0 and below 1");
  require(first_step >= 1e-12 && first_step <= 1, "first_step", first_step, "from 1e-12 to 1");
  require(max_steps >= 1, "max_steps", max_steps, "at least 1");
}

void DormandPrince::check_call(const density::Points<double>& points, const PathIntegrals& integrals) const {
  const auto n = points.tau.extent(0), n_dims = m_workspace.slopes.extent(0);
  const auto n_weights = integrals.log_weight.extent(0);
  if (points.size() <= m_workspace.capacity() && points.x.extent(0) == n_dims && points.x.extent(1) == n &&
      integrals.metric.extent(0) == n_dims && integrals.energy.extent(0) == n &&
      (n_weights == 0 || n_weights == n))
    return;
  std::ostringstream message;
  message << "ODE: tau (" << n << "), x (" << points.x.extent(0) << ", " << points.x.extent(1)
          << "), metric (" << integrals.metric.extent(0) << "), energy (" << integrals.energy.extent(0)
          << "), log_weight (" << n_weights << "): must be tau (n), x (" << n_dims << ", n), metric ("
          << n_dims << "), energy (n), log_weight (n) or (0) with n at most " << m_workspace.capacity();
  fail_input(message.str());
}

void DormandPrince::start(const ExecutionSpace& space, const OdeConfig& config, int n_particles) {
  config.validate();
  if (n_particles < 0 || n_particles > m_workspace.capacity())
    fail_input("ODE: start with " + std::to_string(n_particles) + " particles: must be at most " +
               std::to_string(m_workspace.capacity()));
  detail::begin_steps(space, m_workspace, n_particles, config.first_step);
  m_n_started = n_particles;
}

OdeReport DormandPrince::advance(const ExecutionSpace& space, const Drift& drift, const OdeConfig& config,
                                 const density::Points<double>& points, double tau_end,
                                 const PathIntegrals& integrals) {
  const int n = points.size();
  const bool weighted = detail::has_weights(integrals);
  check_call(points, integrals);
  config.validate();
  if (n != m_n_started)
    fail_input("ODE: " + std::to_string(n) + " particles: must be the " + std::to_string(m_n_started) +
               " of the last start");
  if (!std::isfinite(tau_end)) fail_input("ODE: tau_end = " + std::to_string(tau_end) + ": must be finite");
  OdeReport report;
  detail::begin_advance(space, m_workspace, points.tau, tau_end);
  int status = detail::min_status(space, m_workspace.status, n);
  if (status < detail::arrived) drift(space, points, detail::rates_of(m_workspace, 0, n, weighted));
  while (status < detail::arrived) {
    if (report.rounds == config.max_steps) {
      detail::exhaust(space, m_workspace.status, n);
      break;
    }
    ++report.rounds;
    detail::choose_steps(space, m_workspace, points.tau, tau_end);
    detail::evaluate_stages(space, drift, m_workspace, points, detail::n_stages, weighted);
    detail::finish_steps(space, m_workspace, config, points, tau_end, integrals);
    status = detail::min_status(space, m_workspace.status, n);
  }
  report.accepted = detail::total(space, m_workspace.accepted, n);
  report.rejected = detail::total(space, m_workspace.rejected, n);
  return report;
}

std::vector<PathEnd> DormandPrince::failures(const density::Points<double>& points) const {
  const auto status = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), m_workspace.status);
  std::vector<PathEnd> ends;
  const auto has_failed = [](int value) { return value >= detail::vanished; };
  if (std::none_of(status.data(), status.data() + points.size(), has_failed)) return ends;
  const auto tau = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), points.tau);
  const auto x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), points.x);
  for (int s = 0; s < points.size(); ++s) {
    if (!has_failed(status(s))) continue;
    PathEnd end = {s, tau(s), {}, detail::reason_of(status(s))};
    for (int i = 0; i < m_workspace.n_dims(); ++i) end.x.push_back(x(i, s));
    ends.push_back(std::move(end));
  }
  return ends;
}

void DormandPrince::fixed_step(const ExecutionSpace& space, const Drift& drift,
                               const density::Points<double>& points, double dtau,
                               const PathIntegrals& integrals) {
  const bool weighted = detail::has_weights(integrals);
  check_call(points, integrals);
  drift(space, points, detail::rates_of(m_workspace, 0, points.size(), weighted));
  detail::set_steps(space, m_workspace, points.tau, dtau);
  detail::evaluate_stages(space, drift, m_workspace, points, detail::n_stages - 1, weighted);
  detail::accept_all(space, m_workspace, points, integrals);
}

}  // namespace rhoflux::transport
