#include "rhoflux/metrics/wasserstein.hpp"

#include <lemon/network_simplex.h>
#include <lemon/static_graph.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "rhoflux/core/error.hpp"

namespace rhoflux::metrics {

namespace {

using Graph = lemon::StaticDigraph;
/// Whole-number costs and supplies: the simplex then needs no tolerance and cannot cycle through rounding.
template <class Supply>
using Solver = lemon::NetworkSimplex<Graph, Supply, std::int64_t>;

constexpr int max_points = 30000;
/// Largest scaled cost. Sums along a path of 60000 arcs stay below the solver's artificial cost of 2^62.
constexpr double largest_cost = 0x1p44;
/// Sum of the whole-number masses that stand for weights.
constexpr double largest_mass = 0x1p52;

/// Points on each side, and their coordinates.
struct Sizes {
  int n_a = 0, n_b = 0, d = 1;
  std::size_t n_arcs() const { return static_cast<std::size_t>(n_a) * static_cast<std::size_t>(n_b); }
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

double pair_cost(const double* p, const double* q, int d, int order) {
  double square = 0.0;
  for (int k = 0; k < d; ++k) square += (p[k] - q[k]) * (p[k] - q[k]);
  return order == 2 ? square : std::sqrt(square);
}

/// The costs of all pairs, seen by the solver as whole numbers; arc i * n_b + j goes from a_i to b_j.
class ScaledCosts {
 public:
  using Key = Graph::Arc;
  using Value = std::int64_t;

  ScaledCosts(const std::vector<double>& costs, double scale) : m_costs(costs), m_scale(scale) {}
  Value operator[](const Key& arc) const {
    return std::llround(m_costs[static_cast<std::size_t>(Graph::index(arc))] * m_scale);
  }

 private:
  const std::vector<double>& m_costs;
  double m_scale;
};

/// All pair costs in the order of the arcs.
std::vector<double> pair_costs(const double* a, const double* b, const Sizes& sizes, int order) {
  std::vector<double> costs;
  costs.reserve(sizes.n_arcs());
  for (std::ptrdiff_t i = 0; i < sizes.n_a; ++i)
    for (std::ptrdiff_t j = 0; j < sizes.n_b; ++j)
      costs.push_back(pair_cost(a + i * sizes.d, b + j * sizes.d, sizes.d, order));
  return costs;
}

/// Node i is a_i and node n_a + j is b_j; arc i * n_b + j joins them.
void connect_all_pairs(Graph& graph, const Sizes& sizes) {
  std::vector<std::pair<int, int>> arcs;
  arcs.reserve(sizes.n_arcs());
  for (int i = 0; i < sizes.n_a; ++i)
    for (int j = 0; j < sizes.n_b; ++j) arcs.emplace_back(i, sizes.n_a + j);
  graph.build(sizes.n_a + sizes.n_b, arcs.begin(), arcs.end());
}

/// One unit leaves every a_i and arrives at every b_j.
class UnitSupply {
 public:
  using Key = Graph::Node;
  using Value = int;

  explicit UnitSupply(int n) : m_n(n) {}
  Value operator[](const Key& node) const { return Graph::index(node) < m_n ? 1 : -1; }

 private:
  int m_n;
};

/// Whole-number masses in proportion to weights: they leave the a_i, and the same share of their sum arrives at every
/// b_j.
class WeightedSupply {
 public:
  using Key = Graph::Node;
  using Value = std::int64_t;

  /// Masses are rounded down to 2^-52 of the sum of weights, or a little more; what that leaves over, less than one
  /// such part a point, goes to the heaviest point.
  WeightedSupply(const double* weight, const Sizes& sizes) {
    const double sum = std::accumulate(weight, weight + sizes.n_a, 0.0);
    m_of_b = static_cast<std::int64_t>(largest_mass) / sizes.n_b;
    const std::int64_t total = m_of_b * sizes.n_b;
    std::int64_t left = total;
    for (int i = 0; i < sizes.n_a; ++i) {
      m_of_a.push_back(static_cast<std::int64_t>(weight[i] / sum * static_cast<double>(total)));
      left -= m_of_a.back();
    }
    *std::max_element(m_of_a.begin(), m_of_a.end()) += left;
  }
  Value operator[](const Key& node) const {
    const auto i = static_cast<std::size_t>(Graph::index(node));
    return i < m_of_a.size() ? m_of_a[i] : -m_of_b;
  }
  double total(const Sizes& sizes) const { return static_cast<double>(m_of_b * sizes.n_b); }

 private:
  std::vector<std::int64_t> m_of_a;
  std::int64_t m_of_b = 0;
};

/// The least sum of costs times masses over all ways to carry the supply.
template <class Supply>
double min_cost(const std::vector<double>& costs, const Sizes& sizes, const Supply& supply) {
  using Simplex = Solver<typename Supply::Value>;
  const double largest = *std::max_element(costs.begin(), costs.end());
  if (largest == 0.0) return 0.0;
  Graph graph;
  connect_all_pairs(graph, sizes);
  Simplex solver(graph);
  solver.costMap(ScaledCosts(costs, largest_cost / largest)).supplyMap(supply);
  if (solver.run() != Simplex::OPTIMAL)
    fail_numerics("Wasserstein distance: the network simplex found no optimum for " +
                  std::to_string(sizes.n_a) + " and " + std::to_string(sizes.n_b) + " points");
  double sum = 0.0;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const auto flow = solver.flow(Graph::arc(static_cast<int>(i)));
    if (flow != 0) sum += static_cast<double>(flow) * costs[i];
  }
  return sum;
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
  const double mean = min_cost(pair_costs(a, b, sizes, order), sizes, UnitSupply(n)) / n;
  return order == 2 ? std::sqrt(mean) : mean;
}

Wasserstein wasserstein(const double* a, const double* b, int n, int d) {
  return {wasserstein(a, b, n, d, 1), wasserstein(a, b, n, d, 2)};
}

double wasserstein(const WeightedPoints& a, const double* b, int n_b, int d, int order) {
  const Sizes sizes = {a.n, n_b, d};
  require_valid(a.x, b, sizes, order);
  require_valid_weights(a.weight, a.n);
  const WeightedSupply supply(a.weight, sizes);
  const double mean = min_cost(pair_costs(a.x, b, sizes, order), sizes, supply) / supply.total(sizes);
  return order == 2 ? std::sqrt(mean) : mean;
}

Wasserstein wasserstein(const WeightedPoints& a, const double* b, int n_b, int d) {
  return {wasserstein(a, b, n_b, d, 1), wasserstein(a, b, n_b, d, 2)};
}

}  // namespace rhoflux::metrics
