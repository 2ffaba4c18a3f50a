#include "rhoflux/inference/weighted_particles.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "rhoflux/metrics/statistics.hpp"
#include "support/errors.hpp"

namespace rhoflux::inference {
namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> uniforms(std::size_t n, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> values(n);
  for (double& value : values) value = uniform(random);
  return values;
}

std::vector<std::int64_t> one_each(std::size_t n) {
  std::vector<std::int64_t> family(n);
  std::iota(family.begin(), family.end(), std::int64_t{0});
  return family;
}

TEST(Resample, EachComesAsOftenAsItsWeightToLessThanOne) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  constexpr std::size_t n = 50;
  std::vector<double> log_weight(n), weight(n), counts(n, 0.0);
  double total = 0, at_start = 0;
  for (std::size_t s = 0; s < n; ++s) {
    log_weight[s] = s % 7 == 3 ? nan : normal(random);
    weight[s] = s % 5 == 0 ? 0.0 : 1.0 + static_cast<double>(s % 3);
    if (std::isnan(log_weight[s])) continue;
    total += weight[s] * std::exp(log_weight[s]);
    at_start += weight[s];
  }
  constexpr int n_trials = 2000;
  for (int trial = 0; trial < n_trials; ++trial) {
    const Resampling found = resample(log_weight, weight, (trial + 0.5) / n_trials);
    ASSERT_EQ(found.ancestor.size(), n);
    EXPECT_TRUE(std::is_sorted(found.ancestor.begin(), found.ancestor.end()));
    EXPECT_NEAR(found.log_mean_weight, std::log(total / at_start), 1e-13);
    std::vector<double> count(n, 0.0);
    for (const std::int64_t ancestor : found.ancestor) count[static_cast<std::size_t>(ancestor)] += 1;
    for (std::size_t s = 0; s < n; ++s) {
      const double expected = std::isnan(log_weight[s])
                                  ? 0.0
                                  : static_cast<double>(n) * weight[s] * std::exp(log_weight[s]) / total;
      EXPECT_LT(std::fabs(count[s] - expected), 1 + 1e-12);
      counts[s] += count[s] / n_trials;
    }
  }
  // Over all U the mean number is exact; the midpoint rule in U is wrong by one count in one trial at most, at each end.
  for (std::size_t s = 0; s < n; ++s)
    EXPECT_NEAR(counts[s], std::isnan(log_weight[s]) ? 0.0 : n * weight[s] * std::exp(log_weight[s]) / total,
                2.0 / n_trials);
}

TEST(Resample, EqualWeightsKeepAllAndTheLastPlaceIsTaken) {
  const std::vector<double> log_weight(7, 800.0), weight(7, 2.0);  // exp(800) is beyond the numbers
  for (const double uniform : {1e-12, 0.5, 1 - 1e-12}) {
    const Resampling found = resample(log_weight, weight, uniform);
    EXPECT_EQ(found.ancestor, one_each(7));
    EXPECT_DOUBLE_EQ(found.log_mean_weight, 800);
  }
  EXPECT_EQ(resample({0, 0, nan}, {1, 1, 1}, 1 - 1e-16).ancestor, (std::vector<std::int64_t>{0, 1, 1}));
  test::expect_error(ExitCode::numerical_failure, {"none of the 2 particles"}, [] {
    resample({nan, 0}, {1, 0}, 0.5);
  });
}

TEST(Resample, UniformsBelongToTheSeedAndTheFrame) {
  EXPECT_EQ(resampling_uniform(1, 3), resampling_uniform(1, 3));
  EXPECT_NE(resampling_uniform(1, 3), resampling_uniform(2, 3));
  EXPECT_NE(resampling_uniform(1, 3), resampling_uniform(1, 4));
}

/// Many copies of one particle say no more than it alone, and a factor of all weights says nothing.
TEST(FamilyKs, CopiesCountOnce) {
  std::mt19937_64 random(4);
  const std::vector<double> levels = uniforms(200, random);
  std::vector<double> copied, weights = uniforms(100, random), copied_weights;
  std::vector<std::int64_t> family;
  for (std::size_t s = 0; s < 100; ++s)
    for (std::size_t copy = 0; copy <= s % 4; ++copy) {
      copied.insert(copied.end(), {levels[2 * s], levels[2 * s + 1]});
      copied_weights.push_back(3 * weights[s] / static_cast<double>(s % 4 + 1));
      family.push_back(static_cast<std::int64_t>(s));
    }
  const double alone = family_ks(levels, {weights, one_each(100)}, 2);
  EXPECT_NEAR(family_ks(copied, {copied_weights, family}, 2), alone, 1e-12 * alone);
  EXPECT_NEAR(effective_number({copied_weights, family}), effective_number({weights, one_each(100)}), 1e-10);
  EXPECT_EQ(effective_number({{1, 1, 2}, {0, 0, 1}}), 2);
  copied[0] = nan;
  EXPECT_EQ(family_ks(copied, {copied_weights, family}, 2), std::numeric_limits<double>::infinity());
}

/// Weights that do not depend on the levels: the number of Kish, of which the largest variance over the levels differs by
/// some n^(-1/2) of itself.
TEST(FamilyKs, AgreesWithTheNumberOfKish) {
  std::mt19937_64 random(5);
  constexpr std::size_t n = 20000;
  const std::vector<double> levels = uniforms(n, random);
  for (const bool equal : {true, false}) {
    std::vector<double> weights = equal ? std::vector<double>(n, 1.0) : uniforms(n, random);
    const double kish = metrics::kolmogorov_smirnov(levels, weights, 1);
    EXPECT_NEAR(family_ks(levels, {weights, one_each(n)}, 1), kish, 5 / std::sqrt(n) * kish);
  }
}

/// A level below 0.2 has a chance of 0.02 and the weight 10: the statistic exceeds the bound of 5 % in no more cases, up to
/// five standard deviations of their number; with the number of Kish it would in every tenth.
TEST(FamilyKs, ChanceExceedsTheBoundAsOftenAsItSays) {
  std::mt19937_64 random(6);
  constexpr std::size_t n = 1000, n_trials = 1000;
  const double bound = metrics::kolmogorov_smirnov_bound(0.05);
  double exceeded = 0, exceeded_kish = 0;
  for (std::size_t trial = 0; trial < n_trials; ++trial) {
    const std::vector<double> side = uniforms(n, random), place = uniforms(n, random);
    std::vector<double> levels(n), weights(n);
    for (std::size_t s = 0; s < n; ++s) {
      const bool rare = side[s] < 0.02;
      levels[s] = rare ? 0.2 * place[s] : 0.2 + 0.8 * place[s];
      weights[s] = rare ? 10.0 : 0.8 / 0.98;
    }
    exceeded += family_ks(levels, {weights, one_each(n)}, 1) > bound ? 1 : 0;
    exceeded_kish += metrics::kolmogorov_smirnov(levels, weights, 1) > bound ? 1 : 0;
  }
  const double most = n_trials * 0.05 + 5 * std::sqrt(n_trials * 0.05 * 0.95);
  EXPECT_LT(exceeded, most);
  EXPECT_GT(exceeded_kish, most);
}

TEST(EffectiveNumber, SaysWhetherFewCarryTheWeight) {
  EXPECT_DOUBLE_EQ(effective_number(std::vector<double>{2, 2, 0, 2}), 3);
  EXPECT_TRUE(is_degenerate(99, 1000));
  EXPECT_FALSE(is_degenerate(101, 1000));
  EXPECT_TRUE(is_degenerate(49, 100));
  EXPECT_FALSE(is_degenerate(51, 100));
  EXPECT_FALSE(is_degenerate(9, 10));  // few particles, but all of them count
  EXPECT_FALSE(is_degenerate(1, 1));
}

TEST(RelativeMass, IsARatioWithItsError) {
  const Ratio found = relative_mass({1, 2, 1}, {{3, 1, 2}, {0, 0, 1}});
  EXPECT_DOUBLE_EQ(found.value, 6.0 / 4);
  EXPECT_DOUBLE_EQ(found.error, std::sqrt(2.5 * 2.5 + 1 + 1.5 * 1.5) / 4);
  // A single draw has no error, nor has one among rows of weight 0.
  for (const std::vector<double>& start : {std::vector<double>{2}, {0, 2, 0}}) {
    const Ratio single = relative_mass(start, {{3}, {static_cast<std::int64_t>(start.size()) / 2}});
    EXPECT_DOUBLE_EQ(single.value, 1.5);
    EXPECT_TRUE(std::isnan(single.error));
  }
}

}  // namespace
}  // namespace rhoflux::inference
