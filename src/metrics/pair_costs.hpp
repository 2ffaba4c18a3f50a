#pragma once

#include <cstdint>
#include <vector>

namespace rhoflux::metrics {

/// The costs |a_i - b_j|^order of all pairs of two point sets, computed from the points when asked for, as double
/// precision numbers and as whole numbers: the cost times 2^44 over the largest one, rounded.
class PairCosts {
 public:
  /// How many b_j a block has: the pairs of one a_i and the b_j of a block are computed together.
  static constexpr int width = 64;

  /// Coordinates are divided by `unit`, a power of 2, so that no square leaves the range of doubles.
  /// @param[in] a (n, d), C order; of it the rows `rows_a`, in that order, are the a_i
  /// @param[in] b (n, d), C order; the b_j likewise
  PairCosts(const double* a, const std::vector<int>& rows_a, const double* b, const std::vector<int>& rows_b,
            int d, int order);

  int n_a() const { return m_n_a; }
  int n_b() const { return m_n_b; }
  double unit() const { return m_unit; }
  /// The largest cost, in units of `unit`^order.
  double largest() const { return m_largest; }
  /// The cost of a pair, in units of `unit`^order.
  double cost(int i, int j) const;
  /// The cost of a pair as a whole number, the same as that of its block.
  std::int64_t whole(int i, int j) const;
  /// The costs as whole numbers of a_i and the b_j of a block, j = width * block .. width * (block + 1) - 1; those of
  /// j >= n_b have no meaning.
  void whole_of_block(int i, int block, double* costs) const;

 private:
  /// Costs of a block in double precision.
  void of_block(int i, int block, double* costs) const;

  int m_n_a, m_n_b, m_d, m_order;
  double m_unit = 1, m_largest = 0, m_scale = 0;
  std::vector<double> m_a;  ///< (n_a, d)
  std::vector<double> m_b;  ///< (blocks, d, width)
};

}  // namespace rhoflux::metrics
