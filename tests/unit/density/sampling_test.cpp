#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/backend.hpp"
#include "unit/density/reference_density.hpp"

namespace rhoflux::density {
namespace {

using namespace test;

/// Uniforms of the samples [begin, end): a function of the sample's number alone.
std::vector<double> uniforms_of(int begin, int end, int per_sample, std::uint64_t seed) {
  const RandomStream stream(seed, RandomPurpose::sampling, 0);
  std::vector<double> values;
  for (int s = begin; s < end; ++s)
    for (int k = 0; k < per_sample; ++k) {
      const auto pair = stream.uniforms(static_cast<std::uint64_t>(s), static_cast<std::uint32_t>(k / 2));
      values.push_back(k % 2 == 0 ? pair.first : pair.second);
    }
  return values;
}

/// Draws `count` samples in chunks and gives the states (count, n_dims) in C order.
template <class Scalar>
std::vector<double> draw_samples(const DensityFixture<Scalar>& fixture, const std::vector<double>& tau,
                                 int chunk, std::uint64_t seed) {
  const int per_sample = fixture.density->uniforms_per_sample(), count = static_cast<int>(tau.size());
  const auto parameters = fixture.parameter_vector();
  std::vector<double> states;
  for (int begin = 0; begin < count; begin += chunk) {
    const int end = std::min(count, begin + chunk);
    const Points<Scalar> points{to_vector<Scalar>({tau.begin() + begin, tau.begin() + end}),
                                make_matrix<Scalar>("x", fixture.n_dims, end - begin),
                                equal_conditions<Scalar>(fixture.n_conditions, end - begin)};
    Kokkos::deep_copy(points.x, std::numeric_limits<Scalar>::quiet_NaN());
    fixture.density->sample(ExecutionSpace(), parameters, points,
                            to_matrix<double>(uniforms_of(begin, end, per_sample, seed), per_sample));
    const auto x = on_host(points.x);
    for (int s = 0; s < end - begin; ++s)
      for (int i = 0; i < fixture.n_dims; ++i) states.push_back(static_cast<double>(x(i, s)));
  }
  return states;
}

std::vector<double> even_times(int count) {
  std::vector<double> tau;
  for (int s = 0; s < count; ++s) tau.push_back((s + 0.5) / count);
  return tau;
}

/// P(sup |F_n - F| > distance), Kolmogorov's limit with Stephens' correction for finite n.
double kolmogorov_p(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto rank = static_cast<double>(k);
    distance = std::max({distance, values[k] - rank / count, (rank + 1) / count - values[k]});
  }
  const double lambda = (std::sqrt(count) + 0.12 + 0.11 / std::sqrt(count)) * distance;
  if (lambda < 0.3) return 1;
  double p = 0;
  for (int k = 1; k <= 100; ++k) p += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * lambda * lambda);
  return p;
}

TEST(KolmogorovP, KnowsItsTable) {
  // 1.36 / sqrt(n) is the 5 % point of the limit; even numbers have the least distance, skewed ones a large
  // one.
  constexpr int count = 10000;
  std::vector<double> even = even_times(count), skewed = even, shifted = even;
  for (double& value : skewed) value = value * value;
  for (double& value : shifted) value = std::min(1.0, value + 0.0136);
  EXPECT_GT(kolmogorov_p(even), 0.999);
  EXPECT_LT(kolmogorov_p(skewed), 1e-12);
  EXPECT_NEAR(kolmogorov_p(shifted), 0.05, 0.003);
}

/// F_i(x_i | x_1..x_{i-1}) of exact draws are uniform and independent of each other. 32 tests at p > 1e-4
/// with fixed seeds, for each density; a wrong mixture weight of 3 % would already show with 20000 samples.
template <class Scalar>
void check_distribution(const DensityCase& test_case, double& least) {
  SCOPED_TRACE(test_case.name);
  constexpr int count = 20000, chunk = default_chunk_size;
  const DensityFixture<Scalar> fixture(test_case, chunk, 1);
  const int n_dims = test_case.n_dims;
  const auto tau = even_times(count);
  const auto states = draw_samples(fixture, tau, chunk, 2);
  const auto parameters = fixture.parameter_vector();
  std::vector<std::vector<double>> levels(static_cast<std::size_t>(n_dims));
  for (int begin = 0; begin < count; begin += chunk) {
    const int end = std::min(count, begin + chunk);
    const Points<Scalar> points{
        to_vector<Scalar>({tau.begin() + begin, tau.begin() + end}),
        to_matrix<Scalar>({states.begin() + begin * n_dims, states.begin() + end * n_dims}, n_dims),
        equal_conditions<Scalar>(fixture.n_conditions, end - begin)};
    const auto below = make_matrix<Scalar>("below", n_dims, end - begin),
               above = make_matrix<Scalar>("above", n_dims, end - begin);
    fixture.density->log_conditional_cdf(ExecutionSpace(), parameters, points, below, above);
    const auto host = on_host(below);
    for (int s = 0; s < end - begin; ++s)
      for (int i = 0; i < n_dims; ++i)
        levels[static_cast<std::size_t>(i)].push_back(std::exp(static_cast<double>(host(i, s))));
  }
  for (int i = 0; i < n_dims; ++i) {
    const auto& level = levels[static_cast<std::size_t>(i)];
    const double p = kolmogorov_p(level);
    EXPECT_GT(p, 1e-4) << "x_" << i + 1;
    least = std::min(least, p);
    // Correlation of two independent uniforms: standard error 1 / sqrt(n), with the next level and with time.
    double with_next = 0, with_time = 0;
    for (std::size_t s = 0; s < level.size(); ++s) {
      const double next = levels[static_cast<std::size_t>((i + 1) % n_dims)][s];
      with_next += 12 * (level[s] - 0.5) * (next - 0.5) / count;
      with_time += 12 * (level[s] - 0.5) * (tau[s] - 0.5) / count;
    }
    if (n_dims > 1) {
      EXPECT_LT(std::fabs(with_next), 5 / std::sqrt(double(count))) << "x_" << i + 1;
    }
    EXPECT_LT(std::fabs(with_time), 5 / std::sqrt(double(count))) << "x_" << i + 1;
  }
}

/// The densities of density_cases, and the means of three of them.
std::vector<DensityCase> cases_and_ensembles() {
  std::vector<DensityCase> cases = density_cases({1, 2, 5});
  for (DensityCase ensemble : density_cases({2})) {
    ensemble.config.n_members = 3;
    ensemble.name += ", ensemble";
    cases.push_back(ensemble);
  }
  return cases;
}

TEST(Sampling, ConditionalLevelsAreUniformInDouble) {
  double least = 1;
  for (const DensityCase& test_case : cases_and_ensembles()) check_distribution<double>(test_case, least);
  RecordProperty("min_p", std::to_string(least));
}

TEST(Sampling, ConditionalLevelsAreUniformInFloat) {
  double least = 1;
  for (const DensityCase& test_case : cases_and_ensembles()) check_distribution<float>(test_case, least);
  RecordProperty("min_p", std::to_string(least));
}

/// With one logistic a conditional (and one product) the second uniform of a pair is the conditional level
/// itself. Error of the level: at most 1/4 of that of z.
TEST(Sampling, OfSingleLogisticsInvertsTheConditionalCdfs) {
  for (DensityCase test_case : density_cases({1, 2, 5})) {
    SCOPED_TRACE(test_case.name);
    test_case.config.n_logistics = 1;
    test_case.config.n_products = 1;
    const bool factorised = test_case.config.family == Family::factorised;
    DensityFixture<double> fixture(test_case, 50, 3);
    fixture.tau = even_times(fixture.n);
    fixture.x = draw_samples(fixture, fixture.tau, 50, 4);
    const int per_sample = fixture.density->uniforms_per_sample();
    EXPECT_EQ(per_sample, 2 * test_case.n_dims + (factorised ? 1 : 0));
    const auto uniforms = uniforms_of(0, fixture.n, per_sample, 4);
    std::vector<Real> below, above;
    for (int s = 0; s < fixture.n; ++s) {
      const auto x = fixture.x_of(s);
      fixture.reference.conditional_cdf(extended(fixture.parameters), fixture.tau_of(s), x.data(), below,
                                        above);
      for (int i = 0; i < test_case.n_dims; ++i) {
        const int slot = s * per_sample + (factorised ? 1 : 0) + 2 * i + 1;
        EXPECT_NEAR(below[static_cast<std::size_t>(i)], uniforms[static_cast<std::size_t>(slot)],
                    fixture.error_bound(s));
      }
    }
  }
}

/// A product of the factorised family is chosen with its weight gamma: far apart, they can be told.
TEST(Sampling, ComponentsAreChosenByTheirWeights) {
  DensityCase test_case = density_case(Family::factorised, MixtureWeights::time_constant, 2);
  test_case.config.n_logistics = 1;
  DensityFixture<double> fixture(test_case, 64, 5);
  const auto dims = static_cast<std::size_t>(test_case.n_dims);
  for (const network::ParameterBlock& block : fixture.density->layout().blocks())
    if (block.name == "mixtures/layer2/degree0/bias")
      for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t i = 0; i < dims; ++i)  // heads of (location, log scale)
          fixture.parameters[static_cast<std::size_t>(block.offset) + 2 * (k * dims + i)] =
              1000 * static_cast<double>(k);
  constexpr int count = 20000;
  const auto states = draw_samples(fixture, even_times(count), 64, 6);
  std::vector<int> chosen(4, 0);
  for (std::size_t s = 0; s < count; ++s) {
    const double first = std::round(states[s * dims] / 1000),
                 second = std::round(states[s * dims + 1] / 1000);
    ASSERT_EQ(first, second) << "the coordinates of a sample come from one product";
    ++chosen[static_cast<std::size_t>(std::clamp(first, 0.0, 3.0))];
  }
  const auto gamma = fixture.reference.component_weights(extended(fixture.parameters), Real(0.5));
  for (std::size_t k = 0; k < 4; ++k) {
    const auto weight = static_cast<double>(gamma[k]);
    EXPECT_NEAR(chosen[k], weight * count, 5 * std::sqrt(weight * (1 - weight) * count));
  }
}

/// A sample depends on its own uniforms and time, not on its chunk: to the rounding of sums whose order may
/// depend on the number of columns, and never by another product. The rounding of one draw moves the later
/// conditionals by about its own size: a bound of 1e-11 for states of order 10.
TEST(Sampling, ChunksDoNotMatter) {
  for (const DensityCase& test_case : cases_and_ensembles()) {
    SCOPED_TRACE(test_case.name);
    const DensityFixture<double> fixture(test_case, 1, 7);
    const auto tau = even_times(500);
    const auto whole = draw_samples(fixture, tau, 128, 8);
    for (const int chunk : {1, 17, 64}) {
      const auto pieces = draw_samples(fixture, tau, chunk, 8);
      ASSERT_EQ(pieces.size(), whole.size());
      for (std::size_t k = 0; k < whole.size(); ++k)
        ASSERT_NEAR(pieces[k], whole[k], 1e-11 * (1 + std::fabs(whole[k]))) << "chunk " << chunk;
    }
    EXPECT_EQ(draw_samples(fixture, tau, 128, 8), whole) << "the same call twice";
  }
}

}  // namespace
}  // namespace rhoflux::density
