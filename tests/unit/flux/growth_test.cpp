#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "unit/flux/reference_flux.hpp"

namespace rhoflux::flux {
namespace {

using namespace test;

/// Of the documentation: relative to the largest |D log alpha|, for the weights alone make the rate.
constexpr Real claimed_accuracy = 1e-12L;

std::vector<DynamicsCase> growing_cases(const std::vector<int>& dimensions) {
  std::vector<DynamicsCase> cases;
  for (const DynamicsCase& test_case : dynamics_cases(dimensions))
    if (test_case.density.grows()) cases.push_back(test_case);
  return cases;
}

/// Largest error of r relative to the largest rate of a weight.
Real growth_error(DynamicsFixture<double>& fixture) {
  fixture.evaluate();
  const auto growth = on_host(fixture.motion.growth), log_mass = on_host(fixture.motion.log_mass);
  const auto parameters = extended(fixture.parameters);
  Real worst = 0;
  for (int s = 0; s < fixture.n; ++s) {
    const Real tau = fixture.tau_of(s),
               unit = fixture.reference.largest_weight_rate(parameters, tau, fixture.x_of(s));
    const Real error =
        std::fabs(growth(s) - fixture.reference.growth(parameters, tau, fixture.x_of(s))) / (1 + unit);
    worst = std::isfinite(error) ? std::max(worst, error) : HUGE_VALL;
    EXPECT_NEAR(log_mass(s), static_cast<double>(fixture.reference.log_mass(parameters, tau)), 1e-12);
  }
  return worst;
}

TEST(Growth, RateMatchesTheFormulasInExtendedPrecision) {
  Real worst = 0;
  for (const DynamicsCase& test_case : growing_cases({1, 2, 3, 5})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, 8, 3);
    const Real error = growth_error(fixture);
    EXPECT_LT(error, claimed_accuracy);
    worst = std::max(worst, error);
  }
  std::printf("largest relative error %.1Le\n", worst);
}

TEST(Growth, RateIsFiniteAndAccurateFiftyScaleLengthsOut) {
  Real worst = 0;
  for (const DynamicsCase& test_case : growing_cases({1, 2, 3})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, 2 * test_case.n_dims, 4);
    make_gentle(fixture, 0.03);
    place_scale_lengths_out(fixture, 50);
    const Real error = growth_error(fixture);
    EXPECT_LT(error, claimed_accuracy);
    worst = std::max(worst, error);
  }
  std::printf("largest relative error %.1Le\n", worst);
}

/// E_rho[r] = M'/M: over exact samples, within five standard errors.
TEST(Growth, MeanRateIsThatOfTheMass) {
  for (const DynamicsCase& test_case : growing_cases({1, 3})) {
    if (test_case.diffusion > 0 || test_case.flux.divergence_free != DivergenceFree::none) continue;
    SCOPED_TRACE(test_case.name);
    constexpr int n = 4096;
    DynamicsFixture<double> fixture(test_case, n, 5);
    make_gentle(fixture, 0.3);
    std::mt19937_64 engine(6);
    std::uniform_real_distribution<double> uniform(0, 1);
    const int n_uniforms = fixture.dynamics.density().uniforms_per_sample();
    std::vector<double> uniforms(static_cast<std::size_t>(n_uniforms * n));
    for (double& value : uniforms) value = uniform(engine);
    for (double& tau : fixture.tau) tau = 0.7;
    const density::Points<double> points = fixture.points();
    fixture.dynamics.evaluate_at_samples(ExecutionSpace(), fixture.parameter_vector(), points,
                                         to_matrix<double>(uniforms, n_uniforms), fixture.motion);
    const auto growth = on_host(fixture.motion.growth);
    double sum = 0, squares = 0;
    for (int s = 0; s < n; ++s) sum += growth(s), squares += growth(s) * growth(s);
    const double mean = sum / n, error = std::sqrt(std::max(0.0, squares / n - mean * mean) / n);
    const auto mass = fixture.reference.log_mass(std::vector<Dual<Real>>(extended_duals(fixture.parameters)),
                                                 Dual<Real>(0.7L, 1));
    EXPECT_NEAR(mean, static_cast<double>(mass.dot), 5 * error + 1e-12);
    EXPECT_TRUE(error > 0 || test_case.density.growth_share.value == 0);
  }
}

/// Known answer: locations and scales that do not move and beta = 1: nothing travels, and r = d_t log(M rho).
TEST(Growth, WeightsAloneMoveNothingWithShareOne) {
  for (const std::string share : {"1", "0.3"}) {
    const bool is_whole = share == "1";
    DynamicsCase test_case = growing_cases({1}).front();
    test_case.density.growth_share = density::GrowthShare::parse(share);
    test_case.density.family = density::Family::autoregressive;
    test_case.flux.divergence_free = DivergenceFree::none;
    test_case.diffusion = 0;
    DynamicsFixture<double> fixture(test_case, 16, 8);
    const auto count = static_cast<std::size_t>(test_case.density.n_logistics);
    for (const network::ParameterBlock& block : fixture.dynamics.layout().blocks())
      if (block.name == "mixtures/layer2/degree0/weight")  // outputs: logits, locations, log scales
        for (int column = 0; column < block.columns; ++column)
          for (std::size_t row = count; row < 3 * count; ++row)
            fixture.parameters[static_cast<std::size_t>(block.offset + column * block.rows) + row] = 0;
    fixture.evaluate();
    const auto drift = on_host(fixture.motion.drift);
    const auto growth = on_host(fixture.motion.growth);
    const auto log_rho = make_vector<double>("log rho", fixture.n),
               tau_bar = make_vector<double>("rate", fixture.n);
    const auto score = make_matrix<double>("score", 1, fixture.n);
    fixture.dynamics.density().log_density_score(ExecutionSpace(), fixture.parameter_vector(),
                                                 fixture.points(), log_rho, tau_bar, score);
    const auto rate = on_host(tau_bar);
    double largest = 0;
    for (int s = 0; s < fixture.n; ++s) {
      const auto mass =
          fixture.reference.log_mass(extended_duals(fixture.parameters), Dual<Real>(fixture.tau_of(s), 1));
      largest = std::max(largest, std::fabs(drift(0, s)));
      if (is_whole) {
        EXPECT_NEAR(growth(s), rate(s) + static_cast<double>(mass.dot), 1e-12);
      }
    }
    if (is_whole)
      EXPECT_LT(largest, 1e-14);
    else
      EXPECT_GT(largest, 1e-3);
  }
}

/// A sample of one product is next to none of another that is far away, whose velocity there is beyond every number.
TEST(Growth, PullOnTheShareIsFiniteFarFromAProduct) {
  std::vector<DynamicsCase> cases = growing_cases({1});
  const auto found = std::find_if(cases.begin(), cases.end(), [](const DynamicsCase& one) {
    return one.density.family == density::Family::factorised;
  });
  ASSERT_NE(found, cases.end());
  found->density.growth_share = density::GrowthShare::parse("learned");
  double size = 0;
  for (const unsigned seed : {1U, 2U, 3U, 4U}) {
    DynamicsFixture<float> fixture(*found, 64, seed);
    for (const network::ParameterBlock& block : fixture.dynamics.layout().blocks())
      if (block.name.find("/layer2/") != std::string::npos && block.name.find("bias") != std::string::npos)
        for (int k = 0; k < block.size(); ++k)  // the scales too, so that clouds are narrow
          fixture.parameters[static_cast<std::size_t>(block.offset + k)] *= 30;
    for (int s = 0; s < fixture.n; ++s) fixture.x[static_cast<std::size_t>(s)] = s - 32;
    fixture.evaluate();
    const auto ones = make_matrix<float>("energy", 1, fixture.n);
    Kokkos::deep_copy(ones, 1.0F);
    const auto bar = make_vector<float>("parameters bar", fixture.dynamics.layout().size());
    const auto x_bar = make_matrix<float>("x bar", 1, fixture.n),
               zero = make_matrix<float>("zero", 1, fixture.n);
    const auto none = make_vector<float>("none", fixture.n);
    fixture.dynamics.adjoint(ExecutionSpace(), fixture.parameter_vector(), fixture.points(), fixture.motion,
                             {zero, none, none, none, ones}, StateKind::fixed, bar, x_bar);
    const auto gradient = on_host(bar);
    for (std::size_t k = 0; k < gradient.extent(0); ++k) size += std::fabs(gradient(k));
    EXPECT_TRUE(std::isfinite(size)) << "seed " << seed;
  }
  EXPECT_GT(size, 0);
}

TEST(Growth, RefusesWhatHasNoShare) {
  density::Config config = growing_density_cases({2}, {"1"}).front().config;
  Config flux;
  flux.kind = Kind::sigmoid;
  EXPECT_THROW(Dynamics<double>(config, flux, 2, {4}), Error);
  config.weights = density::MixtureWeights::time_constant;
  EXPECT_THROW(config.validate(), Error);
  config = density::Config();
  config.growth_share = density::GrowthShare::parse("0.5");
  EXPECT_THROW(config.validate(), Error);
  for (const char* text : {"-0.1", "1.1", "nan", "some", ""})
    EXPECT_THROW(density::GrowthShare::parse(text), Error) << text;
  EXPECT_TRUE(density::GrowthShare::parse("learned").is_learned);
}

}  // namespace
}  // namespace rhoflux::flux
