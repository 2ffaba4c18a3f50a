#include "transport_plan.hpp"

#include <lemon/network_simplex.h>
#include <lemon/static_graph.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>

#include "candidate_pairs.hpp"
#include "rhoflux/core/error.hpp"

namespace rhoflux::metrics {

namespace {

using Graph = lemon::StaticDigraph;
/// Whole-number costs and supplies: the simplex then needs no tolerance and cannot cycle through rounding.
using Simplex = lemon::NetworkSimplex<Graph, std::int64_t, std::int64_t>;

/// With no more pairs than that the simplex method gets all of them.
constexpr std::int64_t all_at_once = 1 << 18;
/// How many pairs of least reduced cost each point brings to a problem.
constexpr int pairs_of_point = 16;
/// So many times a problem forgets pairs with a reduced cost. From then on pairs are only added, which must come to an
/// end: each time the pair of least reduced cost is new.
constexpr int rounds_that_forget = 6;
/// One point of so many is in the next smaller problem.
constexpr int reduction = 4;
/// Fewer points than that are not made fewer.
constexpr int fewest = 64;

struct Masses {
  std::vector<std::int64_t> a, b;
};

/// Masses of the first n_a points, and their sum in n_b equal shares, to one unit. None is 0.
Masses masses_of(const std::vector<std::int64_t>& mass, int n_a, int n_b) {
  Masses masses;
  masses.a.assign(mass.begin(), mass.begin() + n_a);
  std::int64_t sum = std::accumulate(masses.a.begin(), masses.a.end(), std::int64_t{0});
  if (sum < n_b) {
    for (std::int64_t& m : masses.a) m *= n_b;
    sum *= n_b;
  }
  for (int j = 0; j < n_b; ++j) masses.b.push_back(sum / n_b + (j < sum % n_b ? 1 : 0));
  return masses;
}

/// The transport problem of some of the points with some of their pairs.
class Problem {
 public:
  Problem(const PairCosts& costs, Masses masses, Potentials potentials)
      : m_costs(costs), m_masses(std::move(masses)), m_potentials(std::move(potentials)) {}

  /// With all pairs at once.
  void solve_with_all_pairs() {
    const int n_a = static_cast<int>(m_masses.a.size()), n_b = static_cast<int>(m_masses.b.size());
    for (int i = 0; i < n_a; ++i)
      for (int j = 0; j < n_b; ++j) m_pairs.push_back({i, j, m_costs.whole(i, j)});
    solve();
  }

  /// With few pairs, until no other would make the cost less.
  void solve_with_few_pairs() {
    for (int round = 0;; ++round) {
      CandidatePairs found = least_reduced_pairs(m_costs, m_potentials, pairs_of_point);
      if (round > 0 && found.least_reduced >= 0) return;
      if (round < rounds_that_forget) keep_pairs_without_reduced_cost();
      m_pairs.insert(m_pairs.end(), found.pairs.begin(), found.pairs.end());
      add_feasible_pairs();
      remove_duplicates();
      solve();
    }
  }

  const Potentials& potentials() const { return m_potentials; }
  std::vector<Carried> plan() const {
    std::vector<Carried> plan;
    for (std::size_t k = 0; k < m_pairs.size(); ++k)
      if (m_flow[k] != 0) plan.push_back({m_pairs[k].i, m_pairs[k].j, m_flow[k]});
    return plan;
  }

 private:
  class ReducedCosts;
  class Supply;

  void solve();

  /// Among them are all that carry something.
  void keep_pairs_without_reduced_cost() {
    m_pairs.erase(std::remove_if(m_pairs.begin(), m_pairs.end(),
                                 [this](const Pair& pair) { return reduced(pair) != 0; }),
                  m_pairs.end());
  }

  /// The pairs of the north-west corner rule, which can carry all masses. With the last one they join the points to a
  /// circle, so that no potential of the solution hangs on the artificial costs of the solver.
  void add_feasible_pairs() {
    const auto add = [this](std::size_t i, std::size_t j) {
      const int a = static_cast<int>(i), b = static_cast<int>(j);
      m_pairs.push_back({a, b, m_costs.whole(a, b)});
    };
    const std::size_t last_a = m_masses.a.size() - 1, last_b = m_masses.b.size() - 1;
    std::int64_t left_of_a = m_masses.a.front(), left_of_b = m_masses.b.front();
    for (std::size_t i = 0, j = 0;;) {
      add(i, j);
      const std::int64_t carried = std::min(left_of_a, left_of_b);
      left_of_a -= carried;
      left_of_b -= carried;
      if (left_of_a == 0 && i < last_a)
        left_of_a = m_masses.a[++i];
      else if (j < last_b)
        left_of_b = m_masses.b[++j];
      else
        break;
    }
    add(0, last_b);
  }

  void remove_duplicates() {
    const auto place = [](const Pair& pair) { return std::make_pair(pair.i, pair.j); };
    std::sort(m_pairs.begin(), m_pairs.end(),
              [place](const Pair& x, const Pair& y) { return place(x) < place(y); });
    m_pairs.erase(std::unique(m_pairs.begin(), m_pairs.end(),
                              [place](const Pair& x, const Pair& y) { return place(x) == place(y); }),
                  m_pairs.end());
  }

  std::int64_t reduced(const Pair& pair) const {
    return pair.cost - m_potentials.a[static_cast<std::size_t>(pair.i)] -
           m_potentials.b[static_cast<std::size_t>(pair.j)];
  }

  const PairCosts& m_costs;
  Masses m_masses;
  Potentials m_potentials;
  std::vector<Pair> m_pairs;         // in order of i, then j, when they are solved
  std::vector<std::int64_t> m_flow;  // (pairs)
};

/// The reduced costs by the potentials so far; arc k is the pair k.
class Problem::ReducedCosts {
 public:
  using Key = Graph::Arc;
  using Value = std::int64_t;
  explicit ReducedCosts(const Problem& problem) : m_problem(problem) {}
  Value operator[](const Key& arc) const {
    return m_problem.reduced(m_problem.m_pairs[static_cast<std::size_t>(Graph::index(arc))]);
  }

 private:
  const Problem& m_problem;
};

/// Node i is a_i and node n_a + j is b_j.
class Problem::Supply {
 public:
  using Key = Graph::Node;
  using Value = std::int64_t;
  explicit Supply(const Masses& masses) : m_masses(masses) {}
  Value operator[](const Key& node) const {
    const auto k = static_cast<std::size_t>(Graph::index(node)), n_a = m_masses.a.size();
    return k < n_a ? m_masses.a[k] : -m_masses.b[k - n_a];
  }

 private:
  const Masses& m_masses;
};

/// The solver starts from pairs whose cost is small. With reduced costs these are the ones of the last solution.
void Problem::solve() {
  const int n_a = static_cast<int>(m_masses.a.size()), n_b = static_cast<int>(m_masses.b.size());
  std::vector<std::pair<int, int>> arcs;
  arcs.reserve(m_pairs.size());
  for (const Pair& pair : m_pairs) arcs.emplace_back(pair.i, n_a + pair.j);
  Graph graph;
  graph.build(n_a + n_b, arcs.begin(), arcs.end());
  Simplex solver(graph);
  solver.costMap(ReducedCosts(*this)).supplyMap(Supply(m_masses));
  if (solver.run() != Simplex::OPTIMAL)
    fail_numerics("Wasserstein distance: the network simplex found no optimum for " + std::to_string(n_a) +
                  " and " + std::to_string(n_b) + " points");
  for (int i = 0; i < n_a; ++i)
    m_potentials.a[static_cast<std::size_t>(i)] -= solver.potential(Graph::node(i));
  for (int j = 0; j < n_b; ++j)
    m_potentials.b[static_cast<std::size_t>(j)] += solver.potential(Graph::node(n_a + j));
  m_flow.resize(m_pairs.size());
  for (std::size_t k = 0; k < m_pairs.size(); ++k) {
    m_flow[k] = solver.flow(Graph::arc(static_cast<int>(k)));
    if (m_flow[k] != 0 && reduced(m_pairs[k]) != 0)
      fail_numerics("Wasserstein distance: the plan of the network simplex does not go with its potentials");
  }
}

/// Numbers of points of the problems, the smallest first.
std::vector<std::pair<int, int>> sizes_of_problems(int n_a, int n_b) {
  const auto fewer = [](int n) { return n > fewest ? (n + reduction - 1) / reduction : n; };
  std::vector<std::pair<int, int>> sizes = {{n_a, n_b}};
  while (std::int64_t{n_a} * n_b > all_at_once && std::max(n_a, n_b) > fewest) {
    n_a = fewer(n_a);
    n_b = fewer(n_b);
    sizes.emplace_back(n_a, n_b);
  }
  std::reverse(sizes.begin(), sizes.end());
  return sizes;
}

}  // namespace

std::vector<Carried> optimal_plan(const PairCosts& costs, const std::vector<std::int64_t>& mass) {
  const auto sizes = sizes_of_problems(costs.n_a(), costs.n_b());
  Potentials potentials;
  std::vector<Carried> plan;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const auto [n_a, n_b] = sizes[k];
    if (k == 0) {
      potentials.a.resize(static_cast<std::size_t>(n_a));
      potentials.b.resize(static_cast<std::size_t>(n_b));
    } else {
      potentials = extended(costs, potentials, n_a, n_b);
    }
    Problem problem(costs, masses_of(mass, n_a, n_b), std::move(potentials));
    if (k == 0)
      problem.solve_with_all_pairs();
    else
      problem.solve_with_few_pairs();
    potentials = problem.potentials();
    if (k + 1 == sizes.size()) plan = problem.plan();
  }
  return plan;
}

double least_cost(const PairCosts& costs, const std::vector<std::int64_t>& mass) {
  if (costs.largest() == 0.0) return 0.0;
  double sum = 0;
  for (const Carried& part : optimal_plan(costs, mass))
    sum += static_cast<double>(part.mass) * costs.cost(part.i, part.j);
  return sum;
}

}  // namespace rhoflux::metrics
