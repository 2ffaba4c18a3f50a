#pragma once

#include <vector>

namespace rhoflux::metrics {

/// Exact distances between two point sets.
struct Wasserstein {
  double w1 = 0.0;  ///< cost |x - y|
  double w2 = 0.0;  ///< square root of the least mean of |x - y|^2
};

/// Exact optimal transport between two sets of n points of weight 1/n:
///
///   W_p = ( min over permutations s of (1/n) sum_i |a_i - b_s(i)|^p )^(1/p),  p = order.
///
/// The network simplex method solves the problem with a part of the pairs, those of least reduced cost, until the
/// reduced costs of all pairs prove that no other pair would make the cost less. Memory is some KiB a point, and time
/// grows a little faster than n^2; both are several times larger where next to all matchings are as good, as for order 1
/// between points on one line that are far apart. In one dimension the points are sorted.
///
/// @param[in] a (n, d), C order
/// @param[in] b (n, d), C order
/// @param[in] n 1 .. 30000
/// @param[in] order 1 or 2
/// The matching is optimal for costs rounded to multiples of 2^-44 of the largest one; the distance is that of the
/// matching in double precision. Errors: bad input for sizes or an order outside these ranges or points that
/// are not finite; a numerical failure if the solver finds no optimum.
double wasserstein(const double* a, const double* b, int n, int d, int order);

/// The matching of that distance, by the same method: a_i goes to b_s(i). @return s (n)
std::vector<int> optimal_matching(const double* a, const double* b, int n, int d, int order);

/// Both orders at once.
Wasserstein wasserstein(const double* a, const double* b, int n, int d);

/// Points x (n, d), C order, with weights (n), none negative.
struct WeightedPoints {
  const double* x;
  const double* weight;
  int n;
};

/// Exact optimal transport between weighted points and n_b points of equal weight, by the same method:
///
///   W_p = ( min over P of sum_ij P_ij |a_i - b_j|^p )^(1/p),
///   P_ij >= 0,  sum_j P_ij = w_i / sum w,  sum_i P_ij = 1 / n_b.
///
/// The masses are whole numbers of parts of 2^-52 (or a little more) of the whole, to which the weights are rounded.
/// Errors: as above, or weights that are negative, not finite or all 0.
double wasserstein(const WeightedPoints& a, const double* b, int n_b, int d, int order);
Wasserstein wasserstein(const WeightedPoints& a, const double* b, int n_b, int d);

}  // namespace rhoflux::metrics
