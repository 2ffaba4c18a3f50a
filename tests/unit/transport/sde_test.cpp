#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <vector>

#include "rhoflux/transport/sde.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "unit/transport/transport_test_support.hpp"

namespace rhoflux::transport {
namespace {

using namespace test;

constexpr double theta = 1.5, sigma = 0.8;

Drift ornstein_uhlenbeck() {
  return drift_of(KOKKOS_LAMBDA(double, const Matrix<double>& x, int s, int i) { return -theta * x(i, s); });
}

/// Mean and variance at tau = 1 of dX = -theta X dtau + sigma dW, X(0) = 1, as the scheme has them, without
/// sampling error: the scheme is linear, X' = a X + b normal, and a and b are read off its own steps.
std::pair<double, double> moments(SdeScheme scheme, int n_steps) {
  const ExecutionSpace space;
  const double h = 1.0 / n_steps;
  const auto points = points_at(0.0, {1.0, 0.0}, 1);
  StochasticIntegrator sde(1, 2);
  sde.step(space, ornstein_uhlenbeck(), scheme, points, h, to_vector<double>({sigma * std::sqrt(h)}),
           to_matrix<double>({0.0, 1.0}, 1));
  const auto x = on_host(points.x);
  const double a = x(0, 0), b = x(0, 1);
  double mean = 1, variance = 0;
  for (int k = 0; k < n_steps; ++k) {
    mean *= a;
    variance = a * a * variance + b * b;
  }
  return {mean, variance};
}

double weak_order(SdeScheme scheme, bool of_variance) {
  const double mean = std::exp(-theta), variance = sigma * sigma / (2 * theta) * (1 - std::exp(-2 * theta));
  std::vector<double> errors;
  for (const int n_steps : {32, 64, 128, 256}) {
    const auto found = moments(scheme, n_steps);
    errors.push_back(of_variance ? std::fabs(found.second - variance) : std::fabs(found.first - mean));
  }
  const double order = -halving_slope(errors);
  std::printf("%s, %s: weak order %.3f\n", scheme == SdeScheme::heun ? "heun" : "euler_maruyama",
              of_variance ? "variance" : "mean", order);
  return order;
}

// Relative deviations from the asymptotic order are O(h) = O(1/32) here.
TEST(StochasticIntegrator, EulerMaruyamaHasWeakOrderOne) {
  EXPECT_NEAR(weak_order(SdeScheme::euler_maruyama, false), 1.0, 0.05);
  EXPECT_NEAR(weak_order(SdeScheme::euler_maruyama, true), 1.0, 0.05);
}
TEST(StochasticIntegrator, HeunHasWeakOrderTwo) {
  EXPECT_NEAR(weak_order(SdeScheme::heun, false), 2.0, 0.1);
  EXPECT_NEAR(weak_order(SdeScheme::heun, true), 2.0, 0.1);
}

/// Weights and nodes of Gauss-Hermite quadrature of degree 5 for the standard normal distribution.
constexpr double node[3] = {-1.7320508075688772, 0.0, 1.7320508075688772},
                 weight[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6};

/// E[X(1)^2] of dX = (1 / (1 + X^2) + tau) dtau + sigma dW, X(0) = 0.3, all 3^n paths of three-point noise
/// with the moments of the normal distribution up to degree 5: the weak error of schemes up to order 2 has
/// the same order.
double nonlinear_moment(SdeScheme scheme, int n_steps) {
  const ExecutionSpace space;
  const Drift drift = drift_of(KOKKOS_LAMBDA(double tau, const Matrix<double>& x, int s, int i) {
    return 1 / (1 + x(i, s) * x(i, s)) + tau;
  });
  int n_paths = 1;
  for (int k = 0; k < n_steps; ++k) n_paths *= 3;
  const auto points = points_at(0.0, std::vector<double>(static_cast<std::size_t>(n_paths), 0.3), 1);
  StochasticIntegrator sde(1, n_paths);
  std::vector<double> probability(static_cast<std::size_t>(n_paths), 1.0);
  const double h = 1.0 / n_steps;
  for (int k = 0, stride = 1; k < n_steps; ++k, stride *= 3) {
    std::vector<double> normal(static_cast<std::size_t>(n_paths));
    for (std::size_t path = 0; path < normal.size(); ++path) {
      const std::size_t digit = path / static_cast<std::size_t>(stride) % 3;
      normal[path] = node[digit];
      probability[path] *= weight[digit];
    }
    sde.step(space, drift, scheme, points, h, to_vector<double>({sigma * std::sqrt(h)}),
             to_matrix<double>(normal, 1));
  }
  const auto x = on_host(points.x);
  double sum = 0;
  for (std::size_t path = 0; path < probability.size(); ++path)
    sum += probability[path] * x(0, path) * x(0, path);
  return sum;
}

TEST(StochasticIntegrator, HasItsOrderForANonlinearDriftToo) {
  for (const SdeScheme scheme : {SdeScheme::euler_maruyama, SdeScheme::heun}) {
    // Differences of successive halvings fall as 2^-order.
    const double a = nonlinear_moment(scheme, 2), b = nonlinear_moment(scheme, 4),
                 c = nonlinear_moment(scheme, 8);
    const double order = std::log2(std::fabs((b - a) / (c - b)));
    std::printf("%s, nonlinear: weak order %.3f\n", scheme == SdeScheme::heun ? "heun" : "euler_maruyama",
                order);
    EXPECT_NEAR(order, scheme == SdeScheme::heun ? 2.0 : 1.0, 0.35);  // three coarse steps: 1 + O(1/4)
  }
}

/// E[w(1)] of the Ornstein-Uhlenbeck process with the rate r = x, as the scheme has it without sampling error: state and
/// log weight are linear, X' = a X + b z and log w' = log w + c X + d z, hence normal.
double mean_weight(SdeScheme scheme, int n_steps) {
  const ExecutionSpace space;
  const double h = 1.0 / n_steps;
  const auto points = points_at(0.0, {1.0, 0.0}, 1);
  const Vector<double> log_weight = to_vector<double>({0.0, 0.0});
  const Drift drift = drift_of(
      KOKKOS_LAMBDA(double, const Matrix<double>& x, int s, int i) { return -theta * x(i, s); },
      KOKKOS_LAMBDA(double, const Matrix<double>& x, int s) { return x(0, s); });
  StochasticIntegrator sde(1, 2);
  sde.step(space, drift, scheme, points, h, to_vector<double>({sigma * std::sqrt(h)}),
           to_matrix<double>({0.0, 1.0}, 1), log_weight);
  const auto x = on_host(points.x);
  const auto w = on_host(log_weight);
  const double a = x(0, 0), b = x(0, 1), c = w(0), d = w(1);
  double mean = 1, mean_log = 0, variance = 0, covariance = 0, variance_log = 0;
  for (int k = 0; k < n_steps; ++k) {
    variance_log += 2 * c * covariance + c * c * variance + d * d;
    covariance = a * covariance + a * c * variance + b * d;
    variance = a * a * variance + b * b;
    mean_log += c * mean;
    mean *= a;
  }
  return std::exp(mean_log + variance_log / 2);
}

TEST(StochasticIntegrator, WeightsHaveTheWeakOrderOfTheScheme) {
  const double decay = (1 - std::exp(-theta)) / theta, decay_2 = (1 - std::exp(-2 * theta)) / (2 * theta);
  const double exact = std::exp(decay + sigma * sigma / (2 * theta * theta) * (1 - 2 * decay + decay_2));
  for (const SdeScheme scheme : {SdeScheme::euler_maruyama, SdeScheme::heun}) {
    std::vector<double> errors;
    for (const int n_steps : {32, 64, 128, 256})
      errors.push_back(std::fabs(mean_weight(scheme, n_steps) - exact));
    const double order = -halving_slope(errors);
    std::printf("%s, weight: weak order %.3f\n", scheme == SdeScheme::heun ? "heun" : "euler_maruyama",
                order);
    EXPECT_NEAR(order, scheme == SdeScheme::heun ? 2.0 : 1.0, scheme == SdeScheme::heun ? 0.1 : 0.05);
  }
}

/// Weights change nothing in the states, and a log weight that is not finite is no state to keep.
TEST(StochasticIntegrator, WeightsLeaveTheStates) {
  const ExecutionSpace space;
  const Drift drift = drift_of(
      KOKKOS_LAMBDA(double, const Matrix<double>& x, int s, int i) { return -theta * x(i, s); },
      KOKKOS_LAMBDA(double, const Matrix<double>& x, int s) {
        return x(0, s) < 2.5 ? 1.0 : std::numeric_limits<double>::infinity();
      });
  const std::vector<double> x = {1.0, 2.0, 3.0};
  const auto with = points_at(0.5, x, 1), without = points_at(0.5, x, 1), last = points_at(0.5, x, 1);
  const Vector<double> log_weight = to_vector<double>({0.0, 0.0, 0.0});
  StochasticIntegrator sde(1, 3);
  for (const SdeScheme scheme : {SdeScheme::heun, SdeScheme::euler_maruyama}) {
    const auto deviation = to_vector<double>({0.1});
    const auto normals = to_matrix<double>({0.3, -0.2, 0.9}, 1);
    sde.step(space, drift, scheme, with, -0.125, deviation, normals, log_weight);
    sde.step(space, drift, scheme, without, -0.125, deviation, normals);
  }
  EXPECT_EQ(values_of(with.x), values_of(without.x));
  EXPECT_EQ(on_host(log_weight)(0), -0.25);
  keep_finite(space, with, log_weight, last);
  EXPECT_EQ(on_host(last.x)(0, 0), on_host(with.x)(0, 0));
  EXPECT_EQ(on_host(last.x)(0, 2), 3.0);
  EXPECT_EQ(on_host(last.tau)(2), 0.5);
  expect_error(ExitCode::bad_input, {"log_weight (1)"}, [&] {
    sde.step(space, drift, SdeScheme::heun, with, 0.1, to_vector<double>({0.1}),
             to_matrix<double>({0.3, -0.2, 0.9}, 1), to_vector<double>({0.0}));
  });
}

TEST(StochasticIntegrator, MovesTimeAndAllocatesNothing) {
  const ExecutionSpace space;
  const auto points = points_at(0.5, {1.0, 2.0, 3.0}, 1);
  const auto deviation = to_vector<double>({0.1});
  const auto normals = to_matrix<double>({0.0, 0.0, 0.0}, 1);
  StochasticIntegrator sde(1, 4);
  const Drift drift = ornstein_uhlenbeck();
  EXPECT_EQ(allocations_in([&] {
              sde.step(space, drift, SdeScheme::heun, points, -0.125, deviation, normals);
              sde.step(space, drift, SdeScheme::euler_maruyama, points, -0.125, deviation, normals);
            }),
            0);
  for (int s = 0; s < 3; ++s) EXPECT_EQ(on_host(points.tau)(s), 0.25);
  expect_error(ExitCode::bad_input, {"deviation (2)"}, [&] {
    sde.step(space, drift, SdeScheme::heun, points, 0.1, to_vector<double>({0.1, 0.1}), normals);
  });
}

std::vector<double> normals_of(std::uint64_t seed, std::uint64_t step, std::int64_t first, int n,
                               int n_dims) {
  std::vector<std::int64_t> particles(static_cast<std::size_t>(n));
  std::iota(particles.begin(), particles.end(), first);
  const Matrix<double> normals = make_matrix<double>("normals", n_dims, n);
  fill_normals(ExecutionSpace(), seed, step, on_device<std::int64_t>(particles, "particles"), normals);
  return values_of(normals);
}

TEST(Normals, DoNotDependOnTheGrouping) {
  const std::vector<double> all = normals_of(7, 3, 100, 50, 3), part = normals_of(7, 3, 120, 10, 3);
  for (std::size_t k = 0; k < part.size(); ++k) EXPECT_EQ(part[k], all[60 + k]);
  EXPECT_NE(normals_of(8, 3, 100, 1, 3)[0], all[0]);
  EXPECT_NE(normals_of(7, 4, 100, 1, 3)[0], all[0]);
}

TEST(Normals, HaveTheMomentsOfTheNormalDistribution) {
  constexpr int n = 200000, n_dims = 3;
  const std::vector<double> z = normals_of(1, 0, 0, n, n_dims);
  double mean[n_dims] = {}, square[n_dims] = {}, fourth[n_dims] = {}, cross = 0, next = 0;
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t i = 0; i < n_dims; ++i) {
      const double value = z[s * n_dims + i];
      mean[i] += value / n;
      square[i] += value * value / n;
      fourth[i] += value * value * value * value / n;
    }
    cross += z[s * n_dims] * z[s * n_dims + 1] / n;
    if (s > 0) next += z[s * n_dims] * z[(s - 1) * n_dims] / n;
  }
  const double five_errors = 5 / std::sqrt(n);  // of a mean of unit variance
  for (int i = 0; i < n_dims; ++i) {
    EXPECT_NEAR(mean[i], 0.0, five_errors);
    EXPECT_NEAR(square[i], 1.0, five_errors * std::sqrt(2.0));   // Var z^2 = 2
    EXPECT_NEAR(fourth[i], 3.0, five_errors * std::sqrt(96.0));  // Var z^4 = 105 - 9
  }
  EXPECT_NEAR(cross, 0.0, five_errors);
  EXPECT_NEAR(next, 0.0, five_errors);
}

}  // namespace
}  // namespace rhoflux::transport
