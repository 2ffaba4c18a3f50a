#pragma once

#include <cstdint>
#include <vector>

#include "pair_costs.hpp"

namespace rhoflux::metrics {

/// Dual variables of a transport problem of the first a.size() and b.size() points. The reduced cost of the pair (i, j)
/// is its cost - a[i] - b[j].
struct Potentials {
  std::vector<std::int64_t> a, b;
};

/// a_i, b_j and the cost of carrying a unit from one to the other.
struct Pair {
  int i, j;
  std::int64_t cost;
};

struct CandidatePairs {
  std::vector<Pair> pairs;     ///< the pairs of least reduced cost of every a_i and of every b_j, some twice
  std::int64_t least_reduced;  ///< over all pairs
};

/// Looks at all pairs of the points that have potentials.
/// @param count how many pairs each point has
CandidatePairs least_reduced_pairs(const PairCosts& costs, const Potentials& potentials, int count);

/// Potentials of the first n_a and n_b points from those of fewer: a[i] = min_j (cost - b[j]) over the b_j that have
/// one, then b[j] = min_i (cost - a[i]) over all.
Potentials extended(const PairCosts& costs, const Potentials& potentials, int n_a, int n_b);

}  // namespace rhoflux::metrics
