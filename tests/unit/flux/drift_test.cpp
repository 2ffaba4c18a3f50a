#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "rhoflux/metrics/residual.hpp"
#include "support/floating_point_traps.hpp"
#include "unit/flux/reference_flux.hpp"

namespace rhoflux::flux {
namespace {

using namespace test;

constexpr int n = 4;
/// Claim of the documentation: relative accuracy of u, in the tails too.
constexpr Real claimed_accuracy = 1e-6L;

Real norm(const std::vector<Real>& v) {
  Real sum = 0;
  for (const Real value : v) sum += value * value;
  return std::sqrt(sum);
}

/// Largest error of u relative to |u|.
Real drift_error(DynamicsFixture<double>& fixture) {
  fixture.evaluate();
  const auto drift = on_host(fixture.motion.drift);
  Real worst = 0;
  for (int s = 0; s < fixture.n; ++s) {
    const std::vector<Real> expected = fixture.reference.drift(
        extended(fixture.parameters), fixture.tau_of(s), fixture.x_of(s), fixture.diffusion);
    for (int i = 0; i < fixture.n_dims; ++i) {
      const Real error = std::fabs(drift(i, s) - expected[static_cast<std::size_t>(i)]) / norm(expected);
      worst = std::isfinite(error) ? std::max(worst, error) : HUGE_VALL;
    }
  }
  return worst;
}

TEST(Drift, MatchesTheFormulasInExtendedPrecision) {
  Real worst = 0;
  for (const DynamicsCase& test_case : dynamics_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, n, 3);
    const Real error = drift_error(fixture);
    EXPECT_LT(error, claimed_accuracy);
    worst = std::max(worst, error);
  }
  std::printf("largest relative error %.1Le\n", worst);
}

/// One coordinate after the other, and all together, 50 scale lengths (1 / s of the widest logistic) out.
TEST(Drift, IsAccurateFiftyScaleLengthsOut) {
  Real worst = 0;
  for (const DynamicsCase& test_case : dynamics_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, 2 * (test_case.n_dims + 1), 4);
    make_gentle(fixture, 0.03);
    place_scale_lengths_out(fixture, 50);
    const Real error = drift_error(fixture);
    EXPECT_LT(error, claimed_accuracy);
    worst = std::max(worst, error);
  }
  std::printf("largest relative error %.1Le\n", worst);
}

/// Points `distance` away: one coordinate after the other, then all of them, on either side.
template <class Scalar>
void place_far_out(DynamicsFixture<Scalar>& fixture, double distance) {
  for (int s = 0; s < fixture.n; ++s)
    for (int i = 0; i < fixture.n_dims; ++i)
      if (s / 2 == i || s / 2 == fixture.n_dims)
        fixture.x[static_cast<std::size_t>(s * fixture.n_dims + i)] = s % 2 == 0 ? distance : -distance;
}

/// In units of the data some hundreds and thousands of deviations: within the range of extended precision, where much
/// has left that of double. A velocity beyond it is infinite, all others are as accurate as the log density.
TEST(Drift, IsAccurateOrInfiniteThousandsOfDeviationsOut) {
  int n_infinite = 0, n_large = 0;
  for (const DynamicsCase& test_case : dynamics_cases({1, 2, 3}))
    for (const double distance : {300.0, 2000.0}) {
      // One beyond the range of numbers against a base flux beyond it is inf - inf, which traps.
      if (test_case.density.n_conditions > 0 &&
          test_case.flux.divergence_free == flux::DivergenceFree::antisymmetric)
        continue;
      SCOPED_TRACE(test_case.name);
      DynamicsFixture<double> fixture(test_case, 2 * (test_case.n_dims + 1), 4);
      make_gentle(fixture, 0.01);
      place_far_out(fixture, distance);
      fixture.evaluate();
      const auto drift = on_host(fixture.motion.drift), score = on_host(fixture.motion.score);
      const auto parameters = extended(fixture.parameters);
      for (int s = 0; s < fixture.n; ++s) {
        const std::vector<Real> want =
            fixture.reference.drift(parameters, fixture.tau_of(s), fixture.x_of(s), fixture.diffusion);
        const std::vector<Real> want_score =
            fixture.reference.score(parameters, fixture.tau_of(s), fixture.x_of(s));
        bool was_infinite = false;  // then the velocities after it, which go on from it, are not known
        for (std::size_t i = 0; i < want.size(); ++i) {
          const int k = static_cast<int>(i);
          ASSERT_TRUE(std::isfinite(want[i]));
          EXPECT_NEAR(score(k, s), want_score[i], claimed_accuracy * norm(want_score)) << s << " " << i;
          if (std::fabs(want[i]) > 1e308L) {
            EXPECT_FALSE(std::isfinite(drift(k, s)));
            was_infinite = true;
            ++n_infinite;
          } else if (!was_infinite && std::fabs(want[i]) > 1e-4L * norm(want)) {
            EXPECT_NEAR(drift(k, s) / want[i], 1, claimed_accuracy) << s << " " << i << " at " << distance;
            n_large += std::fabs(want[i]) > 1e20L ? 1 : 0;
          }
        }
      }
    }
  EXPECT_GT(n_infinite, 10);
  EXPECT_GT(n_large, 10);
}

/// Whatever the network gives, and as far as the log density is finite: no score that is not, in either precision.
template <class Scalar>
void expect_finite_scores() {
  const WithoutTraps without_traps;  // a velocity may leave the range
  int n_finite = 0;
  for (const DynamicsCase& test_case : dynamics_cases({1, 2, 5}))
    for (const double factor : {0.01, 1.0})
      for (const double distance : {10.0, 1e3, 1e6, 1e12}) {
        SCOPED_TRACE(test_case.name);
        DynamicsFixture<Scalar> fixture(test_case, 2 * (test_case.n_dims + 1), 5);
        make_gentle(fixture, factor);
        place_far_out(fixture, distance);
        fixture.evaluate();
        const auto log_rho = make_vector<Scalar>("log rho", fixture.n);
        const auto tau_bar = make_vector<Scalar>("tau bar", fixture.n);
        const auto score = make_matrix<Scalar>("score", fixture.n_dims, fixture.n);
        fixture.dynamics.density().log_density_score(ExecutionSpace(), fixture.parameter_vector(),
                                                     fixture.points(), log_rho, tau_bar, score);
        for (int s = 0; s < fixture.n; ++s) {
          if (!std::isfinite(on_host(log_rho)(s))) continue;
          ++n_finite;
          EXPECT_TRUE(std::isfinite(on_host(tau_bar)(s))) << s << " at " << distance;
          for (int i = 0; i < fixture.n_dims; ++i) {
            EXPECT_TRUE(std::isfinite(on_host(score)(i, s))) << s << " at " << distance;
            EXPECT_TRUE(std::isfinite(on_host(fixture.motion.score)(i, s))) << s << " at " << distance;
          }
        }
      }
  EXPECT_GT(n_finite, 1000);
}

TEST(Drift, TheScoreIsFiniteWhereverTheLogDensityIs) {
  expect_finite_scores<double>();
  expect_finite_scores<float>();
}

TEST(Drift, ScoreAndLogDensityAreThoseOfTheDensity) {
  for (const DynamicsCase& test_case : dynamics_cases({1, 3})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, n, 5);
    fixture.evaluate();
    const auto log_rho = make_vector<double>("log rho", n), tau_bar = make_vector<double>("tau bar", n);
    const auto score = make_matrix<double>("score", fixture.n_dims, n);
    fixture.dynamics.density().log_density_score(ExecutionSpace(), fixture.parameter_vector(),
                                                 fixture.points(), log_rho, tau_bar, score);
    for (int s = 0; s < n; ++s) {
      EXPECT_NEAR(on_host(fixture.motion.log_rho)(s), on_host(log_rho)(s), 1e-12);
      for (int i = 0; i < fixture.n_dims; ++i)
        EXPECT_NEAR(on_host(fixture.motion.score)(i, s), on_host(score)(i, s), 1e-11);
    }
  }
}

TEST(Drift, FokkerPlanckResidualIsSmallForRandomWeights) {
  double worst = 0;
  for (const DynamicsCase& test_case : dynamics_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, 128, 6);
    std::mt19937_64 engine(7);
    std::uniform_real_distribution<double> time(0, 1), state(-2, 2);
    std::vector<double> tau, x;
    for (int p = 0; p < 150; ++p) {
      tau.push_back(time(engine));
      for (int i = 0; i < fixture.n_dims; ++i) x.push_back(state(engine));
    }
    const metrics::Residual residual = residual_of(fixture, tau, x);
    EXPECT_LT(residual.largest, residual_bound);
    EXPECT_GT(residual.largest_rate, 0);
    worst = std::max(worst, residual.largest);
  }
  std::printf("largest relative residual %.1e\n", worst);
}

/// A Gaussian of mean tau and variance 1: u = 1 + g^2 / 2 (tau - x). Any other drift is found out.
TEST(Residual, SeesAWrongDrift) {
  std::vector<double> tau, x;
  for (int p = 0; p < 50; ++p) {
    tau.push_back(0.02 * p);
    x.push_back(2 * std::sin(p));
  }
  const double diffusion = 0.3;
  const auto residual_with = [&](double error) {
    const metrics::Evaluate gaussian = [&](const std::vector<double>& at, const std::vector<double>& states) {
      metrics::Dynamics result;
      for (std::size_t k = 0; k < at.size(); ++k) {
        const double z = states[k] - at[k];
        result.log_rho.push_back(-0.5 * z * z);
        result.drift.push_back(1 - diffusion * z + error * z);
      }
      return result;
    };
    return metrics::summarise(metrics::fokker_planck_residuals(
                                  gaussian, tau, x, [&](double) { return std::vector<double>{diffusion}; }))
        .largest;
  };
  EXPECT_LT(residual_with(0), 1e-7);
  EXPECT_GT(residual_with(1e-3), 5e-4);
}

/// x(parameters) with every F_i(x_i | x_<i) held, as dual numbers: dx_i = -(dF_i at fixed x_i) / f_i.
std::vector<Dual<Real>> drawn_states(const DynamicsFixture<double>& fixture,
                                     const std::vector<Dual<Real>>& parameters, int s) {
  using D = Dual<Real>;
  const std::vector<D> fixed(extended_duals(fixture.parameters));
  const D tau(fixture.tau_of(s));
  std::vector<D> x, below, above;
  for (const Real value : fixture.x_of(s)) x.emplace_back(value);
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::vector<D> moved = x;
    for (D& value : moved) value.dot = 0;
    moved[i].dot = 1;
    fixture.reference.density().conditional_cdf(fixed, tau, moved.data(), below, above);
    const Real density = below[i].dot;
    fixture.reference.density().conditional_cdf(parameters, tau, x.data(), below, above);
    x[i].dot = -below[i].dot / density;
  }
  return x;
}

/// What an adjoint is differentiated by.
enum class By { parameters, states, parameters_of_draws };

/// d( sum_s <drift_bar_s, u_s> + log_rho_bar_s log rho_s + <pull_s, x_s> ) along random directions of the
/// parameters, of x, and of the parameters with x drawn from rho.
TEST(Drift, AdjointMatchesExactDerivatives) {
  using D = Dual<Real>;
  Real worst = 0;
  for (const DynamicsCase& test_case : dynamics_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    constexpr int few = 2;
    DynamicsFixture<double> fixture(test_case, few, 9);
    std::mt19937_64 engine(10);
    std::normal_distribution<double> normal;
    const auto random = [&](std::size_t count) {
      std::vector<double> values(count);
      for (double& value : values) value = normal(engine);
      return values;
    };
    const auto dims = static_cast<std::size_t>(fixture.n_dims);
    const std::vector<double> drift_bar = random(few * dims), log_rho_bar = random(few);
    const bool grows = test_case.density.grows();
    const std::vector<double> growth_bar = grows ? random(few) : std::vector<double>(few, 0.0),
                              log_mass_bar = grows ? random(few) : std::vector<double>(few, 0.0);
    for (const By by : {By::parameters, By::states, By::parameters_of_draws}) {
      SCOPED_TRACE(static_cast<int>(by));
      const bool drawn = by == By::parameters_of_draws;
      const std::vector<double> pull = drawn ? random(few * dims) : std::vector<double>(few * dims, 0.0);
      const auto parameters_bar = make_vector<double>("parameters bar", fixture.dynamics.layout().size());
      const auto x_bar = to_matrix<double>(pull, fixture.n_dims);
      fixture.evaluate();
      fixture.dynamics.adjoint(ExecutionSpace(), fixture.parameter_vector(), fixture.points(), fixture.motion,
                               {to_matrix<double>(drift_bar, fixture.n_dims), to_vector<double>(log_rho_bar),
                                to_vector<double>(growth_bar), to_vector<double>(log_mass_bar)},
                               drawn ? StateKind::sampled : StateKind::fixed, parameters_bar, x_bar);
      const auto p_bar = on_host(parameters_bar);
      const auto s_bar = on_host(x_bar);
      std::vector<double> parameters_dot = random(fixture.parameters.size()), x_dot = random(few * dims);
      if (by == By::states) parameters_dot.assign(parameters_dot.size(), 0.0);
      std::vector<D> parameters = extended_duals(fixture.parameters);
      Real found = 0, terms = 0, expected = 0;
      for (std::size_t k = 0; k < parameters.size(); ++k) {
        parameters[k].dot = parameters_dot[k];
        if (parameters_dot[k] == 0 || std::isnan(fixture.parameters[k])) continue;
        found += parameters_dot[k] * p_bar(k);
        terms += std::fabs(parameters_dot[k] * p_bar(k));
      }
      for (int s = 0; s < few; ++s) {
        const std::size_t row = static_cast<std::size_t>(s) * dims;
        std::vector<D> x;
        if (drawn) {
          x = drawn_states(fixture, parameters, s);
        } else {
          for (std::size_t i = 0; i < dims; ++i)
            x.emplace_back(fixture.x[row + i], by == By::states ? x_dot[row + i] : 0.0);
        }
        for (std::size_t i = 0; i < dims && by == By::states; ++i) {
          found += x_dot[row + i] * s_bar(i, s);
          terms += std::fabs(x_dot[row + i] * s_bar(i, s));
        }
        const D tau(fixture.tau_of(s));
        const std::vector<D> u = fixture.reference.drift(parameters, tau, x, fixture.diffusion);
        for (std::size_t i = 0; i < dims; ++i)
          expected += drift_bar[row + i] * u[i].dot + pull[row + i] * x[i].dot;
        const auto sample = static_cast<std::size_t>(s);
        expected += log_rho_bar[sample] * fixture.reference.density().log_rho(parameters, tau, x.data()).dot;
        expected += growth_bar[sample] * fixture.reference.growth(parameters, tau, x).dot +
                    log_mass_bar[sample] * fixture.reference.log_mass(parameters, tau).dot;
      }
      const Real error = std::fabs(found - expected) / terms;
      EXPECT_LT(error, 1e-10L);
      worst = std::max(worst, error);
    }
  }
  std::printf("largest error relative to the sum of the terms %.1Le\n", worst);
}

}  // namespace
}  // namespace rhoflux::flux
