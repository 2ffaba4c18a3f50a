#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "rhoflux/transport/ode.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "unit/transport/transport_test_support.hpp"

namespace rhoflux::transport {
namespace {

using namespace test;

/// Rotation with a frequency that grows in time: x(tau) = R(angle(tau)) x(0), angle = tau + tau^2.
Drift rotation() {
  return drift_of(KOKKOS_LAMBDA(double tau, const Matrix<double>& x, int s, int i) {
    return (1 + 2 * tau) * (i == 0 ? -x(1, s) : x(0, s));
  });
}

/// dx/dtau = -5 x + tau in each coordinate.
Drift relaxation() {
  return drift_of(
      KOKKOS_LAMBDA(double tau, const Matrix<double>& x, int s, int i) { return -5 * x(i, s) + tau; });
}
double relaxed(double x0, double tau) {
  return (x0 + 0.04) * std::exp(-5 * tau) + 0.2 * tau - 0.04;
}

const std::vector<double> starts = {1.0, 0.0, 0.3, -0.7, -2.0, 1.5};  // three points of two coordinates

double largest_error(const Matrix<double>& found, const std::vector<double>& expected) {
  const auto x = on_host(found);
  double largest = 0;
  for (std::size_t s = 0; s < x.extent(1); ++s)
    for (std::size_t i = 0; i < x.extent(0); ++i)
      largest = std::max(largest, std::fabs(x(i, s) - expected[s * x.extent(0) + i]));
  return largest;
}

std::vector<double> rotated(double angle) {
  std::vector<double> x;
  for (std::size_t s = 0; s < starts.size(); s += 2) {
    x.push_back(std::cos(angle) * starts[s] - std::sin(angle) * starts[s + 1]);
    x.push_back(std::sin(angle) * starts[s] + std::cos(angle) * starts[s + 1]);
  }
  return x;
}

OdeConfig with_tolerance(double tolerance) {
  OdeConfig config;
  config.relative_tolerance = config.absolute_tolerance = tolerance;
  return config;
}

/// Global error and energy error at tau = 1 in steps of 1 / n_steps.
std::pair<double, double> fixed_step_errors(int n_steps) {
  const ExecutionSpace space;
  const auto points = points_at(0.0, starts, 2);
  DormandPrince ode(2, 3);
  const Vector<double> metric = to_vector<double>({1.0, 1.0}), energy = to_vector<double>({0.0, 0.0, 0.0});
  for (int k = 0; k < n_steps; ++k)
    ode.fixed_step(space, rotation(), points, 1.0 / n_steps, {metric, energy});
  // |u|^2 = (1 + 2 tau)^2 |x|^2, |x| constant: the integral over [0, 1] is 13/3 |x|^2.
  const double square = starts[0] * starts[0] + starts[1] * starts[1];
  return {largest_error(points.x, rotated(2.0)), std::fabs(on_host(energy)(0) - 13.0 / 3 * square)};
}

TEST(DormandPrince, HasOrderFiveInStateAndEnergy) {
  std::vector<double> state, energy;
  for (const int n_steps : {8, 16, 32, 64}) {
    const auto [state_error, energy_error] = fixed_step_errors(n_steps);
    state.push_back(state_error);
    energy.push_back(energy_error);
  }
  // Orders by halving: asymptotic values 5, reached up to the next term of relative size O(h).
  EXPECT_NEAR(-halving_slope(state), 5.0, 0.2);
  EXPECT_GT(-halving_slope(energy), 4.8);
  RecordProperty("order_of_state", std::to_string(-halving_slope(state)));
  std::printf("order of the state %.3f, of the energy %.3f\n", -halving_slope(state), -halving_slope(energy));
}

TEST(DormandPrince, ErrorFollowsTheTolerance) {
  const ExecutionSpace space;
  double previous = std::numeric_limits<double>::infinity();
  for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10}) {
    const auto points = points_at(0.0, starts, 2);
    DormandPrince ode(2, 3);
    const OdeConfig config = with_tolerance(tolerance);
    ode.start(space, config, 3);
    const Vector<double> metric = to_vector<double>({1.0, 1.0}), energy = to_vector<double>({0.0, 0.0, 0.0});
    ode.advance(space, relaxation(), config, points, 1.0, {metric, energy});
    std::vector<double> expected;
    for (const double x0 : starts) expected.push_back(relaxed(x0, 1.0));
    const double error = largest_error(points.x, expected);
    // The flow contracts, so that the global error is at most the sum of the local ones, each at most
    // tolerance (1 + |x|) sqrt(2) for one of two coordinates, |x| <= 2, and there are fewer than 1 / 0.005
    // steps; it is in fact a few tolerances. Never more than this, and smaller for smaller tolerances.
    EXPECT_LT(error, 10 * tolerance);
    EXPECT_LT(error, previous);
    previous = error;
    EXPECT_EQ(on_host(points.tau)(1), 1.0);
  }
}

TEST(DormandPrince, ComesBackInTime) {
  const ExecutionSpace space;
  const auto points = points_at(0.25, starts, 2);
  DormandPrince ode(2, 3);
  const OdeConfig config = with_tolerance(1e-11);
  const Vector<double> metric = to_vector<double>({1.0, 2.0}), energy = to_vector<double>({0.0, 0.0, 0.0}),
                       energy_back = to_vector<double>({0.0, 0.0, 0.0});
  ode.start(space, config, 3);
  for (const double tau : {0.4, 0.41, 0.8, 1.0})
    ode.advance(space, rotation(), config, points, tau, {metric, energy});
  for (const double tau : {0.7, 0.25})
    ode.advance(space, rotation(), config, points, tau, {metric, energy_back});
  EXPECT_LT(largest_error(points.x, starts), 1e-9);
  // The same path gives the same energy, whatever the direction.
  for (int s = 0; s < 3; ++s) EXPECT_NEAR(on_host(energy)(s), on_host(energy_back)(s), 1e-8);
  EXPECT_GT(on_host(energy)(0), 0.1);
}

TEST(DormandPrince, MovesEachParticleAsIfItWereAlone) {
  const ExecutionSpace space;
  const OdeConfig config = with_tolerance(1e-7);
  const Vector<double> metric = to_vector<double>({1.0, 1.0});
  const auto together = points_at(0.0, starts, 2);
  const Vector<double> energy = to_vector<double>({0.0, 0.0, 0.0});
  DormandPrince ode(2, 3);
  ode.start(space, config, 3);
  ode.advance(space, relaxation(), config, together, 1.0, {metric, energy});
  for (std::size_t s = 0; s < 3; ++s) {
    const auto alone = points_at(0.0, {starts[2 * s], starts[2 * s + 1]}, 2);
    const Vector<double> energy_alone = to_vector<double>({0.0});
    DormandPrince small(2, 1);
    small.start(space, config, 1);
    small.advance(space, relaxation(), config, alone, 1.0, {metric, energy_alone});
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(on_host(alone.x)(i, 0), on_host(together.x)(i, s));
    EXPECT_EQ(on_host(energy_alone)(0), on_host(energy)(s));
  }
}

/// A bump of width 0.01 in time: x gains its area.
Drift bump_in_time() {
  return drift_of(KOKKOS_LAMBDA(double tau, const Matrix<double>&, int, int) {
    const double z = (tau - 0.5) / 0.01;
    return math::exp(-0.5 * z * z);
  });
}

TEST(DormandPrince, StepsOverANarrowFeatureOnlyWithinTheTolerance) {
  const Drift bump = bump_in_time();
  const ExecutionSpace space;
  const auto points = points_at(0.0, {0.0}, 1);
  DormandPrince ode(1, 1);
  OdeConfig config = with_tolerance(1e-9);
  ode.start(space, config, 1);
  const Vector<double> metric = to_vector<double>({1.0}), energy = to_vector<double>({0.0});
  const std::vector<double> times = {0.4, 0.45, 0.5, 0.6, 1.0};  // saved frames bound the steps
  OdeReport report;
  for (const double tau : times) {
    const OdeReport part = ode.advance(space, bump, config, points, tau, {metric, energy});
    report.rejected += part.rejected;
    report.accepted += part.accepted;
  }
  EXPECT_NEAR(on_host(points.x)(0, 0), 0.01 * std::sqrt(2 * 3.14159265358979324), 1e-8);
  EXPECT_GT(report.rejected, 0);
  EXPECT_LT(report.accepted, 400);
}

TEST(DormandPrince, AllocatesNothing) {
  const ExecutionSpace space;
  const auto points = points_at(0.0, starts, 2);
  DormandPrince ode(2, 3);
  const OdeConfig config;
  const Vector<double> metric = to_vector<double>({1.0, 1.0}), energy = to_vector<double>({0.0, 0.0, 0.0});
  EXPECT_EQ(allocations_in([&] {
              ode.start(space, config, 3);
              ode.advance(space, rotation(), config, points, 1.0, {metric, energy});
              ode.fixed_step(space, rotation(), points, -0.1, {metric, energy});
            }),
            0);
  EXPECT_GT(allocations_in([] { make_vector<double>("one", 1); }), 0);
}

/// dx/dtau = x^2 reaches infinity at tau = 1 / x0.
Drift square() {
  return drift_of(KOKKOS_LAMBDA(double, const Matrix<double>& x, int s, int i) { return x(i, s) * x(i, s); });
}

/// The particle that cannot arrive stays where its path ends, in the next call too; the one beside it does not notice.
TEST(DormandPrince, SaysWhereAPathEndsAndCarriesOn) {
  const Drift explosion = square();
  const ExecutionSpace space;
  const auto points = points_at(0.0, {0.1, 2.0, 0.2}, 1), without = points_at(0.0, {0.1, 0.2}, 1);
  DormandPrince ode(1, 3), ode_without(1, 2);
  const OdeConfig config;
  ode.start(space, config, 3);
  ode_without.start(space, config, 2);
  const Vector<double> metric = to_vector<double>({1.0}), energy = to_vector<double>({0.0, 0.0, 0.0}),
                       energy_without = to_vector<double>({0.0, 0.0});
  for (const double tau : {0.3, 1.0, 2.0}) {
    ode.advance(space, explosion, config, points, tau, {metric, energy});
    ode_without.advance(space, explosion, config, without, tau, {metric, energy_without});
    const std::vector<PathEnd> ends = ode.failures(points);
    ASSERT_EQ(ends.size(), tau < 0.5 ? 0U : 1U);
    const auto x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), points.x);
    const auto x_without = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), without.x);
    EXPECT_EQ(x(0, 0), x_without(0, 0));
    EXPECT_EQ(x(0, 2), x_without(0, 1));
    if (ends.empty()) continue;
    EXPECT_EQ(ends[0].particle, 1);
    EXPECT_NEAR(ends[0].tau, 0.5, 1e-6);
    EXPECT_EQ(ends[0].x, std::vector<double>{x(0, 1)});
    EXPECT_EQ(ends[0].reason, PathFailure::step_vanishes);
  }
  const auto total = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), energy);
  const auto total_without = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), energy_without);
  EXPECT_EQ(total(0), total_without(0));
  EXPECT_EQ(total(2), total_without(1));
  ode.start(space, config, 3);
  EXPECT_TRUE(ode.failures(points).empty());
}

TEST(DormandPrince, GivesUpAfterTheStepsAllowed) {
  const ExecutionSpace space;
  const auto points = points_at(0.0, starts, 2);
  const Vector<double> metric = to_vector<double>({1.0, 1.0}), energy = to_vector<double>({0.0, 0.0, 0.0});
  DormandPrince ode(2, 3);
  OdeConfig config;
  config.max_steps = 2;
  ode.start(space, config, 3);
  EXPECT_EQ(ode.advance(space, rotation(), config, points, 1.0, {metric, energy}).rounds, 2);
  const std::vector<PathEnd> ends = ode.failures(points);
  ASSERT_EQ(ends.size(), 3U);
  for (const PathEnd& end : ends) {
    EXPECT_GT(end.tau, 0);
    EXPECT_LT(end.tau, 1);
    EXPECT_EQ(end.reason, PathFailure::too_many_steps);
  }
}

/// The rotation with the rate r = (1 + 2 tau) x_1: its integral is that of x_1 over the angle.
Drift growing_rotation() {
  return drift_of(
      KOKKOS_LAMBDA(double tau, const Matrix<double>& x, int s, int i) {
        return (1 + 2 * tau) * (i == 0 ? -x(1, s) : x(0, s));
      },
      KOKKOS_LAMBDA(double tau, const Matrix<double>& x, int s) { return (1 + 2 * tau) * x(0, s); });
}

double largest_log_weight_error(const Vector<double>& log_weight, double angle) {
  const auto found = on_host(log_weight);
  double largest = 0;
  for (std::size_t s = 0; s < found.extent(0); ++s)
    largest = std::max(largest, std::fabs(found(s) - std::sin(angle) * starts[2 * s] -
                                          (std::cos(angle) - 1) * starts[2 * s + 1]));
  return largest;
}

TEST(DormandPrince, HasOrderFiveInTheLogWeight) {
  const ExecutionSpace space;
  std::vector<double> errors;
  for (const int n_steps : {8, 16, 32}) {
    const auto points = points_at(0.0, starts, 2);
    const Vector<double> metric = to_vector<double>({1.0, 1.0}), energy = to_vector<double>({0.0, 0.0, 0.0}),
                         log_weight = to_vector<double>({0.0, 0.0, 0.0});
    DormandPrince ode(2, 3);
    for (int k = 0; k < n_steps; ++k)
      ode.fixed_step(space, growing_rotation(), points, 1.0 / n_steps, {metric, energy, log_weight});
    errors.push_back(largest_log_weight_error(log_weight, 2.0));
  }
  EXPECT_NEAR(-halving_slope(errors), 5.0, 0.3);
}

/// Forwards the integral of the rate, and back to zero: d log w = -r |dtau|.
TEST(DormandPrince, LogWeightsComeBackInTime) {
  const ExecutionSpace space;
  const OdeConfig config = with_tolerance(1e-9);
  const auto points = points_at(0.0, starts, 2);
  const Vector<double> metric = to_vector<double>({1.0, 1.0}), energy = to_vector<double>({0.0, 0.0, 0.0}),
                       log_weight = to_vector<double>({0.0, 0.0, 0.0});
  DormandPrince ode(2, 3);
  ode.start(space, config, 3);
  ode.advance(space, growing_rotation(), config, points, 1.0, {metric, energy, log_weight});
  EXPECT_LT(largest_log_weight_error(log_weight, 2.0), 1e-7);
  EXPECT_GT(std::fabs(on_host(log_weight)(0)), 0.5);
  ode.start(space, config, 3);
  ode.advance(space, growing_rotation(), config, points, 0.0, {metric, energy, log_weight});
  for (int s = 0; s < 3; ++s) EXPECT_NEAR(on_host(log_weight)(s), 0, 1e-7);
}

/// Without motion the rate alone says how long a step may be: that of log w = f(tau) - f(0), f = 1 / (1 + (20 (tau - 1/2))^2).
/// The error of a step is at most the tolerance, and there are as many as are accepted.
TEST(DormandPrince, TheLogWeightKeepsTheStepsShort) {
  const ExecutionSpace space;
  const Drift rest = drift_of(
      KOKKOS_LAMBDA(double, const Matrix<double>&, int, int) { return 0.0; },
      KOKKOS_LAMBDA(double tau, const Matrix<double>&, int) {
        const double away = 1 + 400 * (tau - 0.5) * (tau - 0.5);
        return -800 * (tau - 0.5) / (away * away);
      });
  for (const double tolerance : {1e-4, 1e-7}) {
    const OdeConfig config = with_tolerance(tolerance);
    const auto points = points_at(0.0, {1.0}, 1);
    const Vector<double> metric = to_vector<double>({1.0}), energy = to_vector<double>({0.0}),
                         log_weight = to_vector<double>({0.0});
    DormandPrince ode(1, 1);
    ode.start(space, config, 1);
    const OdeReport report = ode.advance(space, rest, config, points, 0.5, {metric, energy, log_weight});
    EXPECT_EQ(on_host(points.x)(0, 0), 1.0);
    // RMS over two unknowns, one of which has no error: 2^(1/2) (1 + |log w|) tolerance a step, |log w| at most 1.
    EXPECT_NEAR(on_host(log_weight)(0), 1 - 1.0 / 101,
                static_cast<double>(report.accepted) * 2 * std::sqrt(2.0) * tolerance);
    const auto again = points_at(0.0, {1.0}, 1);
    ode.start(space, config, 1);
    EXPECT_GT(report.accepted, ode.advance(space, rest, config, again, 0.5, {metric, energy}).accepted);
  }
}

/// A rate that is not finite stops a particle as a drift does; without weights nothing of it is asked.
TEST(DormandPrince, ARateThatIsNotFiniteEndsThePath) {
  const ExecutionSpace space;
  const Drift drift = drift_of(
      KOKKOS_LAMBDA(double, const Matrix<double>&, int, int) { return 1.0; },
      KOKKOS_LAMBDA(double, const Matrix<double>& x, int s) {
        return x(0, s) < 0.5 ? 1.0 : std::numeric_limits<double>::quiet_NaN();
      });
  const Vector<double> metric = to_vector<double>({1.0}), energy = to_vector<double>({0.0, 0.0}),
                       log_weight = to_vector<double>({0.0, 0.0});
  const auto points = points_at(0.0, {0.0, -2.0}, 1);
  DormandPrince ode(1, 2);
  ode.start(space, OdeConfig(), 2);
  ode.advance(space, drift, OdeConfig(), points, 1.0, {metric, energy, log_weight});
  const std::vector<PathEnd> ends = ode.failures(points);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0].particle, 0);
  EXPECT_NEAR(ends[0].x[0], 0.5, 1e-6);
  EXPECT_NEAR(on_host(log_weight)(1), 1.0, 1e-12);
  const auto again = points_at(0.0, {0.0, -2.0}, 1);
  ode.start(space, OdeConfig(), 2);
  ode.advance(space, drift, OdeConfig(), again, 1.0, {metric, energy});
  EXPECT_TRUE(ode.failures(again).empty());
}

TEST(DormandPrince, RefusesWhatItCannotDo) {
  const ExecutionSpace space;
  const auto points = points_at(0.0, starts, 2);
  const Vector<double> metric = to_vector<double>({1.0, 1.0}), energy = to_vector<double>({0.0, 0.0, 0.0});
  DormandPrince ode(2, 3);
  OdeConfig config;
  const auto advance_to = [&](double tau_end) {
    return [&, tau_end] { ode.advance(space, rotation(), config, points, tau_end, {metric, energy}); };
  };
  expect_error(ExitCode::bad_input, {"last start"}, advance_to(1.0));
  ode.start(space, config, 3);
  expect_error(ExitCode::bad_input, {"must be finite"}, advance_to(std::nan("")));
  config.relative_tolerance = 0;
  expect_error(ExitCode::bad_input, {"relative_tolerance"}, advance_to(1.0));
  expect_error(ExitCode::bad_input, {"log_weight (2)"}, [&] {
    ode.advance(space, rotation(), OdeConfig(), points, 1.0, {metric, energy, to_vector<double>({0.0, 0.0})});
  });
  expect_error(ExitCode::bad_input, {"at most 3"}, [&] { ode.start(space, OdeConfig(), 4); });
}

}  // namespace
}  // namespace rhoflux::transport
