#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/allocations.hpp"
#include "support/random_numbers.hpp"
#include "unit/density/reference_density.hpp"
#include "unit/network/dual.hpp"

// Exact derivatives come from the reference evaluated with dual numbers. Rounding errors of a derivative are
// measured in the sizes of its terms: a derivative of log f has terms of size s, |z| and 1 where the value
// has roundings, so the bound of the value's error, ReferenceDensity::error_bound, times the size of the
// terms covers them.

namespace rhoflux::density {
namespace {

using namespace test;

template <class Scalar>
class Derivatives : public testing::Test {};
TYPED_TEST_SUITE(Derivatives, Scalars);

constexpr int n = 12, n_tangents = 2;

/// Gradient of sum_s weight_s log rho_s, added to a vector that starts at `start`.
template <class Scalar>
auto gradient_of(const DensityFixture<Scalar>& fixture, const std::vector<double>& weight, double start = 0) {
  const auto bar = make_vector<Scalar>("gradient", fixture.density->layout().size());
  Kokkos::deep_copy(bar, static_cast<Scalar>(start));
  fixture.density->log_density_gradient(ExecutionSpace(), fixture.parameter_vector(), fixture.points(),
                                        to_vector<Scalar>(weight), fixture.log_rho, bar);
  return on_host(bar);
}

/// Derivative of log rho of sample s along a direction of the parameters, tau and x, exactly.
template <class Scalar>
Real exact_derivative(const DensityFixture<Scalar>& fixture, int s, const std::vector<double>& parameters_dot,
                      Real tau_dot, const std::vector<Real>& x_dot) {
  using D = Dual<Real>;
  std::vector<D> parameters, x;
  for (std::size_t k = 0; k < fixture.parameters.size(); ++k)
    parameters.emplace_back(fixture.parameters[k], parameters_dot.empty() ? 0.0L : parameters_dot[k]);
  const auto values = fixture.x_of(s);
  for (std::size_t i = 0; i < values.size(); ++i) x.emplace_back(values[i], x_dot.empty() ? 0.0L : x_dot[i]);
  const D tau(fixture.tau_of(s), tau_dot);
  return fixture.reference.log_rho(parameters, tau, x.data()).dot;
}

/// Per block the gradient along a random direction d. The size of the terms: those of each sample, and of
/// each entry.
TYPED_TEST(Derivatives, ParameterGradientMatchesExactDerivativesInEveryBlock) {
  using Scalar = TypeParam;
  Real worst = 0;
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    const DensityFixture<Scalar> fixture(test_case, n, 1);
    const auto weight = rounded<Scalar>(random_numbers(n, -1, 1, 2));
    const auto gradient = gradient_of(fixture, weight, 0.5);
    Real value_bound = 0;
    for (int s = 0; s < n; ++s) value_bound = std::max(value_bound, fixture.error_bound(s));
    std::vector<bool> is_parameter(fixture.parameters.size(), false);
    const auto random = random_numbers(static_cast<int>(fixture.parameters.size()), -1, 1, 3);
    for (const network::ParameterBlock& block : fixture.density->layout().blocks()) {
      if (block.size() == 0) continue;
      std::vector<double> direction(fixture.parameters.size(), 0.0);
      Real got = 0, want = 0, size = 0;
      for (int k = block.offset; k < block.offset + block.size(); ++k) {
        const auto index = static_cast<std::size_t>(k);
        is_parameter[index] = true;
        direction[index] = random[index];
        const Real entry = static_cast<Real>(gradient(k)) - Real(0.5);
        got += entry * random[index];
        size += (std::fabs(entry) + Real(0.5)) * std::fabs(random[index]);
      }
      for (int s = 0; s < n; ++s) {
        const Real term =
            weight[static_cast<std::size_t>(s)] * exact_derivative(fixture, s, direction, 0, {});
        want += term;
        size += std::fabs(term);
      }
      EXPECT_NEAR(got, want, value_bound * size) << block.name;
      EXPECT_NE(got, 0) << block.name;
      worst = std::max(worst, std::fabs(got - want) / size);
    }
    for (std::size_t k = 0; k < is_parameter.size(); ++k) {
      if (!is_parameter[k]) {
        EXPECT_EQ(gradient(k), Scalar(0.5)) << "the gap at " << k << " was written";
      }
    }
  }
  record_worst_error<TypeParam>(worst);
}

/// Steps that a precision can resolve: `noise` is the least remainder that stands out of the rounding of J.
struct Steps {
  double first, noise, tolerance;
};

/// J = -mean log rho and its gradient g: per parameter block |J(p + h d) - J(p) - h <g, d>|, added up over
/// random d of length 1, falls as h^2 with a right gradient and as h with a wrong one. A block that J hardly
/// depends on gets a longer step, until its remainder stands out of the noise.
template <class Scalar>
void check_slopes(const DensityCase& test_case, const Steps& steps) {
  SCOPED_TRACE(test_case.name);
  constexpr int samples = 64;
  DensityFixture<Scalar> fixture(test_case, samples, 4);
  const auto objective = [&] {
    double sum = 0;
    for (const double log_rho : fixture.evaluate()) sum -= log_rho / samples;
    return sum;
  };
  const auto gradient = gradient_of(fixture, std::vector<double>(samples, -1.0 / samples));
  const double start = objective();
  const auto at = fixture.parameters;
  const auto remainder = [&](const network::ParameterBlock& block, double step) {
    std::mt19937_64 engine(5);
    std::normal_distribution<double> normal(0, step / std::sqrt(static_cast<double>(block.size())));
    double sum = 0;
    for (int trial = 0; trial < 6; ++trial) {
      double slope = 0;  // along the step that Scalar can take
      for (int k = block.offset; k < block.offset + block.size(); ++k) {
        const auto index = static_cast<std::size_t>(k);
        fixture.parameters[index] = static_cast<double>(static_cast<Scalar>(at[index] + normal(engine)));
        slope += static_cast<double>(gradient(k)) * (fixture.parameters[index] - at[index]);
      }
      sum += std::fabs(objective() - start - slope);
    }
    fixture.parameters = at;
    return sum;
  };
  for (const network::ParameterBlock& block : fixture.density->layout().blocks()) {
    if (block.size() == 0) continue;
    double step = steps.first;
    while (remainder(block, step / 2) < steps.noise && step < 1) step *= 2;
    const double order = std::log2(remainder(block, step) / remainder(block, step / 2));
    EXPECT_NEAR(order, 2.0, steps.tolerance) << block.name << " with step " << step;
  }
}

/// The next term of the expansion, h/3 times the ratio of the third and second derivatives, of order s < 5,
/// bends the slope by about 3 h: less than 0.01 with h = 1e-3. Rounding, 1e-15, stays far below the remainder
/// of order 1e-7.
TEST(DerivativesTaylor, SlopeIsTwoForEveryBlockInDouble) {
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5}))
    check_slopes<double>(test_case, {1e-3, 0, 0.01});
}

/// The mean of 64 roundings leaves 1e-7 in J, 6e-7 in the sum over d: remainders above 2e-5 keep the slope to
/// 0.06; h = 0.05 and a little more bend it by up to 0.15.
TEST(DerivativesTaylor, SlopeIsTwoForEveryBlockInFloat) {
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5}))
    check_slopes<float>(test_case, {0.05, 2e-5, 0.2});
}

/// Random directions (tau_dot, x_dot) for every sample.
template <class Scalar>
struct Directions {
  Directions(const DensityFixture<Scalar>& fixture, unsigned seed)
      : n_dims(fixture.n_dims),
        tau_dot(rounded<Scalar>(random_numbers(fixture.n * n_tangents, -1, 1, seed))),
        x_dot(rounded<Scalar>(random_numbers(fixture.n * n_tangents * n_dims, -1, 1, seed + 1))) {}
  std::vector<Real> x_dot_of(int column) const {
    const auto first = x_dot.begin() + column * n_dims;
    return std::vector<Real>(first, first + n_dims);
  }
  int n_dims;
  std::vector<double> tau_dot, x_dot;
};

Capacity with_tangents() {
  Capacity capacity;
  capacity.samples = 24;
  capacity.tangents = n_tangents;
  return capacity;
}

/// log rho (n) followed by its tangents (n_tangents * n).
template <class Scalar>
std::vector<double> tangents_of(const DensityFixture<Scalar>& fixture, const Directions<Scalar>& directions) {
  const auto log_rho_dot = make_vector<Scalar>("tangents", fixture.n * n_tangents);
  fixture.density->log_density_tangent(ExecutionSpace(), fixture.parameter_vector(), fixture.points(),
                                       n_tangents, to_vector<Scalar>(directions.tau_dot),
                                       to_matrix<Scalar>(directions.x_dot, fixture.n_dims), fixture.log_rho,
                                       log_rho_dot);
  auto result = values_of(fixture.log_rho);
  for (const double value : values_of(log_rho_dot)) result.push_back(value);
  return result;
}

/// Derivatives of log rho by tau (n) and by x (n_dims, n), on the host.
template <class Scalar>
struct Score {
  explicit Score(const DensityFixture<Scalar>& fixture) {
    const auto by_tau = make_vector<Scalar>("tau bar", fixture.n);
    const auto by_x = make_matrix<Scalar>("x bar", fixture.n_dims, fixture.n);
    // What was there before must not survive.
    Kokkos::deep_copy(by_tau, Scalar(77));
    Kokkos::deep_copy(by_x, Scalar(77));
    fixture.density->log_density_score(ExecutionSpace(), fixture.parameter_vector(), fixture.points(),
                                       fixture.log_rho, by_tau, by_x);
    tau_bar = on_host(by_tau);
    x_bar = on_host(by_x);
  }
  OnHost<Vector<Scalar>> tau_bar;
  OnHost<Matrix<Scalar>> x_bar;
};

/// The size of the terms of a derivative: the largest frequency of a feature, 6, times slopes up to 1.1^3, or
/// s, and the sums over the coordinates and their shares; 30 D covers them.
TYPED_TEST(Derivatives, TangentsMatchExactDerivatives) {
  using Scalar = TypeParam;
  Real worst = 0;
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    const DensityFixture<Scalar> fixture(test_case, n, 6, with_tangents());
    const Directions<Scalar> directions(fixture, 7);
    const auto got = tangents_of(fixture, directions);
    for (int column = 0; column < n * n_tangents; ++column) {
      const int s = column % n;
      const Real bound = fixture.error_bound(s);
      const Real want = exact_derivative(fixture, s, {}, directions.tau_dot[static_cast<std::size_t>(column)],
                                         directions.x_dot_of(column));
      const Real error = std::fabs(got[static_cast<std::size_t>(n + column)] - want);
      EXPECT_LE(error, 30 * test_case.n_dims * bound) << "column " << column;
      EXPECT_NEAR(got[static_cast<std::size_t>(s)], fixture.expected_log_rho(s), bound);
      worst = std::max(worst, error);
    }
  }
  record_worst_error<TypeParam>(worst);
}

TYPED_TEST(Derivatives, ScoreAndTimeDerivativeMatchExactDerivatives) {
  using Scalar = TypeParam;
  Real worst = 0;
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    const DensityFixture<Scalar> fixture(test_case, n, 8);
    const Score<Scalar> score(fixture);
    const auto log_rho = values_of(fixture.log_rho);
    for (int s = 0; s < n; ++s) {
      const Real bound = fixture.error_bound(s);
      EXPECT_NEAR(log_rho[static_cast<std::size_t>(s)], fixture.expected_log_rho(s), bound);
      const auto check = [&](Real got, Real want, const std::string& name) {
        EXPECT_NEAR(got, want, 30 * test_case.n_dims * bound) << name << " of sample " << s;
        worst = std::max(worst, std::fabs(got - want));
      };
      check(score.tau_bar(s), exact_derivative(fixture, s, {}, 1, {}), "d/dtau");
      for (int i = 0; i < test_case.n_dims; ++i) {
        std::vector<Real> unit(static_cast<std::size_t>(test_case.n_dims), 0);
        unit[static_cast<std::size_t>(i)] = 1;
        check(score.x_bar(i, s), exact_derivative(fixture, s, {}, 0, unit), "d/dx_" + std::to_string(i + 1));
      }
    }
  }
  record_worst_error<TypeParam>(worst);
}

/// Tangents and scores against differences of log_density itself. Fourth order with h = 1e-3: the fifth
/// derivative, of order (s or w)^5 < 1e5, leaves 1e-12 * 1e5 / 30, and rounding 1e-14 / 1e-3.
TEST(DerivativesDifferences, TangentsAndScoresMatchDifferencesOfTheLogDensity) {
  constexpr double h = 1e-3;
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    DensityFixture<double> fixture(test_case, n, 9, with_tangents());
    const Directions<double> directions(fixture, 10);
    const auto tangents = tangents_of(fixture, directions);
    const Score<double> score(fixture);
    const auto start_tau = fixture.tau, start_x = fixture.x;
    const auto difference = [&](const auto& move) {
      std::vector<double> result(n, 0.0);
      for (const auto& [step, factor] :
           {std::pair{-2.0, 1.0 / 12}, {-1.0, -8.0 / 12}, {1.0, 8.0 / 12}, {2.0, -1.0 / 12}}) {
        fixture.tau = start_tau;
        fixture.x = start_x;
        move(step * h);
        const auto log_rho = fixture.evaluate();
        for (std::size_t s = 0; s < n; ++s) result[s] += factor * log_rho[s] / h;
      }
      return result;
    };
    for (std::size_t j = 0; j < n_tangents; ++j) {
      const auto want = difference([&](double step) {
        for (std::size_t s = 0; s < n; ++s) fixture.tau[s] += step * directions.tau_dot[j * n + s];
        for (std::size_t k = 0; k < start_x.size(); ++k)
          fixture.x[k] += step * directions.x_dot[j * start_x.size() + k];
      });
      for (std::size_t s = 0; s < n; ++s) EXPECT_NEAR(tangents[(1 + j) * n + s], want[s], 1e-8);
    }
    for (int i = 0; i < fixture.n_dims; ++i) {
      const auto want = difference([&](double step) {
        for (int s = 0; s < n; ++s) fixture.x[static_cast<std::size_t>(s * fixture.n_dims + i)] += step;
      });
      for (int s = 0; s < n; ++s) EXPECT_NEAR(score.x_bar(i, s), want[static_cast<std::size_t>(s)], 1e-8);
    }
  }
}

/// log_rho_dot = tau_bar tau_dot + <score, x_dot> for each sample and direction: one derivative, by a tangent
/// and by an adjoint pass, each within half of the bound above.
TYPED_TEST(Derivatives, TangentAndScoreAreAdjointToEachOther) {
  using Scalar = TypeParam;
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    const DensityFixture<Scalar> fixture(test_case, n, 11, with_tangents());
    const Directions<Scalar> directions(fixture, 12);
    const auto tangents = tangents_of(fixture, directions);
    const Score<Scalar> score(fixture);
    for (int column = 0; column < n * n_tangents; ++column) {
      const int s = column % n;
      const auto x_dot = directions.x_dot_of(column);
      Real product =
          static_cast<Real>(score.tau_bar(s)) * directions.tau_dot[static_cast<std::size_t>(column)];
      for (int i = 0; i < test_case.n_dims; ++i)
        product += static_cast<Real>(score.x_bar(i, s)) * x_dot[static_cast<std::size_t>(i)];
      EXPECT_NEAR(tangents[static_cast<std::size_t>(n + column)], product,
                  60 * test_case.n_dims * fixture.error_bound(s));
    }
  }
}

TYPED_TEST(Derivatives, EvaluationsAllocateNoViews) {
  using Scalar = TypeParam;
  ASSERT_EQ(allocations_in([] { make_vector<Scalar>("one", 3); }), 1) << "the count itself does not work";
  for (const DensityCase& test_case : density_cases({1, 3})) {
    SCOPED_TRACE(test_case.name);
    const DensityFixture<Scalar> fixture(test_case, n, 13, with_tangents());
    const Directions<Scalar> directions(fixture, 14);
    const ExecutionSpace space;
    const auto parameters = fixture.parameter_vector();
    const auto points = fixture.points(), drawn = fixture.points();
    const auto weight = to_vector<Scalar>(fixture.tau), tau_bar = to_vector<Scalar>(fixture.tau);
    const auto tau_dot = to_vector<Scalar>(directions.tau_dot),
               log_rho_dot = to_vector<Scalar>(directions.tau_dot);
    const auto x_dot = to_matrix<Scalar>(directions.x_dot, fixture.n_dims);
    const auto below = to_matrix<Scalar>(fixture.x, fixture.n_dims),
               above = to_matrix<Scalar>(fixture.x, fixture.n_dims);
    const auto bar = make_vector<Scalar>("gradient", fixture.density->layout().size());
    const int per_sample = fixture.density->uniforms_per_sample();
    const auto uniforms = to_matrix<double>(random_numbers(n * per_sample, 0.01, 0.99, 15), per_sample);
    Density<Scalar>& density = *fixture.density;
    EXPECT_EQ(allocations_in([&] { density.log_density(space, parameters, points, fixture.log_rho); }), 0);
    EXPECT_EQ(allocations_in([&] {
                density.log_density_gradient(space, parameters, points, weight, fixture.log_rho, bar);
              }),
              0);
    EXPECT_EQ(allocations_in([&] {
                density.log_density_tangent(space, parameters, points, n_tangents, tau_dot, x_dot,
                                            fixture.log_rho, log_rho_dot);
              }),
              0);
    EXPECT_EQ(allocations_in([&] {
                density.log_density_score(space, parameters, points, fixture.log_rho, tau_bar, below);
              }),
              0);
    EXPECT_EQ(allocations_in([&] { density.log_conditional_cdf(space, parameters, points, below, above); }),
              0);
    EXPECT_EQ(allocations_in([&] { density.sample(space, parameters, drawn, uniforms); }), 0);
  }
}

}  // namespace
}  // namespace rhoflux::density
