#include "rhoflux/metrics/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace rhoflux::metrics {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(KolmogorovSmirnov, OfKnownLevels) {
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov(std::vector<double>{0.5}), 0.5);
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov(std::vector<double>{0.2}), 0.8);
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov(std::vector<double>{0.0, 0.0, 0.0, 0.0}), 2.0);
  // Levels (k + 1/2) / n are as even as levels can be: D_n = 1 / (2 n).
  std::vector<double> even;
  for (int k = 0; k < 100; ++k) even.push_back((k * 37 % 100 + 0.5) / 100);
  EXPECT_NEAR(kolmogorov_smirnov(even), 10 * 0.005, 1e-12);
  EXPECT_EQ(kolmogorov_smirnov(std::vector<double>()), 0.0);
}

TEST(KolmogorovSmirnov, TakesTheWorstColumn) {
  const std::vector<double> levels = {0.5, 0.9, 0.25, 0.9, 0.75, 0.9};
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov(levels, 2), std::sqrt(3.0) * 0.9);
}

TEST(KolmogorovSmirnov, OfWhatIsNotANumberIsInfinite) {
  EXPECT_EQ(kolmogorov_smirnov(std::vector<double>{0.5, nan, 0.1}), infinity);
  EXPECT_EQ(kolmogorov_smirnov({0.5, 0.5, 0.5, nan}, 2), infinity);
}

/// Weights that are whole numbers are copies, of which n_eff is fewer.
TEST(KolmogorovSmirnov, OfWeightsIsThatOfCopies) {
  const std::vector<double> levels = {0.2, 0.9, 0.25, 0.8, 0.75, 0.1}, weight = {1, 2, 3};
  const std::vector<double> copies = {0.2, 0.9, 0.25, 0.8, 0.25, 0.8, 0.75, 0.1, 0.75, 0.1, 0.75, 0.1};
  const double n_eff = 36.0 / 14;
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov(levels, weight, 2),
                   kolmogorov_smirnov(copies, 2) * std::sqrt(n_eff / 6));
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov(levels, {0.5, 0.5, 0.5}, 2), kolmogorov_smirnov(levels, 2));
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov({0.2, nan, 0.6}, {1, 0, 1}, 1),
                   kolmogorov_smirnov(std::vector<double>{0.2, 0.6}));
  EXPECT_EQ(kolmogorov_smirnov({0.2, nan, 0.6}, {1, 1, 1}, 1), infinity);
  for (const double scale : {1e-300, 1e300})
    EXPECT_DOUBLE_EQ(kolmogorov_smirnov(levels, {scale, 2 * scale, 3 * scale}, 2),
                     kolmogorov_smirnov(levels, weight, 2));
  EXPECT_EQ(kolmogorov_smirnov({0.2}, {0}, 1), 0);
}

/// 400 sets of 500 uniform levels with weights in 0.5 .. 1.5 exceed the bound of p = 0.1 about as often as those without.
TEST(KolmogorovSmirnov, BoundHoldsForWeights) {
  std::mt19937 engine(2);
  std::uniform_real_distribution<double> uniform;
  int beyond = 0;
  for (int set = 0; set < 400; ++set) {
    std::vector<double> levels(500), weight(500);
    for (double& level : levels) level = uniform(engine);
    for (double& w : weight) w = 0.5 + uniform(engine);
    beyond += kolmogorov_smirnov(levels, weight, 1) > kolmogorov_smirnov_bound(0.1) ? 1 : 0;
  }
  EXPECT_NEAR(beyond, 40, 4 * 6);
}

/// P(K > x) by the series is p at the bound.
TEST(KolmogorovSmirnov, BoundSolvesTheAsymptoticDistribution) {
  for (const double p : {1e-2, 1e-4, 1e-6}) {
    const double x = kolmogorov_smirnov_bound(p);
    double tail = 0;
    for (int k = 1; k < 20; ++k) tail += 2 * (k % 2 == 1 ? 1 : -1) * std::exp(-2.0 * k * k * x * x);
    EXPECT_NEAR(tail, p, 1e-5 * p);
  }
}

/// 400 sets of 500 uniform levels exceed the bound of p = 0.1 in 40 of 400 cases, with a standard deviation of 6.
TEST(KolmogorovSmirnov, BoundIsExceededAsOftenAsItSays) {
  std::mt19937 engine(1);
  std::uniform_real_distribution<double> uniform;
  int beyond = 0;
  for (int set = 0; set < 400; ++set) {
    std::vector<double> levels(500);
    for (double& level : levels) level = uniform(engine);
    beyond += kolmogorov_smirnov(levels) > kolmogorov_smirnov_bound(0.1) ? 1 : 0;
  }
  EXPECT_NEAR(beyond, 40, 4 * 6);
}

TEST(Thinned, TakesRowsEvenly) {
  std::vector<double> x;
  for (int row = 0; row < 10; ++row) x.insert(x.end(), {1.0 * row, -1.0 * row});
  EXPECT_EQ(thinned(x, 2, 5), (std::vector<double>{0, 0, 2, -2, 4, -4, 6, -6, 8, -8}));
  EXPECT_EQ(thinned(x, 2, 3), (std::vector<double>{0, 0, 3, -3, 6, -6}));
  EXPECT_EQ(thinned(x, 2, 10), x);
  EXPECT_TRUE(thinned(x, 2, 0).empty());
}

/// Copies of a row are its share of the weights to less than one; a row of weight 0 never comes.
TEST(ThinnedByWeight, TakesRowsAsOftenAsTheirWeightSays) {
  const std::vector<double> x = {0, 0, 1, -1, 2, -2, 3, -3}, weight = {2, 0, 1, 1};
  EXPECT_EQ(thinned_by_weight(x, weight, 2, 4), (std::vector<double>{0, 0, 0, 0, 2, -2, 3, -3}));
  EXPECT_EQ(thinned_by_weight(x, weight, 2, 2), (std::vector<double>{0, 0, 3, -3}));
  EXPECT_TRUE(thinned_by_weight(x, weight, 2, 0).empty());
  std::mt19937 engine(3);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> rows, weights;
  double total = 0;
  for (int row = 0; row < 50; ++row) {
    rows.push_back(row);
    weights.push_back(row % 7 == 0 ? 0 : std::pow(uniform(engine), 4));
    total += weights.back();
  }
  for (const std::size_t keep : {1u, 7u, 50u, 1000u}) {
    const std::vector<double> kept = thinned_by_weight(rows, weights, 1, keep);
    ASSERT_EQ(kept.size(), keep);
    for (std::size_t row = 0; row < 50; ++row) {
      const auto copies = static_cast<double>(std::count(kept.begin(), kept.end(), rows[row]));
      EXPECT_LT(std::abs(copies - static_cast<double>(keep) * weights[row] / total), 1 + 1e-9) << row;
      if (weights[row] == 0) {
        EXPECT_EQ(copies, 0);
      }
    }
  }
}

TEST(Deviations, AreThoseOfTheirDefinition) {
  Deviations deviations;
  for (const std::vector<double>& set :
       {std::vector<double>{1, 1e9, 2}, {2, 1e9 + 1, 2}, {6, 1e9 + 2, std::nan("")}})
    deviations.add(set);
  const std::vector<double> found = deviations.standard();
  EXPECT_NEAR(found[0], std::sqrt(7.0), 1e-15);  // mean 3, squares 4 + 1 + 9, over 2
  EXPECT_NEAR(found[1], 1, 1e-6);                // numbers with an error of 1e-7
  EXPECT_TRUE(std::isnan(found[2]));
}

TEST(SquaredDistance, AddsUpInPieces) {
  const std::vector<double> a = {1, 2, 3, 4}, b = {2, 4, 3, 0.1};
  double whole = 0, pieces = 0;
  add_squared_distance(a.data(), b.data(), 4, whole);
  add_squared_distance(a.data(), b.data(), 2, pieces);
  EXPECT_EQ(pieces, 5);
  add_squared_distance(a.data() + 2, b.data() + 2, 2, pieces);
  EXPECT_EQ(whole, pieces);
  EXPECT_DOUBLE_EQ(whole, 5 + 3.9 * 3.9);
}

TEST(MeanOfIndependent, HasItsStandardError) {
  const Estimate found = mean_of_independent({1, 2, 3, 6});
  EXPECT_DOUBLE_EQ(found.mean, 3);
  EXPECT_DOUBLE_EQ(found.error, std::sqrt((4 + 1 + 0 + 9) / 4.0 / 3.0));
  EXPECT_EQ(mean_of_independent({2, 2}).error, 0);
}

TEST(CentralInterval, LeavesAShareAtEachEnd) {
  std::vector<double> values;
  for (int k = 0; k < 1000; ++k) values.push_back(k * 7 % 1000);
  EXPECT_EQ(central_interval(values, 0.01).low, 10);
  EXPECT_EQ(central_interval(values, 0.01).high, 989);
  EXPECT_EQ(central_interval(values, 0).low, 0);
  EXPECT_EQ(central_interval(values, 0).high, 999);
  EXPECT_EQ(central_interval({5}, 0.3).low, 5);
}

}  // namespace
}  // namespace rhoflux::metrics
