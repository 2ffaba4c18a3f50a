#include "rhoflux/inference/fate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "support/errors.hpp"

namespace rhoflux::inference {
namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();

Units units_of(std::vector<double> scale) {
  Units units = Units::identity(static_cast<int>(scale.size()));
  units.scale = std::move(scale);
  return units;
}

TEST(LabelVote, AgreesWithAllDistances) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  const Units units = units_of({1.0, 10.0, 0.1});
  LabelledRows rows;
  for (int i = 0; i < 500; ++i) {
    for (int k = 0; k < 3; ++k) rows.x.push_back(units.scale[static_cast<std::size_t>(k)] * normal(random));
    rows.weight.push_back(i % 5 == 0 ? 0.0 : 1.0 + i % 3);
    rows.code.push_back(static_cast<std::int32_t>(random() % 3));
  }
  const LabelVote vote(units, rows, 15);
  for (int trial = 0; trial < 200; ++trial) {
    const double x[3] = {normal(random), 10 * normal(random), 0.1 * normal(random)};
    std::vector<std::pair<double, std::size_t>> distances;
    for (std::size_t row = 0; row < rows.code.size(); ++row) {
      if (rows.weight[row] == 0) continue;
      double square = 0;
      for (std::size_t k = 0; k < 3; ++k)
        square += std::pow((rows.x[3 * row + k] - x[k]) / units.scale[k], 2);
      distances.emplace_back(square, row);
    }
    std::sort(distances.begin(), distances.end());
    double weight[3] = {0, 0, 0};
    for (std::size_t k = 0; k < 15; ++k)
      weight[rows.code[distances[k].second]] += rows.weight[distances[k].second];
    const double most = *std::max_element(weight, weight + 3);
    std::int32_t expected = -1;
    for (std::size_t k = 0; k < 15 && expected < 0; ++k)
      if (weight[rows.code[distances[k].second]] == most) expected = rows.code[distances[k].second];
    EXPECT_EQ(vote.label_of(x), expected);
  }
}

TEST(LabelVote, FewRowsAllVote) {
  const Units units = units_of({1.0});
  EXPECT_EQ(
      LabelVote(units, {{0, 1, 2}, {1, 1, 1}, {4, 7, 7}}, 15).label_of(std::vector<double>{-5.0}.data()), 7);
  EXPECT_EQ(LabelVote(units, {{0, 1, 2}, {3, 1, 1}, {4, 7, 7}}, 15).label_of(std::vector<double>{9.0}.data()),
            4);
  // Equal weights: the nearest.
  EXPECT_EQ(LabelVote(units, {{0, 1}, {1, 1}, {4, 2}}, 15).label_of(std::vector<double>{0.4}.data()), 4);
  EXPECT_EQ(LabelVote(units, {{0, 1}, {1, 1}, {4, 2}}, 15).label_of(std::vector<double>{0.6}.data()), 2);
  test::expect_error(ExitCode::bad_input, {"no labelled rows"}, [&] {
    LabelVote(units, {{0}, {0}, {1}}, 15);
  });
}

TEST(Fates, SharesAndTheirErrors) {
  // Ten paths each, all of the weight one; of the last two numbers the first counts the failed ones.
  const Fates fates = fates_of({2, 10, {4, 6, 4, 6, 0, 0, 0, 5, 0, 5, 5, 0, 0, 0, 0, 0, 10, 0}});
  EXPECT_EQ(fates.n_failed, 15);
  EXPECT_DOUBLE_EQ(fates.probability[0], 0.4);
  EXPECT_DOUBLE_EQ(fates.error[0], std::sqrt(0.4 * 0.6 / 10));
  EXPECT_DOUBLE_EQ(fates.probability[3], 1.0);
  EXPECT_EQ(fates.error[3], 0.0);
  EXPECT_TRUE(std::isnan(fates.probability[4]));
  EXPECT_EQ(fates.growth_factor[0], 1);
  EXPECT_EQ(fates.growth_factor_error[0], 0);
}

TEST(Transition, WeightedMeansOfTheParticlesOfALabel) {
  Fates fates;
  fates.n_labels = 2;
  fates.probability = {1, 0, 0.5, 0.5, 0.2, 0.8, nan, nan, 0, 1};
  fates.error.assign(10, 0.0);
  const Transition found = transition_of(fates, {0, 0, 1, 0, 0}, {1, 3, 1, 1, 0}, 3);
  EXPECT_EQ(found.count, (std::vector<std::int64_t>{2, 1, 0}));
  EXPECT_DOUBLE_EQ(found.probability[0], (1 + 3 * 0.5) / 4);
  EXPECT_DOUBLE_EQ(found.probability[1], 3 * 0.5 / 4);
  EXPECT_DOUBLE_EQ(found.probability[2], 0.2);
  EXPECT_TRUE(std::isnan(found.probability[4]));
  EXPECT_DOUBLE_EQ(found.effective_count[0], 16.0 / 10);
  EXPECT_DOUBLE_EQ(found.effective_count[1], 1);
  EXPECT_TRUE(std::isnan(found.effective_count[2]));
  // sum w^2 (p - mean)^2 n / (n - 1) / (sum w)^2
  const double mean = 0.625;
  EXPECT_DOUBLE_EQ(found.error[0], std::sqrt(2 * (std::pow(1 - mean, 2) + 9 * std::pow(0.5 - mean, 2)) / 16));
  EXPECT_TRUE(std::isnan(found.error[2]));
  fates.growth_factor = {2, 4, 5, nan, 7};
  const std::vector<double> factors = label_growth_factors(fates, {0, 0, 1, 0, 0}, {1, 3, 1, 1, 0}, 3);
  EXPECT_DOUBLE_EQ(factors[0], (2 + 3 * 4) / 4.0);
  EXPECT_DOUBLE_EQ(factors[1], 5);
  EXPECT_TRUE(std::isnan(factors[2]));
  const std::vector<std::string> lines = to_text(found, {"stem", "blood", "none"}, {"a", "b"});
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[1].find("0.6250 +- "), std::string::npos) << lines[1];
  EXPECT_EQ(lines[2].find("+-"), std::string::npos) << lines[2];
}

/// The mean over many particles with few paths each covers the truth within its standard error.
TEST(Transition, ErrorHoldsThatOfThePaths) {
  std::mt19937_64 random(11);
  constexpr int n_trials = 400, n_particles = 50, copies = 4;
  int covered = 0;
  for (int trial = 0; trial < n_trials; ++trial) {
    PathEnds counts{2, copies, {}};
    for (int particle = 0; particle < n_particles; ++particle) {
      const double p = particle % 2 == 0 ? 0.9 : 0.3;
      const double ends = std::binomial_distribution<int>(copies, p)(random);
      counts.numbers.insert(counts.numbers.end(), {ends, copies - ends, ends, copies - ends, 0.0, 0.0});
    }
    const Transition found = transition_of(fates_of(counts), std::vector<std::int32_t>(n_particles, 0),
                                           std::vector<double>(n_particles, 1.0), 1);
    covered += std::fabs(found.probability[0] - 0.6) < 2 * found.error[0] ? 1 : 0;
  }
  // At least 95 %, less five standard deviations of the count.
  EXPECT_GT(covered, 0.95 * n_trials - 5 * std::sqrt(n_trials * 0.05 * 0.95));
}

}  // namespace
}  // namespace rhoflux::inference
