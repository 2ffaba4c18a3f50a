#include "rhoflux/metrics/wasserstein.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "support/errors.hpp"

namespace rhoflux::metrics {
namespace {

std::vector<double> random_points(int n, int d, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<double> points(static_cast<std::size_t>(n) * static_cast<std::size_t>(d));
  for (double& value : points) value = static_cast<double>(engine()) / 2147483648.0 - 1.0;
  return points;
}

/// The definition: the best of all n! matchings.
double by_permutations(const std::vector<double>& a, const std::vector<double>& b, int n, int d, int order) {
  std::vector<int> match(static_cast<std::size_t>(n));
  std::iota(match.begin(), match.end(), 0);
  double best = std::numeric_limits<double>::infinity();
  do {
    double sum = 0.0;
    for (int i = 0; i < n; ++i) {
      double square = 0.0;
      for (int k = 0; k < d; ++k) {
        const double step = a[static_cast<std::size_t>(i * d + k)] -
                            b[static_cast<std::size_t>(match[static_cast<std::size_t>(i)] * d + k)];
        square += step * step;
      }
      sum += order == 2 ? square : std::sqrt(square);
    }
    best = std::min(best, sum / n);
  } while (std::next_permutation(match.begin(), match.end()));
  return order == 2 ? std::sqrt(best) : best;
}

TEST(Wasserstein, EqualsTheBestPermutation) {
  for (int n = 1; n <= 6; ++n) {
    for (int d = 1; d <= 3; ++d) {
      for (unsigned seed = 1; seed <= 5; ++seed) {
        const std::vector<double> a = random_points(n, d, seed);
        const std::vector<double> b = random_points(n, d, seed + 100);
        for (const int order : {1, 2}) {
          const double expected = by_permutations(a, b, n, d, order);
          EXPECT_NEAR(wasserstein(a.data(), b.data(), n, d, order), expected, 1e-11 * expected)
              << "n " << n << " d " << d << " seed " << seed << " order " << order;
        }
      }
    }
  }
}

TEST(Wasserstein, EqualsTheSortedFormulaInOneDimension) {
  const int n = 300;
  std::vector<double> a = random_points(n, 1, 1);
  std::vector<double> b = random_points(n, 1, 2);
  for (double& value : b) value = 3.0 * value * value * value + 0.2;
  const Wasserstein found = wasserstein(a.data(), b.data(), n, 1);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double w1 = 0.0;
  double w2 = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    w1 += std::abs(a[i] - b[i]) / n;
    w2 += (a[i] - b[i]) * (a[i] - b[i]) / n;
  }
  EXPECT_NEAR(found.w1, w1, 1e-11 * w1);
  EXPECT_NEAR(found.w2, std::sqrt(w2), 1e-11 * std::sqrt(w2));
}

/// W2 of a set and its translation is the length of the step, whatever the order of the points; so is W1.
TEST(Wasserstein, OfATranslationIsItsLength) {
  const int n = 200;
  const int d = 3;
  const double step[] = {0.3, -0.4, 1.2};
  for (const double scale : {1e-6, 1.0, 1e6}) {
    std::vector<double> a = random_points(n, d, 7);
    for (double& value : a) value *= scale;
    std::vector<double> b(a.size());
    for (int i = 0; i < n; ++i) {
      for (int k = 0; k < d; ++k) {
        b[static_cast<std::size_t>((n - 1 - i) * d + k)] =
            a[static_cast<std::size_t>(i * d + k)] + scale * step[k];
      }
    }
    const Wasserstein found = wasserstein(a.data(), b.data(), n, d);
    EXPECT_NEAR(found.w1 / scale, 1.3, 1e-11);
    EXPECT_NEAR(found.w2 / scale, 1.3, 1e-11);
  }
}

TEST(Wasserstein, OfTheSameSetIsZero) {
  std::vector<double> a = random_points(50, 2, 3);
  std::vector<double> b = a;
  std::reverse(b.begin(), b.end());  // reverses the coordinates as well, so swap them back
  for (std::size_t i = 0; i < b.size(); i += 2) std::swap(b[i], b[i + 1]);
  EXPECT_EQ(wasserstein(a.data(), b.data(), 50, 2, 1), 0.0);
  EXPECT_EQ(wasserstein(a.data(), b.data(), 50, 2, 2), 0.0);
  const std::vector<double> origin(10, 0.0);
  EXPECT_EQ(wasserstein(origin.data(), origin.data(), 5, 2, 2), 0.0);
}

/// A few far points set the scale of the whole-number costs; the near ones must still be matched exactly.
TEST(Wasserstein, KeepsItsAccuracyBesideAFarPoint) {
  const int n = 100;
  std::vector<double> a = random_points(n, 1, 4);
  std::vector<double> b = random_points(n, 1, 5);
  a[0] = 1e4;
  b[0] = 1e4;
  const double found = wasserstein(a.data(), b.data(), n, 1, 2);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double square = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]) / n;
  EXPECT_NEAR(found, std::sqrt(square), 1e-4 * std::sqrt(square));
}

/// Weights that are whole numbers are copies of points: the transport of n = sum w points of equal weight.
TEST(WassersteinOfWeights, EqualsThatOfCopies) {
  const std::vector<double> weight = {1, 3, 0, 2, 1, 5};  // 12 in all
  const int n_a = 6, n_b = 12, d = 2;
  for (unsigned seed = 1; seed <= 10; ++seed) {
    const std::vector<double> a = random_points(n_a, d, seed), b = random_points(n_b, d, seed + 100);
    std::vector<double> copies;
    for (std::size_t i = 0; i < weight.size(); ++i)
      for (int k = 0; k < static_cast<int>(weight[i]); ++k)
        copies.insert(copies.end(), {a[2 * i], a[2 * i + 1]});
    const Wasserstein expected = wasserstein(copies.data(), b.data(), n_b, d);
    for (const double scale : {1.0, 1e-300, 1e300, 1.0 / 3}) {
      std::vector<double> scaled = weight;
      for (double& w : scaled) w *= scale;
      const Wasserstein found = wasserstein({a.data(), scaled.data(), n_a}, b.data(), n_b, d);
      EXPECT_NEAR(found.w1, expected.w1, 1e-11 * expected.w1) << seed;
      EXPECT_NEAR(found.w2, expected.w2, 1e-11 * expected.w2) << seed;
    }
  }
}

/// In one dimension P joins equal levels of the two distribution functions:
/// W_p^p = int_0^1 |F_a^-1(q) - F_b^-1(q)|^p dq, piece by piece between the steps of both.
TEST(WassersteinOfWeights, EqualsTheQuantileFormulaInOneDimension) {
  const int n_a = 40, n_b = 27;
  std::vector<double> a = random_points(n_a, 1, 1), b = random_points(n_b, 1, 2),
                      weight = random_points(n_a, 1, 3);
  double total = 0;
  for (double& w : weight) total += w = w * w * w * w;
  const Wasserstein found = wasserstein({a.data(), weight.data(), n_a}, b.data(), n_b, 1);
  std::vector<std::size_t> order(a.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a[i] < a[j]; });
  std::sort(b.begin(), b.end());
  double w1 = 0, square = 0, left_of_a = weight[order[0]] / total, left_of_b = 1.0 / n_b;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double mass = std::min(left_of_a, left_of_b), step = std::abs(a[order[i]] - b[j]);
    w1 += mass * step;
    square += mass * step * step;
    left_of_a -= mass;
    left_of_b -= mass;
    if (left_of_a <= 0 && ++i < a.size()) left_of_a = weight[order[i]] / total;
    if (left_of_b <= 0 && ++j < b.size()) left_of_b = 1.0 / n_b;
  }
  EXPECT_NEAR(found.w1, w1, 1e-11 * w1);
  EXPECT_NEAR(found.w2, std::sqrt(square), 1e-11 * std::sqrt(square));
}

TEST(WassersteinOfWeights, OfEqualWeightsIsThatWithout) {
  const int n = 60, d = 3;
  const std::vector<double> a = random_points(n, d, 8), b = random_points(n, d, 9), weight(n, 0.7);
  const Wasserstein expected = wasserstein(a.data(), b.data(), n, d);
  const Wasserstein found = wasserstein({a.data(), weight.data(), n}, b.data(), n, d);
  EXPECT_NEAR(found.w1, expected.w1, 1e-11 * expected.w1);
  EXPECT_NEAR(found.w2, expected.w2, 1e-11 * expected.w2);
}

TEST(WassersteinOfWeights, RefusesWeightsThatAreNone) {
  const double x[] = {0.0, 1.0};
  for (const std::vector<double>& weight :
       {std::vector<double>{0, 0}, {-1, 2}, {1, std::numeric_limits<double>::quiet_NaN()}, {1e308, 1e308}})
    test::expect_error(ExitCode::bad_input, {"weight"}, [&] {
      (void)wasserstein({x, weight.data(), 2}, x, 2, 1);
    });
}

TEST(Wasserstein, RefusesWhatItCannotCompare) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double good[] = {0.0, 1.0};
  const double bad[] = {0.0, nan};
  const auto expect_bad_input = [](const auto& work) { test::expect_error(ExitCode::bad_input, {}, work); };
  expect_bad_input([&] { wasserstein(good, bad, 2, 1, 1); });
  expect_bad_input([&] { wasserstein(bad, good, 1, 2, 2); });
  expect_bad_input([&] { wasserstein(good, good, 0, 1, 1); });
  expect_bad_input([&] { wasserstein(good, good, 30001, 1, 1); });
  expect_bad_input([&] { wasserstein(good, good, 2, 0, 1); });
  expect_bad_input([&] { wasserstein(good, good, 2, 1, 3); });
}

}  // namespace
}  // namespace rhoflux::metrics
