#include "rhoflux/inference/inference.hpp"

#include <gtest/gtest.h>

#include "rhoflux/core/error.hpp"
#include "rhoflux/density/leading_coordinates.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "support/device_data.hpp"
#include "unit/inference/inference_test_support.hpp"

namespace rhoflux::inference {
namespace {

using testing::constant_volatility;
using testing::make_checkpoint;
using testing::model_cases;
using testing::ModelCase;
using testing::random_states;
using testing::random_times;

constexpr std::size_t n = 300;  // three chunks, the last one not full
static_assert(n > 2 * default_chunk_size && n % default_chunk_size != 0, "several chunks");

/// One point at a time in model units, by the classes below.
struct Direct {
  explicit Direct(const checkpoint::Checkpoint& checkpoint)
      : units(checkpoint.model.units),
        parameters(on_device<double>(checkpoint.state.parameters, "parameters")) {
    const flux::Dynamics<double>::Capacity capacity = {1, flux::Dynamics<double>::Use::drift};
    dynamics = std::make_unique<flux::Dynamics<double>>(checkpoint.model.config, checkpoint.model.flux,
                                                        units.n_dims(), capacity);
  }
  struct Values {
    double log_rho;
    std::vector<double> velocity, score;
  };
  Values at(double t, const double* x) const {
    const int dims = units.n_dims();
    std::vector<double> state;
    for (std::size_t i = 0; i < units.mean.size(); ++i)
      state.push_back((x[i] - units.mean[i]) / units.scale[i]);
    const density::Points<double> points = {test::to_vector<double>({units.tau(t)}),
                                            test::to_matrix<double>(state, dims)};
    const auto log_rho = make_vector<double>("log density", 1);
    const auto velocity = make_matrix<double>("velocity", dims, 1),
               score = make_matrix<double>("score", dims, 1);
    dynamics->evaluate(ExecutionSpace(), parameters, points, {log_rho, velocity, score, {}, {}});
    return {test::values_of(log_rho).front(), test::values_of(velocity), test::values_of(score)};
  }
  Units units;
  Vector<double> parameters;
  std::unique_ptr<flux::Dynamics<double>> dynamics;
};

TEST(Inference, IsTheModelInTheUnitsOfTheData) {
  for (const ModelCase& test_case : model_cases({1, 2, 3})) {
    const checkpoint::Checkpoint checkpoint = make_checkpoint(test_case);
    const Inference inference(checkpoint);
    const Direct direct(checkpoint);
    const Units& units = inference.model().units;
    const auto dims = static_cast<std::size_t>(inference.n_dims());
    const std::vector<double> t = random_times(n, 3), x = random_states(inference, n, 4);
    const double g = 0.7, span = 2.0;
    const std::vector<double> log_rho = inference.standardised_log_density(t, x);
    const Inference::DynamicsValues found = inference.dynamics_at(t, x, constant_volatility(g));
    double log_volume = 0;
    for (const double scale : units.scale) log_volume += std::log(scale);
    for (std::size_t s = 0; s < n; ++s) {
      const Direct::Values expected = direct.at(t[s], &x[s * dims]);
      EXPECT_NEAR(log_rho[s], expected.log_rho, 1e-12 * (1 + std::fabs(expected.log_rho)));
      EXPECT_NEAR(found.log_density[s], expected.log_rho - log_volume, 1e-11);
      for (std::size_t i = 0; i < dims; ++i) {
        const double velocity = expected.velocity[i] * units.scale[i] / span;
        const double score = expected.score[i] / units.scale[i];
        const double allowed = 1e-10 * (1 + std::fabs(velocity) + std::fabs(score));
        EXPECT_NEAR(found.velocity[s * dims + i], velocity, allowed);
        EXPECT_NEAR(found.score[s * dims + i], score, allowed);
        EXPECT_NEAR(found.drift[s * dims + i], velocity + 0.5 * g * g * score, allowed);
      }
    }
  }
}

// Central differences of a function of order one with h = 1e-4 are off by h^2 = 1e-8 and eps / h = 1e-11, times
// what narrow logistics make of it.
TEST(Inference, DerivativesAreThoseOfTheLogDensity) {
  constexpr double h = 1e-4;
  for (const ModelCase& test_case : model_cases({1, 2, 3})) {
    const Inference inference(make_checkpoint(test_case));
    const auto dims = static_cast<std::size_t>(inference.n_dims());
    const std::vector<double> t = random_times(n, 5), x = random_states(inference, n, 6);
    const Inference::Derivatives found = inference.derivatives(t, x);
    const auto difference = [&](std::size_t of) {  // of x_of, or of t for of = dims
      std::vector<double> values[2];
      for (const int side : {0, 1}) {
        std::vector<double> t_shifted = t, x_shifted = x;
        for (std::size_t s = 0; s < n; ++s)
          (of == dims ? t_shifted[s] : x_shifted[s * dims + of]) += side == 0 ? -h : h;
        values[side] = inference.derivatives(t_shifted, x_shifted).log_density;
      }
      for (std::size_t s = 0; s < n; ++s) values[1][s] = (values[1][s] - values[0][s]) / (2 * h);
      return values[1];
    };
    for (std::size_t i = 0; i <= dims; ++i) {
      const std::vector<double> expected = difference(i);
      for (std::size_t s = 0; s < n; ++s) {
        const double value = i == dims ? found.dlog_density_dt[s] : found.score[s * dims + i];
        EXPECT_NEAR(value, expected[s], 1e-5 * (1 + std::fabs(expected[s]))) << "derivative " << i;
      }
    }
  }
}

TEST(Inference, SamplesFollowTheConditionalDistributionFunctions) {
  constexpr std::int64_t count = 2000;
  for (const ModelCase& test_case : model_cases({1, 3})) {
    const Inference inference(make_checkpoint(test_case));
    const auto dims = static_cast<std::size_t>(inference.n_dims());
    const std::vector<double> x = inference.sample_at(1.7, 0, count, 1, 0);
    const std::vector<double> levels = inference.conditional_cdf(std::vector<double>(count, 1.7), x);
    EXPECT_LT(metrics::kolmogorov_smirnov(levels, dims), metrics::kolmogorov_smirnov_bound(1e-5));
  }
}

TEST(Inference, ASampleIsTheSameInEveryCall) {
  const Inference inference(make_checkpoint({}));
  const std::vector<double> all = inference.sample_at(2, 0, 300, 1, 7);
  const std::vector<double> part = inference.sample_at(2, 128, 300, 1, 7);
  EXPECT_EQ(part, std::vector<double>(all.begin() + 2 * 128, all.end()));
  EXPECT_NE(part, inference.sample_at(2, 128, 300, 2, 7));
  EXPECT_NE(part, inference.sample_at(2, 128, 300, 1, 8));
}

/// The density of coordinate i at x_i of a model in two dimensions by the trapezoid rule over the other one,
/// and the density times the drift.
std::pair<double, double> integrated(const Inference& inference, std::size_t i, double t, double x_i,
                                     const flux::Volatility& volatility) {
  const Units& units = inference.model().units;
  constexpr int n_nodes = 4001;
  const double width = 80 * units.scale[1 - i], step = width / (n_nodes - 1);
  std::vector<double> x;
  for (int k = 0; k < n_nodes; ++k) {
    const double other = units.mean[1 - i] - width / 2 + step * k;
    x.push_back(i == 0 ? x_i : other);
    x.push_back(i == 0 ? other : x_i);
  }
  const Inference::DynamicsValues values =
      inference.dynamics_at(std::vector<double>(n_nodes, t), x, volatility);
  double density = 0, flux = 0;
  for (std::size_t k = 0; k < n_nodes; ++k) {
    const double rho = std::exp(values.log_density[k]) * step;
    density += rho;
    flux += rho * values.drift[2 * k + i];
  }
  return {density, flux};
}

/// What an exact marginal is, the integral of rho and rho u over the other coordinate is, but for the
/// trapezoid rule and what lies outside.
TEST(Inference, AnExactMarginalIsTheIntegral) {
  for (const density::Family family : {density::Family::autoregressive, density::Family::factorised}) {
    const Inference inference(make_checkpoint({family, 2, flux::DivergenceFree::none}));
    Inference::Marginal marginal;
    marginal.dims = {0};
    ASSERT_TRUE(inference.is_exact(marginal));
    const flux::Volatility volatility = constant_volatility(0.5);
    const std::vector<double> t = {1.2, 1.9, 2.8}, x = {0.1, 1.3, -1.0};
    const Inference::MarginalValues found = inference.marginal(t, x, marginal, volatility);
    for (std::size_t s = 0; s < t.size(); ++s) {
      const auto [density, flux] = integrated(inference, 0, t[s], x[s], volatility);
      EXPECT_NEAR(found.density[s], density, 1e-6 * density);
      EXPECT_NEAR(found.density[s] * found.drift[s], flux, 1e-4 * density);
      EXPECT_EQ(found.density_error[s], 0);
    }
  }
}

TEST(Inference, ASampledMarginalIsTheIntegralWithinItsError) {
  for (const ModelCase& test_case :
       {ModelCase{density::Family::autoregressive, 2, flux::DivergenceFree::none},
        ModelCase{density::Family::factorised, 2, flux::DivergenceFree::none},
        ModelCase{density::Family::autoregressive, 2, flux::DivergenceFree::density_weighted}}) {
    const Inference inference(make_checkpoint(test_case));
    Inference::Marginal marginal;
    marginal.dims = {1};
    marginal.samples = 4000;
    ASSERT_FALSE(inference.is_exact(marginal));
    const std::vector<double> t = {1.2, 1.9, 2.8}, x = {-0.4, -0.9, 0.3};
    const Inference::MarginalValues found = inference.marginal(t, x, marginal, {});
    for (std::size_t s = 0; s < t.size(); ++s) {
      const double density = integrated(inference, 1, t[s], x[s], {}).first;
      EXPECT_NEAR(found.density[s], density, 5 * found.density_error[s] + 1e-6 * density);
      EXPECT_LT(found.density_error[s], 0.1 * density);
    }
  }
}

/// A divergence-free part is integrated by Monte Carlo, the density under it is the exact one.
TEST(Inference, ASampledLeadingMarginalHasTheExactDensity) {
  const Inference inference(
      make_checkpoint({density::Family::autoregressive, 3, flux::DivergenceFree::density_weighted}));
  Inference::Marginal marginal;
  marginal.dims = {0};
  ASSERT_FALSE(inference.is_exact(marginal));
  const std::vector<double> t = {1.5, 2.5}, x1 = {0.2, 1.1};
  const std::vector<double> states = {x1[0], 0, 0, x1[1], 0, 0};
  const std::vector<double> log_density = inference.standardised_log_density(t, states, 1);
  const Inference::MarginalValues found = inference.marginal(t, x1, marginal, {});
  for (std::size_t s = 0; s < t.size(); ++s)
    EXPECT_NEAR(std::log(found.density[s]), log_density[s] - std::log(inference.model().units.scale[0]),
                1e-12);
}

TEST(Inference, OfLeadingCoordinatesIgnoresTheOthers) {
  const Inference inference(
      make_checkpoint({density::Family::autoregressive, 3, flux::DivergenceFree::none}));
  const std::vector<double> t(1, 1.5);
  const std::vector<double> one = inference.standardised_log_density(t, {0.1, 0.2, 0.3}, 2);
  EXPECT_EQ(one, inference.standardised_log_density(t, {0.1, 0.2, 70}, 2));
  EXPECT_NE(one, inference.standardised_log_density(t, {0.1, 0.3, 0.3}, 2));
}

TEST(Inference, AnExceptionLeavesTheModelWhole) {
  const Inference inference(make_checkpoint({}));
  const std::vector<double> t = {1.5, 2.0}, x = {0.1, 0.2, 0.3, 0.4};
  const std::vector<double> before = inference.standardised_log_density(t, x);
  EXPECT_THROW(inference.standardised_log_density(t, {0.1, 0.2, 0.3}, 1), Error);
  EXPECT_EQ(inference.dynamics().density().n_leading(), 2);
  EXPECT_EQ(inference.standardised_log_density(t, x), before);
}

TEST(LeadingCoordinates, EndWithTheirLife) {
  const Inference inference(make_checkpoint({density::Family::factorised, 3, flux::DivergenceFree::none}));
  density::Density<double>& density = inference.dynamics().density();
  try {
    const density::LeadingCoordinates<double> two(density, 2);
    EXPECT_EQ(density.n_leading(), 2);
    {
      const density::LeadingCoordinates<double> one(density, 1);
      EXPECT_EQ(density.n_leading(), 1);
    }
    EXPECT_EQ(density.n_leading(), 2);
    throw std::runtime_error("in between");
  } catch (const std::runtime_error&) {
    EXPECT_EQ(density.n_leading(), 3);
  }
}

TEST(Inference, RefusesSizesThatDoNotFit) {
  const Inference inference(make_checkpoint({}));
  EXPECT_THROW(inference.standardised_log_density({1.0, 2.0}, {0.0, 0.0}), Error);
  EXPECT_THROW(inference.dynamics_at({1.0}, {0.0, 0.0, 0.0}, {}), Error);
  EXPECT_THROW(inference.conditional_cdf({}, {0.0, 0.0}), Error);
  EXPECT_THROW(inference.sample({1.0, 2.0}, {0}, 1, 0), Error);
  Inference::Marginal marginal;
  marginal.dims = {0};
  EXPECT_THROW(inference.marginal({1.0}, {0.0, 0.0}, marginal, {}), Error);
}

}  // namespace
}  // namespace rhoflux::inference
