#include "rhoflux/metrics/wasserstein.hpp"

#include <lemon/network_simplex.h>
#include <lemon/static_graph.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rhoflux/core/error.hpp"

namespace rhoflux::metrics {

namespace {

using Graph = lemon::StaticDigraph;
/// Whole-number costs: the simplex then needs no tolerance and cannot cycle through rounding.
using Solver = lemon::NetworkSimplex<Graph, int, std::int64_t>;

constexpr int max_points = 30000;
/// Largest scaled cost. Sums along a path of 60000 arcs stay below the solver's artificial cost of 2^62.
constexpr double largest_cost = 0x1p44;

void require_valid(const double* a, const double* b, int n, int d, int order) {
  if (n < 1 || n > max_points) {
    fail_input("Wasserstein distance: " + std::to_string(n) + " points; allowed are 1 to " +
               std::to_string(max_points));
  }
  if (d < 1) fail_input("Wasserstein distance: " + std::to_string(d) + " dimensions; allowed is 1 or more");
  if (order != 1 && order != 2) {
    fail_input("Wasserstein distance: order " + std::to_string(order) + "; allowed are 1 and 2");
  }
  const auto is_finite = [](double v) { return std::isfinite(v); };
  const auto size = static_cast<std::ptrdiff_t>(n) * d;
  if (!std::all_of(a, a + size, is_finite) || !std::all_of(b, b + size, is_finite)) {
    fail_input("Wasserstein distance: a point is not finite");
  }
}

double pair_cost(const double* p, const double* q, int d, int order) {
  double square = 0.0;
  for (int k = 0; k < d; ++k) square += (p[k] - q[k]) * (p[k] - q[k]);
  return order == 2 ? square : std::sqrt(square);
}

/// The costs of all pairs, seen by the solver as whole numbers; arc i * n + j goes from a_i to b_j.
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
std::vector<double> pair_costs(const double* a, const double* b, int n, int d, int order) {
  std::vector<double> costs;
  costs.reserve(static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    for (std::ptrdiff_t j = 0; j < n; ++j) costs.push_back(pair_cost(a + i * d, b + j * d, d, order));
  }
  return costs;
}

/// Node i is a_i and node n + j is b_j; arc i * n + j joins them.
void connect_all_pairs(Graph& graph, int n) {
  std::vector<std::pair<int, int>> arcs;
  arcs.reserve(static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) arcs.emplace_back(i, n + j);
  }
  graph.build(2 * n, arcs.begin(), arcs.end());
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

/// The least sum of costs over all matchings.
double min_cost(const std::vector<double>& costs, int n) {
  const double largest = *std::max_element(costs.begin(), costs.end());
  if (largest == 0.0) return 0.0;
  Graph graph;
  connect_all_pairs(graph, n);
  Solver solver(graph);
  solver.costMap(ScaledCosts(costs, largest_cost / largest)).supplyMap(UnitSupply(n));
  if (solver.run() != Solver::OPTIMAL) {
    fail_numerics("Wasserstein distance: the network simplex found no optimum for " + std::to_string(n) +
                  " points");
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const int flow = solver.flow(Graph::arc(static_cast<int>(i)));
    if (flow != 0) sum += flow * costs[i];
  }
  return sum;
}

}  // namespace

double wasserstein(const double* a, const double* b, int n, int d, int order) {
  require_valid(a, b, n, d, order);
  const double mean = min_cost(pair_costs(a, b, n, d, order), n) / n;
  return order == 2 ? std::sqrt(mean) : mean;
}

Wasserstein wasserstein(const double* a, const double* b, int n, int d) {
  return {wasserstein(a, b, n, d, 1), wasserstein(a, b, n, d, 2)};
}

}  // namespace rhoflux::metrics
