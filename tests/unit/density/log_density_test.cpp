#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "rhoflux/density/mixture_network.hpp"
#include "support/errors.hpp"
#include "support/floating_point_traps.hpp"
#include "unit/density/reference_density.hpp"

namespace rhoflux::density {
namespace {

using namespace test;

template <class Scalar>
class LogDensity : public testing::Test {};
TYPED_TEST_SUITE(LogDensity, Scalars);

/// The cases of every test, and wider ones: whole vectors of hidden units, no features of the coordinates.
std::vector<DensityCase> cases_and_wider_ones() {
  std::vector<DensityCase> cases = density_cases({1, 2, 3, 5});
  for (DensityCase wider : density_cases({2})) {
    wider.name += ", wide";
    wider.config.hidden = {64, 80, 64};
    wider.config.n_logistics = 16;
    wider.config.coordinate_features = 0;
    cases.push_back(wider);
  }
  return cases;
}

/// The bound is that of ReferenceDensity::error_bound.
TYPED_TEST(LogDensity, MatchesTheDefiningFormula) {
  Real worst = 0;
  for (const DensityCase& test_case : cases_and_wider_ones()) {
    SCOPED_TRACE(test_case.name);
    const DensityFixture<TypeParam> fixture(test_case, 40, 1);
    const auto log_rho = fixture.evaluate();
    for (int s = 0; s < fixture.n; ++s) {
      const Real error = std::fabs(log_rho[static_cast<std::size_t>(s)] - fixture.expected_log_rho(s));
      EXPECT_LE(error, fixture.error_bound(s)) << "sample " << s;
      worst = std::max(worst, error);
    }
  }
  record_worst_error<TypeParam>(worst);
}

TYPED_TEST(LogDensity, ConditionalCdfsMatchTheDefiningFormula) {
  Real worst = 0;
  for (const DensityCase& test_case : cases_and_wider_ones()) {
    SCOPED_TRACE(test_case.name);
    const DensityFixture<TypeParam> fixture(test_case, 40, 2);
    const auto parameters = extended(fixture.parameters);
    const auto [below, above] = fixture.conditionals();
    std::vector<Real> want_below, want_above;
    for (int s = 0; s < fixture.n; ++s) {
      // A log of a CDF answers to errors as log f does, and that of the weights is log f of what precedes.
      const Real bound = 2 * fixture.error_bound(s);
      fixture.reference.conditional_cdf(parameters, fixture.tau_of(s), fixture.x_of(s).data(), want_below,
                                        want_above);
      for (int i = 0; i < fixture.n_dims; ++i) {
        const auto dim = static_cast<std::size_t>(i);
        const Real log_below = below(i, s), log_above = above(i, s);
        EXPECT_NEAR(log_below, std::log(want_below[dim]), bound) << "sample " << s << " x_" << i + 1;
        EXPECT_NEAR(log_above, std::log(want_above[dim]), bound) << "sample " << s << " x_" << i + 1;
        EXPECT_NEAR(std::exp(log_below) + std::exp(log_above), 1, bound);
        worst = std::max(worst, std::fabs(log_below - std::log(want_below[dim])));
      }
    }
  }
  record_worst_error<TypeParam>(worst);
}

/// A coordinate 60 units out is 50 scale lengths and more from every logistic in most conditionals: both
/// tails and the density keep six digits.
TEST(LogDensityTails, AreAccurateFiftyScaleLengthsOut) {
  double smallest = 0;
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    for (int pushed = 0; pushed < test_case.n_dims; ++pushed)
      for (const double position : {-60.0, 60.0, -200.0, 200.0}) {
        DensityFixture<double> fixture(test_case, 8, 3);
        for (int s = 0; s < fixture.n; ++s)
          fixture.x[static_cast<std::size_t>(s * fixture.n_dims + pushed)] = position;
        const auto parameters = extended(fixture.parameters);
        const auto [below, above] = fixture.conditionals();
        std::vector<Real> want_below, want_above;
        for (int s = 0; s < fixture.n; ++s) {
          {
            // Beyond `pushed` the reference divides weights that underflow; those coordinates are not used.
            const WithoutTraps without_traps;
            fixture.reference.conditional_cdf(parameters, fixture.tau_of(s), fixture.x_of(s).data(),
                                              want_below, want_above);
          }
          const auto dim = static_cast<std::size_t>(pushed);
          EXPECT_NEAR(below(pushed, s), std::log(want_below[dim]), 1e-6);
          EXPECT_NEAR(above(pushed, s), std::log(want_above[dim]), 1e-6);
          smallest = std::min({smallest, below(pushed, s), above(pushed, s)});
        }
      }
  }
  EXPECT_LT(smallest, -200.0);
}

/// prod_i dF_i/dx_i = rho. The fourth-order difference with h = 1e-3 leaves h^4 s^5 / 30 with s < 15, 3e-8,
/// and rounding 1e-14 / h.
TEST(LogDensityCdf, SlopesOfTheConditionalCdfsMultiplyToTheDensity) {
  constexpr double h = 1e-3;
  for (const DensityCase& test_case : density_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    DensityFixture<double> fixture(test_case, 40, 4);
    const auto log_rho = fixture.evaluate();
    const auto start = fixture.x;
    std::vector<double> product(log_rho.size(), 1.0);
    for (int i = 0; i < fixture.n_dims; ++i) {
      std::vector<double> slope(log_rho.size(), 0.0);
      for (const auto& [step, factor] :
           {std::pair{-2.0, 1.0 / 12}, {-1.0, -8.0 / 12}, {1.0, 8.0 / 12}, {2.0, -1.0 / 12}}) {
        fixture.x = start;
        for (int s = 0; s < fixture.n; ++s)
          fixture.x[static_cast<std::size_t>(s * fixture.n_dims + i)] += step * h;
        const auto below = fixture.conditionals().first;
        for (int s = 0; s < fixture.n; ++s)
          slope[static_cast<std::size_t>(s)] += factor * std::exp(below(i, s)) / h;
      }
      for (std::size_t s = 0; s < slope.size(); ++s) product[s] *= slope[s];
    }
    for (std::size_t s = 0; s < product.size(); ++s)
      EXPECT_NEAR(product[s], std::exp(log_rho[s]), 1e-6 * std::exp(log_rho[s]) + 1e-10);
  }
}

/// Integral over R^D by the trapezoidal rule in y, x = sinh(y) for each coordinate: the logistic tails fall
/// off doubly exponentially in y, so that the rule converges like exp(-2 pi^2 / (s dx)).
double integral(const DensityCase& test_case, unsigned seed, double tau, double step) {
  constexpr double reach = 7;
  DensityFixture<double> fixture(test_case, 0, seed, {512, 0, Passes::forward});
  const int count = static_cast<int>(2 * reach / step) + 1;
  std::vector<double> weights;
  double sum = 0;
  const auto flush = [&] {
    fixture.n = static_cast<int>(weights.size());
    fixture.tau.assign(weights.size(), tau);
    fixture.log_rho = make_vector<double>("log rho", fixture.n);
    const auto log_rho = fixture.evaluate();
    for (std::size_t s = 0; s < weights.size(); ++s) sum += weights[s] * std::exp(log_rho[s]);
    fixture.x.clear();
    weights.clear();
  };
  const int n_points = test_case.n_dims == 1 ? count : count * count;
  for (int point = 0; point < n_points; ++point) {
    double weight = 1;
    for (int i = 0, rest = point; i < test_case.n_dims; ++i, rest /= count) {
      const double y = -reach + step * (rest % count);
      fixture.x.push_back(std::sinh(y));
      weight *= step * std::cosh(y);
    }
    weights.push_back(weight);
    if (weights.size() == 512) flush();
  }
  if (!weights.empty()) flush();
  return sum;
}

TEST(LogDensityNormalisation, IntegralIsOneInOneDimension) {
  for (const DensityCase& test_case : density_cases({1}))
    for (const unsigned seed : {1u, 2u, 3u})
      for (const double tau : {0.0, 0.37, 1.0})
        EXPECT_NEAR(integral(test_case, seed, tau, 0.01), 1.0, 1e-6) << test_case.name << " seed " << seed;
}

/// Cases with conditions are in one dimension, above: here their random second conditionals are narrow where this rule is
/// coarse, far out.
TEST(LogDensityNormalisation, IntegralIsOneInTwoDimensions) {
  for (const DensityCase& test_case : density_cases({2}))
    if (test_case.config.n_conditions == 0) {
      EXPECT_NEAR(integral(test_case, 4, 0.6, 0.035), 1.0, 1e-6) << test_case.name;
    }
}

/// Changing x_k moves no bit of F_i(x_i | x_1..x_{i-1}) for i < k, and moves those from k on.
TYPED_TEST(LogDensity, ConditionalsDoNotSeeLaterCoordinates) {
  for (const DensityCase& test_case : density_cases({2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    DensityFixture<TypeParam> fixture(test_case, 20, 5);
    const auto start = fixture.x;
    const auto before = fixture.conditionals().first;
    for (int k = 0; k < fixture.n_dims; ++k) {
      fixture.x = start;
      for (int s = 0; s < fixture.n; ++s) fixture.x[static_cast<std::size_t>(s * fixture.n_dims + k)] += 0.5;
      const auto after = fixture.conditionals().first;
      for (int s = 0; s < fixture.n; ++s)
        for (int i = 0; i < fixture.n_dims; ++i)
          EXPECT_EQ(after(i, s) == before(i, s), i < k) << i << ", " << k;
    }
  }
}

/// Samples are independent of each other and of how many there are: to the rounding of sums whose order may
/// depend on the number of columns.
TEST(LogDensityChunks, DoNotMatter) {
  for (const DensityCase& test_case : density_cases({1, 3})) {
    SCOPED_TRACE(test_case.name);
    DensityFixture<double> whole(test_case, 100, 6);
    const auto together = whole.evaluate();
    for (int s = 0; s < whole.n; s += 7) {
      DensityFixture<double> one(test_case, 1, 6);
      one.parameters = whole.parameters;
      one.tau = {whole.tau[static_cast<std::size_t>(s)]};
      one.x.assign(whole.x.begin() + s * whole.n_dims, whole.x.begin() + (s + 1) * whole.n_dims);
      EXPECT_NEAR(one.evaluate().front(), together[static_cast<std::size_t>(s)], 2 * whole.error_bound(s));
    }
  }
}

TYPED_TEST(LogDensity, NaNIsNotHidden) {
  using Scalar = TypeParam;
  const WithoutTraps without_traps;
  for (const DensityCase& test_case : density_cases({1, 3})) {
    SCOPED_TRACE(test_case.name);
    DensityFixture<Scalar> fixture(test_case, 10, 7);
    fixture.x[static_cast<std::size_t>(3 * fixture.n_dims)] = std::nan("");
    fixture.tau[7] = std::nan("");
    const auto log_rho = fixture.evaluate();
    for (std::size_t s = 0; s < log_rho.size(); ++s) EXPECT_EQ(std::isnan(log_rho[s]), s == 3 || s == 7);
  }
}

/// Logits of every head at two times and the same state: equal bit for bit with constant weights, different
/// otherwise; locations and scales move either way.
TEST(MixtureWeights, AreConstantInTimeWhenAskedFor) {
  for (const MixtureWeights weights : {MixtureWeights::time_constant, MixtureWeights::time_dependent})
    for (const int n_stages : {1, 3}) {
      Config config = density_case(Family::autoregressive, weights, 3).config;
      network::ParameterLayout layout;
      MixtureNetwork<double> network(config, {n_stages, 2, 16, Passes::forward}, layout);
      std::mt19937_64 engine(8);
      const auto parameters = to_vector<double>(random_parameters(layout, engine));
      const auto x = to_matrix<double>({0.3, -0.7}, 2);
      const auto at_time = [&](double tau) {
        const ExecutionSpace space;
        const auto times = to_vector<double>({tau});
        network.begin(space, {1, 0}, times, {});
        network.evaluate(space, parameters, 0);
        for (int stage = 1; stage < n_stages; ++stage) {
          network.feed(space, stage, row_of(x, stage - 1), {});
          network.evaluate(space, parameters, stage);
        }
        const auto logits = on_host(network.mixtures().logits), shapes = on_host(network.mixtures().shapes);
        std::vector<std::vector<double>> result(2);
        for (int head = 0; head < 2 * n_stages; ++head)
          for (int l = 0; l < config.n_logistics; ++l) {
            const MixtureView<double>& view = network.mixtures();
            result[0].push_back(logits(head * view.logits_stride + l, 0));
            result[1].push_back(shapes(head * view.shapes_stride + view.location_offset + l, 0));
            result[1].push_back(shapes(head * view.shapes_stride + view.scale_offset + l, 0));
          }
        return result;
      };
      const auto early = at_time(0.1), late = at_time(0.9);
      for (std::size_t k = 0; k < early[0].size(); ++k)
        EXPECT_EQ(early[0][k] == late[0][k], weights == MixtureWeights::time_constant);
      for (std::size_t k = 0; k < early[1].size(); ++k) EXPECT_NE(early[1][k], late[1][k]);
    }
}

TEST(MakeDensity, RefusesWhatDoesNotFit) {
  Config config = density_case(Family::autoregressive, MixtureWeights::time_dependent, 5).config;
  const auto make = [&](int n_dims) { make_density<float>(config, n_dims, {}); };
  EXPECT_NO_THROW(make(11));
  expect_error(ExitCode::bad_input, {"11"}, [&] { make(12); });  // the units of the narrower layer
  config.family = Family::factorised;
  EXPECT_NO_THROW(make(12));
  config.n_logistics = 64;
  EXPECT_NO_THROW(make(2));
  config.n_logistics = 65;
  expect_error(ExitCode::bad_input, {"64"}, [&] { make(2); });
}

}  // namespace
}  // namespace rhoflux::density
