#pragma once

#include <cstdint>
#include <vector>

#include "pair_costs.hpp"

namespace rhoflux::metrics {

/// Mass that goes from a_i to b_j.
struct Carried {
  int i, j;
  std::int64_t mass;
};

/// The plan with the least sum of masses times costs over all ways to carry the masses of the a_i to the b_j, each of which takes the
/// same share of their sum. Costs are those of `PairCosts::cost`; the plan is optimal for the whole-number costs.
///
/// The network simplex method solves a problem with few pairs: those of least reduced cost of every point, by potentials
/// that come from the same problem for a quarter of the points. The potentials of its solution give the reduced costs of
/// all pairs; while one of them is below 0, it is solved again with the pairs of least reduced cost. In the end none is,
/// and the plan is optimal among all pairs. Memory grows as the sum of the numbers of points, time as their product times
/// the number of rounds: 2 to 10 for most clouds, more where next to all plans are as good.
///
/// @param[in] mass (n_a), each above 0; their sum is a multiple of n_b, at most 2^53
/// A numerical failure if the network simplex method finds no optimum. The points are in random order: the first ones
/// stand for all.
/// @param[in] costs not all 0
std::vector<Carried> optimal_plan(const PairCosts& costs, const std::vector<std::int64_t>& mass);

/// The sum itself; 0 where all costs are.
double least_cost(const PairCosts& costs, const std::vector<std::int64_t>& mass);

}  // namespace rhoflux::metrics
