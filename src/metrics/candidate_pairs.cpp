#include "candidate_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace rhoflux::metrics {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int width = PairCosts::width;

int blocks_of(std::size_t n) {
  return static_cast<int>((n + width - 1) / width);
}

/// Numbers in double precision, with `filler` up to the end of the last block.
std::vector<double> in_blocks(const std::vector<std::int64_t>& numbers, double filler) {
  std::vector<double> doubles(numbers.begin(), numbers.end());
  doubles.resize(static_cast<std::size_t>(blocks_of(numbers.size())) * width, filler);
  return doubles;
}

/// The partners of a point with the least reduced costs among those offered so far.
class LeastPartners {
 public:
  explicit LeastPartners(int count) : m_count(static_cast<std::size_t>(count)) {}

  void offer(std::int64_t reduced, int partner) {
    if (m_heap.size() == m_count) {
      if (reduced >= m_heap.front().first) return;
      std::pop_heap(m_heap.begin(), m_heap.end());
      m_heap.pop_back();
    }
    m_heap.emplace_back(reduced, partner);
    std::push_heap(m_heap.begin(), m_heap.end());
  }
  /// What is not below this is refused.
  double bound() const {
    return m_heap.size() < m_count ? infinity : static_cast<double>(m_heap.front().first);
  }
  /// Pairs of a reduced cost and a partner.
  const std::vector<std::pair<std::int64_t, int>>& all() const { return m_heap; }
  void clear() { m_heap.clear(); }

 private:
  std::size_t m_count;
  std::vector<std::pair<std::int64_t, int>> m_heap;  // the largest reduced cost first
};

/// One pass over all pairs. A comparison of reduced costs in double precision finds the few that may be among the least
/// of their points; these are then compared as whole numbers.
class Search {
 public:
  Search(const PairCosts& costs, const Potentials& potentials, int count)
      : m_costs(costs),
        m_potentials(potentials),
        m_b(in_blocks(potentials.b, -infinity)),
        m_of_a(count),
        m_of_b(potentials.b.size(), LeastPartners(count)),
        m_bound_of_b(m_b.size(), infinity),
        m_margin(rounding(potentials)) {
    std::fill(m_bound_of_b.begin() + static_cast<std::ptrdiff_t>(potentials.b.size()), m_bound_of_b.end(),
              0.0);
  }

  CandidatePairs run() {
    const int n_a = static_cast<int>(m_potentials.a.size()), n_blocks = blocks_of(m_potentials.b.size());
    CandidatePairs found = {{}, std::numeric_limits<std::int64_t>::max()};
    for (int i = 0; i < n_a; ++i) {
      m_of_a.clear();
      for (int block = 0; block < n_blocks; ++block) look_at(i, block);
      for (const auto& [reduced, j] : m_of_a.all()) add(i, j, reduced, found);
    }
    for (std::size_t j = 0; j < m_of_b.size(); ++j)
      for (const auto& [reduced, i] : m_of_b[j].all()) add(i, static_cast<int>(j), reduced, found);
    return found;
  }

 private:
  /// How far a reduced cost in double precision may be from the whole number: 0 below 2^52.
  static double rounding(const Potentials& potentials) {
    double largest = 0;
    for (const auto* numbers : {&potentials.a, &potentials.b})
      for (const std::int64_t number : *numbers)
        largest = std::max(largest, std::abs(static_cast<double>(number)));
    return largest < 0x1p50 ? 0.0 : largest * 0x1p-50;
  }

  void look_at(int i, int block) {
    const auto first = static_cast<std::size_t>(block) * width;
    const double a = static_cast<double>(m_potentials.a[static_cast<std::size_t>(i)]);
    const double *b = &m_b[first], *bound = &m_bound_of_b[first];
    double costs[width], reduced[width];
    m_costs.whole_of_block(i, block, costs);
    double least = infinity, least_above_bound = infinity;
#pragma omp simd reduction(min : least, least_above_bound)
    for (int c = 0; c < width; ++c) {
      reduced[c] = costs[c] - a - b[c];
      least = std::min(least, reduced[c]);
      least_above_bound = std::min(least_above_bound, reduced[c] - bound[c]);
    }
    if (least >= m_of_a.bound() + m_margin && least_above_bound >= m_margin) return;
    for (int c = 0; c < width; ++c)
      if (reduced[c] < m_of_a.bound() + m_margin || reduced[c] - bound[c] < m_margin)
        offer(i, static_cast<int>(first) + c, static_cast<std::int64_t>(costs[c]));
  }

  void offer(int i, int j, std::int64_t cost) {
    const auto column = static_cast<std::size_t>(j);
    if (column >= m_of_b.size()) return;
    const std::int64_t reduced = cost - m_potentials.a[static_cast<std::size_t>(i)] - m_potentials.b[column];
    m_of_a.offer(reduced, j);
    m_of_b[column].offer(reduced, i);
    m_bound_of_b[column] = m_of_b[column].bound();
  }

  void add(int i, int j, std::int64_t reduced, CandidatePairs& found) const {
    const std::int64_t cost =
        reduced + m_potentials.a[static_cast<std::size_t>(i)] + m_potentials.b[static_cast<std::size_t>(j)];
    found.pairs.push_back({i, j, cost});
    found.least_reduced = std::min(found.least_reduced, reduced);
  }

  const PairCosts& m_costs;
  const Potentials& m_potentials;
  std::vector<double> m_b;
  LeastPartners m_of_a;  // of the a_i that is looked at
  std::vector<LeastPartners> m_of_b;
  std::vector<double> m_bound_of_b;
  double m_margin;
};

}  // namespace

CandidatePairs least_reduced_pairs(const PairCosts& costs, const Potentials& potentials, int count) {
  return Search(costs, potentials, count).run();
}

Potentials extended(const PairCosts& costs, const Potentials& potentials, int n_a, int n_b) {
  const std::vector<double> coarse = in_blocks(potentials.b, -infinity);
  const int n_coarse = blocks_of(coarse.size()), n_blocks = blocks_of(static_cast<std::size_t>(n_b));
  std::vector<double> b(static_cast<std::size_t>(n_blocks) * width, infinity);
  Potentials fine;
  double of_block[width];
  for (int i = 0; i < n_a; ++i) {
    double least = infinity;
    for (int block = 0; block < n_coarse; ++block) {
      costs.whole_of_block(i, block, of_block);
      const double* known = &coarse[static_cast<std::size_t>(block) * width];
#pragma omp simd reduction(min : least)
      for (int c = 0; c < width; ++c) least = std::min(least, of_block[c] - known[c]);
    }
    fine.a.push_back(static_cast<std::int64_t>(std::floor(least)));
    for (int block = 0; block < n_blocks; ++block) {
      costs.whole_of_block(i, block, of_block);
      double* found = &b[static_cast<std::size_t>(block) * width];
#pragma omp simd
      for (int c = 0; c < width; ++c) found[c] = std::min(found[c], of_block[c] - least);
    }
  }
  for (int j = 0; j < n_b; ++j)
    fine.b.push_back(static_cast<std::int64_t>(std::floor(b[static_cast<std::size_t>(j)])));
  return fine;
}

}  // namespace rhoflux::metrics
