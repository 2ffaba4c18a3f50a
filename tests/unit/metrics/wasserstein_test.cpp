#include "rhoflux/metrics/wasserstein.hpp"

#include <gtest/gtest.h>
#include <lemon/network_simplex.h>
#include <lemon/static_graph.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
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

/// A permutation whose mean cost is that of the distance: to rounding, with few and many points, in one dimension, with ties.
TEST(Wasserstein, OfTheMatchingIsTheDistance) {
  for (const int n : {1, 5, 40, 700})
    for (const int d : {1, 2, 5})
      for (const int order : {1, 2})
        for (const bool has_ties : {false, true}) {
          std::vector<double> a = random_points(n, d, 3), b = random_points(n, d, 4);
          for (std::vector<double>* points : {&a, &b})
            for (double& value : *points) value = has_ties ? std::round(2 * value) : value;
          const std::vector<int> match = optimal_matching(a.data(), b.data(), n, d, order);
          std::vector<int> sorted = match;
          std::sort(sorted.begin(), sorted.end());
          double sum = 0;
          for (int i = 0; i < n; ++i) {
            ASSERT_EQ(sorted[static_cast<std::size_t>(i)], i);
            double square = 0;
            for (int k = 0; k < d; ++k) {
              const double step = a[static_cast<std::size_t>(i * d + k)] -
                                  b[static_cast<std::size_t>(match[static_cast<std::size_t>(i)] * d + k)];
              square += step * step;
            }
            sum += order == 2 ? square : std::sqrt(square);
          }
          const double found = order == 2 ? std::sqrt(sum / n) : sum / n;
          EXPECT_NEAR(found, wasserstein(a.data(), b.data(), n, d, order), 1e-11 * (1 + found))
              << "n " << n << " d " << d << " order " << order;
        }
  const std::vector<double> same(20, 0.5);
  const std::vector<int> match = optimal_matching(same.data(), same.data(), 10, 2, 2);
  EXPECT_EQ(std::accumulate(match.begin(), match.end(), 0), 45) << "of equal points";
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

/// Two sets of so many points that only a part of their pairs is given to the network simplex method.
struct Clouds {
  std::vector<double> a, b;
  std::size_t d;
  std::size_t n_a() const { return a.size() / d; }
  std::size_t n_b() const { return b.size() / d; }
  double cost(std::size_t i, std::size_t j, int order) const {
    double square = 0;
    for (std::size_t k = 0; k < d; ++k)
      square += (a[i * d + k] - b[j * d + k]) * (a[i * d + k] - b[j * d + k]);
    return order == 2 ? square : std::sqrt(square);
  }
};

/// The same distance by the network simplex method with all pairs, costs rounded to 2^-44 of the largest one.
/// @param mass (n_a), whole numbers whose sum is a multiple of n_b
double with_all_pairs(const Clouds& clouds, const std::vector<std::int64_t>& mass, int order) {
  const std::size_t n_a = clouds.n_a(), n_b = clouds.n_b();
  double largest = 0;
  for (std::size_t i = 0; i < n_a; ++i)
    for (std::size_t j = 0; j < n_b; ++j) largest = std::max(largest, clouds.cost(i, j, order));
  const std::int64_t total = std::accumulate(mass.begin(), mass.end(), std::int64_t{0});
  std::vector<std::pair<int, int>> arcs;
  for (std::size_t i = 0; i < n_a; ++i)
    for (std::size_t j = 0; j < n_b; ++j) arcs.emplace_back(static_cast<int>(i), static_cast<int>(n_a + j));
  using Graph = lemon::StaticDigraph;
  Graph graph;
  graph.build(static_cast<int>(n_a + n_b), arcs.begin(), arcs.end());
  Graph::NodeMap<std::int64_t> supply(graph, -total / static_cast<std::int64_t>(n_b));
  for (std::size_t i = 0; i < n_a; ++i) supply[Graph::node(static_cast<int>(i))] = mass[i];
  Graph::ArcMap<std::int64_t> whole(graph);
  for (std::size_t k = 0; k < n_a * n_b; ++k)
    whole[Graph::arc(static_cast<int>(k))] =
        std::llround(clouds.cost(k / n_b, k % n_b, order) / largest * 0x1p44);
  lemon::NetworkSimplex<Graph, std::int64_t, std::int64_t> solver(graph);
  if (solver.costMap(whole).supplyMap(supply).run() != solver.OPTIMAL) return -1;
  double sum = 0;
  for (std::size_t arc = 0; arc < n_a * n_b; ++arc)
    sum += static_cast<double>(solver.flow(Graph::arc(static_cast<int>(arc)))) *
           clouds.cost(arc / n_b, arc % n_b, order);
  const double mean = sum / static_cast<double>(total);
  return order == 2 ? std::sqrt(mean) : mean;
}

/// Both plans are optimal for costs rounded to 2^-45 of the largest one, and masses to less than 1e4 parts of 2^-52 in
/// all, so that their mean costs differ by less than 3e-12 of the largest one. Below, means are at least 1/1000 of it.
void expect_that_of_all_pairs(const Clouds& clouds, const char* what) {
  const int n_a = static_cast<int>(clouds.n_a()), n_b = static_cast<int>(clouds.n_b()),
            d = static_cast<int>(clouds.d);
  std::vector<std::int64_t> mass(clouds.n_a(), 1);
  if (n_a == n_b) {
    for (const int order : {1, 2}) {
      const double expected = with_all_pairs(clouds, mass, order);
      EXPECT_NEAR(wasserstein(clouds.a.data(), clouds.b.data(), n_a, d, order), expected, 3e-9 * expected)
          << what << ", order " << order;
    }
  }
  // Weights k n_b / total for whole k are exact masses of the program as well, but for a rounding of 2^-52 of the whole.
  std::mt19937 engine(9);
  for (std::int64_t& m : mass) m = engine() % 5 * static_cast<std::int64_t>(1 + engine() % 200);
  mass[0] += 1;
  const std::int64_t sum = std::accumulate(mass.begin(), mass.end(), std::int64_t{0});
  mass[0] += (n_b - sum % n_b) % n_b;
  const std::vector<double> weight(mass.begin(), mass.end());
  for (const int order : {1, 2}) {
    const double expected = with_all_pairs(clouds, mass, order);
    EXPECT_NEAR(wasserstein({clouds.a.data(), weight.data(), n_a}, clouds.b.data(), n_b, d, order), expected,
                3e-9 * expected)
        << what << ", weighted, order " << order;
  }
}

Clouds random_clouds(int n_a, int n_b, int d) {
  return {random_points(n_a, d, 1), random_points(n_b, d, 2), static_cast<std::size_t>(d)};
}

TEST(WassersteinOfManyPoints, IsThatOfAllPairsForRandomClouds) {
  for (const int d : {2, 5}) {
    Clouds clouds = random_clouds(520, 520, d);
    expect_that_of_all_pairs(clouds, "near");
    for (std::size_t k = 0; k < clouds.b.size(); ++k)
      clouds.b[k] = clouds.b[k] * clouds.b[k] + (k % clouds.d == 0 ? 6 : 0.3 * clouds.b[k - 1]);
    expect_that_of_all_pairs(clouds, "far");
  }
}

/// Points of a plane on one line: next to all plans are optimal for order 1 where the clouds are apart.
TEST(WassersteinOfManyPoints, IsThatOfAllPairsOnALine) {
  Clouds clouds = random_clouds(520, 520, 2);
  for (const double step : {0.1, 4.0}) {
    for (std::size_t i = 0; i < 520; ++i) {
      clouds.a[2 * i + 1] = 0.5 * clouds.a[2 * i];
      clouds.b[2 * i] += step;
      clouds.b[2 * i + 1] = 0.5 * clouds.b[2 * i];
    }
    expect_that_of_all_pairs(clouds, "on a line");
  }
}

TEST(WassersteinOfManyPoints, IsThatOfAllPairsForUnequalNumbers) {
  expect_that_of_all_pairs(random_clouds(700, 450, 2), "fewer in b");
  expect_that_of_all_pairs(random_clouds(30, 9000, 3), "few in a");
  expect_that_of_all_pairs(random_clouds(9000, 30, 2), "few in b");
}

/// Many plans are optimal here, and many pairs have a reduced cost of 0.
TEST(WassersteinOfManyPoints, IsThatOfAllPairsForTies) {
  Clouds clouds = random_clouds(520, 520, 2);
  for (double& value : clouds.a) value = std::round(4 * value);
  for (double& value : clouds.b) value = std::round(4 * value);
  expect_that_of_all_pairs(clouds, "on a lattice");
  for (double& value : clouds.b) value = 3;
  expect_that_of_all_pairs(clouds, "all b equal");
  for (double& value : clouds.a) value = 1;
  expect_that_of_all_pairs(clouds, "all a equal and all b equal");
}

/// Groups that follow each other in the order of the points, far apart, and of other sizes in a than in b.
TEST(WassersteinOfManyPoints, IsThatOfAllPairsForGroups) {
  Clouds clouds = random_clouds(520, 520, 2);
  for (std::size_t i = 0; i < 520; ++i) {
    clouds.a[2 * i] += i < 100 ? 0 : 100;
    clouds.b[2 * i] += i % 4 == 0 ? 0 : 100;
    clouds.b[2 * i + 1] += i % 4 == 1 ? 40 : 0;
  }
  expect_that_of_all_pairs(clouds, "groups");
}

/// One point of a has next to all of the mass: W_1 is the mean distance from it, the rest 600 parts of 1e-15.
TEST(WassersteinOfManyPoints, TakesWeightsOfOneHeavyPoint) {
  const Clouds clouds = random_clouds(600, 600, 2);
  for (const std::size_t heavy : {0u, 17u, 311u, 599u}) {
    std::vector<double> weight(600, 1e-15);
    weight[heavy] = 1;
    double expected = 0;
    for (std::size_t j = 0; j < 600; ++j) expected += clouds.cost(heavy, j, 1) / 600;
    EXPECT_NEAR(wasserstein({clouds.a.data(), weight.data(), 600}, clouds.b.data(), 600, 2, 1), expected,
                1e-11);
  }
}

TEST(WassersteinOfManyPoints, OfTheSameSetIsZero) {
  const std::vector<double> a = random_points(2000, 3, 3);
  std::vector<double> b;
  for (std::size_t i = 0; i < 2000; ++i)
    for (std::size_t k = 0; k < 3; ++k) b.push_back(a[(i * 7 + 5) % 2000 * 3 + k]);
  const Wasserstein found = wasserstein(a.data(), b.data(), 2000, 3);
  EXPECT_EQ(found.w1, 0.0);
  EXPECT_EQ(found.w2, 0.0);
}

TEST(WassersteinOfManyPoints, EqualsTheSortedFormulaInOneDimension) {
  const int n = 3000;
  std::vector<double> a = random_points(n, 1, 1), b = random_points(n, 1, 2);
  for (double& value : b) value = 3.0 * value * value * value + 0.2;
  const Wasserstein found = wasserstein(a.data(), b.data(), n, 1);
  const Wasserstein again = wasserstein(a.data(), b.data(), n, 1);
  EXPECT_EQ(found.w1, again.w1);
  EXPECT_EQ(found.w2, again.w2);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double w1 = 0, square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    w1 += std::abs(a[i] - b[i]) / n;
    square += (a[i] - b[i]) * (a[i] - b[i]) / n;
  }
  EXPECT_NEAR(found.w1, w1, 1e-11 * w1);
  EXPECT_NEAR(found.w2, std::sqrt(square), 1e-11 * std::sqrt(square));
}

/// Coordinates whose squares are beyond the range of doubles.
TEST(Wasserstein, TakesCoordinatesOfAnySize) {
  for (const double scale : {1e-200, 1e200, 1e300}) {
    const std::vector<double> a = {0, 0, scale, 0, 0, scale}, b = {3 * scale, 0, 0, scale, 0, 2 * scale};
    const Wasserstein found = wasserstein(a.data(), b.data(), 3, 2);
    EXPECT_NEAR(found.w1 / scale, 4.0 / 3, 1e-12);
    EXPECT_NEAR(found.w2 / scale, std::sqrt(2.0), 1e-12);
  }
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
