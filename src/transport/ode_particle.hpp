#pragma once

#include <limits>

#include "rhoflux/core/math.hpp"
#include "rhoflux/transport/ode.hpp"

/// One step of one particle by the pair of Dormand & Prince: tableau, error, end of the step, and the next length.
namespace rhoflux::transport::detail {

constexpr int n_stages = 7;

/// In the order of urgency: the least one of all particles says what the call has to do.
enum OdeStatus : int {
  moving = 0,
  retrying = 1,  ///< moving, and the last step was rejected
  arrived = 2,
  vanished = 3,  ///< failed: the step is too short to change tau
  exhausted = 4  ///< failed: max_steps
};

/// Row of the tableau of Dormand & Prince (1980), table 2: stage k_{count+1} is the drift at
/// tau + node h, x + h sum_{j<count} weight_j k_{j+1}. The row of k_7 is also the solution of order 5.
struct TableauRow {
  double node;
  int count;
  double weight[n_stages - 1];
};
constexpr TableauRow tableau[n_stages] = {
    {0.0, 0, {}},
    {1.0 / 5, 1, {1.0 / 5}},
    {3.0 / 10, 2, {3.0 / 40, 9.0 / 40}},
    {4.0 / 5, 3, {44.0 / 45, -56.0 / 15, 32.0 / 9}},
    {8.0 / 9, 4, {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729}},
    {1.0, 5, {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656}},
    {1.0, 6, {35.0 / 384, 0.0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}}};

/// The weights of order 5 less those of order 4.
struct ErrorWeights {
  double weight[n_stages] = {71.0 / 57600,      0.0,        -71.0 / 16695, 71.0 / 1920,
                             -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
};

/// Factor of the next step: 0.9 error^-0.17 previous_error^0.04, the proportional-integral controller of
/// Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I (1993), section II.4 and DOPRI5;
/// within [0.2, 10], and at most 1 from a rejected step until the next one is accepted.
KOKKOS_INLINE_FUNCTION double step_factor(double error, double previous_error, bool may_grow) {
  constexpr double least = 0.2;
  const double most = may_grow ? 10.0 : 1.0;
  if (!(error < 1e10)) return least;
  const double floored = error > 1e-10 ? error : 1e-10;
  const double factor = 0.9 * math::exp(0.04 * math::log(previous_error) - 0.17 * math::log(floored));
  return factor < least ? least : factor < most ? factor : most;
}

KOKKOS_INLINE_FUNCTION bool is_finite(double value) {
  return math::abs(value) <= std::numeric_limits<double>::max();
}

KOKKOS_INLINE_FUNCTION bool has_weights(const PathIntegrals& integrals) {
  return integrals.log_weight.extent(0) > 0;
}

/// By how much the log weight of particle s changes in its step: h sum_j b_j r_j.
KOKKOS_INLINE_FUNCTION double log_weight_increase(const OdeWorkspace& w, int s, const TableauRow& solution) {
  const int capacity = static_cast<int>(w.step.extent(0));
  double sum = 0;
  for (int j = 0; j < solution.count; ++j) sum += solution.weight[j] * w.growth_slopes(j * capacity + s);
  return w.step(s) * sum;
}

/// Error estimate of the log weight of particle s by what is tolerated; infinite where a rate is not finite.
KOKKOS_INLINE_FUNCTION double log_weight_error(const OdeWorkspace& w, double log_weight, int s,
                                               const TableauRow& solution, const ErrorWeights& weights,
                                               double relative, double absolute) {
  const int capacity = static_cast<int>(w.step.extent(0));
  double error = 0;
  for (int j = 0; j < n_stages; ++j) error += weights.weight[j] * w.growth_slopes(j * capacity + s);
  const double before = math::abs(log_weight),
               after = math::abs(log_weight + log_weight_increase(w, s, solution));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!is_finite(error) || !is_finite(after)) return infinity;
  return w.step(s) * error / (absolute + relative * (before > after ? before : after));
}

/// Sum over the coordinates of the squared error estimate of particle s by what is tolerated, infinite where a slope or
/// the end of the step is not finite.
KOKKOS_INLINE_FUNCTION double error_square(const OdeWorkspace& w, const Matrix<double>& x, int s,
                                           const ErrorWeights& weights, double relative, double absolute) {
  const int n_dims = static_cast<int>(x.extent(0)), capacity = static_cast<int>(w.step.extent(0));
  double sum = 0;
  for (int i = 0; i < n_dims; ++i) {
    double error = 0;
    bool finite = is_finite(w.stage.x(i, s));
    for (int j = 0; j < n_stages; ++j) {
      const double slope = w.slopes(i, j * capacity + s);
      finite = finite && is_finite(slope);
      error += weights.weight[j] * slope;
    }
    constexpr double infinity =
        std::numeric_limits<double>::infinity();  // a value, which nvcc has on the device
    if (!finite) return infinity;
    const double before = math::abs(x(i, s)), after = math::abs(w.stage.x(i, s));
    const double scaled = w.step(s) * error / (absolute + relative * (before > after ? before : after));
    sum += scaled * scaled;
  }
  return sum;
}

/// Moves particle s to the end of its step, with its energy and its weight.
KOKKOS_INLINE_FUNCTION void accept(const OdeWorkspace& w, const density::Points<double>& points, int s,
                                   const TableauRow& solution, const PathIntegrals& integrals) {
  const int n_dims = static_cast<int>(points.x.extent(0)), capacity = static_cast<int>(w.step.extent(0));
  double power = 0;
  for (int i = 0; i < n_dims; ++i) {
    double square = 0;
    for (int j = 0; j < solution.count; ++j) {
      const double slope = w.slopes(i, j * capacity + s);
      square += solution.weight[j] * slope * slope;
    }
    power += integrals.metric(i) * square;
    points.x(i, s) = w.stage.x(i, s);
  }
  integrals.energy(s) += math::abs(w.step(s)) * power;
  if (has_weights(integrals)) integrals.log_weight(s) += log_weight_increase(w, s, solution);
  points.tau(s) = w.tau_next(s);
}

/// The controller of particle s after a step: its next length and whether it is there.
KOKKOS_INLINE_FUNCTION void control(const OdeWorkspace& w, int s, bool accepted, double tau, double tau_end) {
  const double error = w.error(s), length = math::abs(w.step(s)), natural = w.natural_step(s);
  const bool cut_short = w.tau_next(s) == tau_end && length < natural;
  if (accepted) {
    const double next = length * step_factor(error, w.previous_error(s), w.status(s) != retrying);
    w.natural_step(s) = cut_short && natural > next ? natural : next;
    if (!cut_short) w.previous_error(s) = error > 1e-4 ? error : 1e-4;
  } else {
    w.natural_step(s) = length * step_factor(error, 1.0, false);
  }
  const double size = math::abs(tau) > math::abs(tau_end) ? math::abs(tau) : math::abs(tau_end);
  const bool can_move = w.natural_step(s) > 4 * std::numeric_limits<double>::epsilon() * size;
  const bool there = accepted && w.tau_next(s) == tau_end;
  w.status(s) = there ? arrived : !can_move ? vanished : accepted ? moving : retrying;
}

}  // namespace rhoflux::transport::detail
