#include "rhoflux/metrics/wasserstein.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "pair_costs.hpp"
#include "rhoflux/core/error.hpp"
#include "transport_plan.hpp"

namespace rhoflux::metrics {

namespace {

constexpr int max_points = 30000;
/// Sum of the whole-number masses that stand for weights.
constexpr double largest_mass = 0x1p52;

/// Points on each side, and their coordinates.
struct Sizes {
  int n_a = 0, n_b = 0, d = 1;
};

void require_valid(const double* a, const double* b, const Sizes& sizes, int order) {
  const int d = sizes.d;
  for (const int n : {sizes.n_a, sizes.n_b})
    if (n < 1 || n > max_points)
      fail_input("Wasserstein distance: " + std::to_string(n) + " points; allowed are 1 to " +
                 std::to_string(max_points));
  if (d < 1) fail_input("Wasserstein distance: " + std::to_string(d) + " dimensions; allowed is 1 or more");
  if (order != 1 && order != 2) {
    fail_input("Wasserstein distance: order " + std::to_string(order) + "; allowed are 1 and 2");
  }
  const auto is_finite = [](double v) { return std::isfinite(v); };
  const auto end = [d](const double* x, int n) { return x + static_cast<std::ptrdiff_t>(n) * d; };
  if (!std::all_of(a, end(a, sizes.n_a), is_finite) || !std::all_of(b, end(b, sizes.n_b), is_finite))
    fail_input("Wasserstein distance: a point is not finite");
}

/// 0 .. n - 1 in random order, always the same: the first ones stand for all.
std::vector<int> shuffled(int n) {
  std::vector<int> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  std::mt19937 engine(1);
  for (std::size_t k = rows.size(); k > 1; --k) std::swap(rows[k - 1], rows[engine() % k]);
  return rows;
}

/// Whole-number masses in proportion to weights; their sum is a multiple of n_b. They are rounded down to 2^-52 of the sum
/// of weights, or a little more; what that leaves over, less than one such part a point, goes to the heaviest point.
std::vector<std::int64_t> masses_of(const double* weight, const Sizes& sizes) {
  const double sum = std::accumulate(weight, weight + sizes.n_a, 0.0);
  const std::int64_t total = static_cast<std::int64_t>(largest_mass) / sizes.n_b * sizes.n_b;
  std::vector<std::int64_t> masses;
  std::int64_t left = total;
  for (int i = 0; i < sizes.n_a; ++i) {
    masses.push_back(static_cast<std::int64_t>(weight[i] / sum * static_cast<double>(total)));
    left -= masses.back();
  }
  *std::max_element(masses.begin(), masses.end()) += left;
  return masses;
}

std::vector<int> sorted_rows(const double* x, int n) {
  std::vector<int> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  std::sort(rows.begin(), rows.end(), [x](int i, int j) { return x[i] < x[j]; });
  return rows;
}

/// In one dimension the plan that keeps the order of the points is optimal for both orders.
double distance_on_line(const double* a, const std::vector<std::int64_t>& mass, const double* b, int n_b,
                        int order) {
  const std::vector<int> rows_a = sorted_rows(a, static_cast<int>(mass.size())), rows_b = sorted_rows(b, n_b);
  const std::int64_t total = std::accumulate(mass.begin(), mass.end(), std::int64_t{0}), share = total / n_b;
  std::vector<std::pair<double, std::int64_t>> steps;  // length, mass
  double longest = 0;
  std::int64_t room = share;
  std::size_t j = 0;
  for (const int i : rows_a)
    for (std::int64_t left = mass[static_cast<std::size_t>(i)]; left > 0;) {
      const std::int64_t carried = std::min(left, room);
      // Halves, because the difference may be beyond the range of doubles.
      steps.emplace_back(std::abs(a[i] / 2 - b[rows_b[j]] / 2), carried);
      longest = std::max(longest, steps.back().first);
      left -= carried;
      room -= carried;
      if (room == 0) {
        room = share;
        ++j;
      }
    }
  if (longest == 0) return 0;
  double sum = 0;
  for (const auto& [length, carried] : steps) {
    const double cost = length / longest;
    sum += static_cast<double>(carried) * (order == 2 ? cost * cost : cost);
  }
  const double mean = sum / static_cast<double>(total);
  return 2 * longest * (order == 2 ? std::sqrt(mean) : mean);
}

/// The distance between the a_i with these masses, of which those of mass 0 count for nothing, and the b_j.
double distance(const double* a, const std::vector<std::int64_t>& mass, const double* b, const Sizes& sizes,
                int order) {
  if (sizes.d == 1) return distance_on_line(a, mass, b, sizes.n_b, order);
  std::vector<int> rows;
  std::vector<std::int64_t> masses;
  for (const int row : shuffled(sizes.n_a)) {
    const std::int64_t of_row = mass[static_cast<std::size_t>(row)];
    if (of_row == 0) continue;
    rows.push_back(row);
    masses.push_back(of_row);
  }
  const PairCosts costs(a, rows, b, shuffled(sizes.n_b), sizes.d, order);
  const auto total = static_cast<double>(std::accumulate(masses.begin(), masses.end(), std::int64_t{0}));
  const double mean = least_cost(costs, masses) / total;
  return costs.unit() * (order == 2 ? std::sqrt(mean) : mean);
}

void require_valid_weights(const double* weight, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    if (!std::isfinite(weight[i]) || weight[i] < 0)
      fail_input("Wasserstein distance: a weight is negative or not finite");
    sum += weight[i];
  }
  if (!(sum > 0) || !std::isfinite(sum))
    fail_input("Wasserstein distance: the sum of weights is not a positive number");
}

}  // namespace

double wasserstein(const double* a, const double* b, int n, int d, int order) {
  const Sizes sizes = {n, n, d};
  require_valid(a, b, sizes, order);
  return distance(a, std::vector<std::int64_t>(static_cast<std::size_t>(n), 1), b, sizes, order);
}

std::vector<int> optimal_matching(const double* a, const double* b, int n, int d, int order) {
  require_valid(a, b, {n, n, d}, order);
  std::vector<int> matching(static_cast<std::size_t>(n));
  std::vector<int> rows_a = d == 1 ? sorted_rows(a, n) : shuffled(n),
                   rows_b = d == 1 ? sorted_rows(b, n) : shuffled(n);
  const PairCosts costs(a, rows_a, b, rows_b, d, order);
  std::vector<Carried> plan;
  if (d > 1 && costs.largest() > 0)
    plan = optimal_plan(costs, std::vector<std::int64_t>(static_cast<std::size_t>(n), 1));
  else
    for (int row = 0; row < n; ++row) plan.push_back({row, row, 1});
  for (const Carried& part : plan)
    matching[static_cast<std::size_t>(rows_a[static_cast<std::size_t>(part.i)])] =
        rows_b[static_cast<std::size_t>(part.j)];
  return matching;
}

Wasserstein wasserstein(const double* a, const double* b, int n, int d) {
  return {wasserstein(a, b, n, d, 1), wasserstein(a, b, n, d, 2)};
}

double wasserstein(const WeightedPoints& a, const double* b, int n_b, int d, int order) {
  const Sizes sizes = {a.n, n_b, d};
  require_valid(a.x, b, sizes, order);
  require_valid_weights(a.weight, a.n);
  return distance(a.x, masses_of(a.weight, sizes), b, sizes, order);
}

Wasserstein wasserstein(const WeightedPoints& a, const double* b, int n_b, int d) {
  return {wasserstein(a, b, n_b, d, 1), wasserstein(a, b, n_b, d, 2)};
}

}  // namespace rhoflux::metrics
