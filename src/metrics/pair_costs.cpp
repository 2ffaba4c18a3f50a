#include "pair_costs.hpp"

#include <algorithm>
#include <cmath>

namespace rhoflux::metrics {

namespace {

/// Largest whole-number cost. Sums along a path of 2^17 arcs stay below the solver's artificial cost of 2^62.
constexpr double largest_whole = 0x1p44;

double largest_coordinate(const double* x, const std::vector<int>& rows, int d) {
  double largest = 0;
  for (const int row : rows)
    for (int k = 0; k < d; ++k)
      largest = std::max(largest, std::abs(x[static_cast<std::ptrdiff_t>(row) * d + k]));
  return largest;
}

/// The power of 2 just above a number, or the largest there is.
double power_above(double number) {
  int exponent = 0;
  std::frexp(number, &exponent);
  return std::ldexp(1.0, std::clamp(exponent, -1021, 1023));
}

}  // namespace

PairCosts::PairCosts(const double* a, const std::vector<int>& rows_a, const double* b,
                     const std::vector<int>& rows_b, int d, int order)
    : m_n_a(static_cast<int>(rows_a.size())), m_n_b(static_cast<int>(rows_b.size())), m_d(d), m_order(order) {
  m_unit = power_above(std::max(largest_coordinate(a, rows_a, d), largest_coordinate(b, rows_b, d)));
  for (const int row : rows_a)
    for (int k = 0; k < d; ++k) m_a.push_back(a[static_cast<std::ptrdiff_t>(row) * d + k] / m_unit);
  const int n_blocks = (m_n_b + width - 1) / width;
  for (int block = 0; block < n_blocks; ++block)
    for (int k = 0; k < d; ++k)
      for (int j = block * width; j < (block + 1) * width; ++j) {
        const int row = rows_b[static_cast<std::size_t>(j < m_n_b ? j : 0)];  // past the end: the first point
        m_b.push_back(b[static_cast<std::ptrdiff_t>(row) * d + k] / m_unit);
      }
  double costs[width];
  for (int i = 0; i < m_n_a; ++i)
    for (int block = 0; block < n_blocks; ++block) {
      of_block(i, block, costs);
      m_largest = std::max(m_largest, *std::max_element(costs, costs + width));
    }
  if (m_largest > 0) m_scale = largest_whole / m_largest;
}

double PairCosts::cost(int i, int j) const {
  double costs[width];
  of_block(i, j / width, costs);
  return costs[j % width];
}

std::int64_t PairCosts::whole(int i, int j) const {
  double costs[width];
  whole_of_block(i, j / width, costs);
  return static_cast<std::int64_t>(costs[j % width]);
}

void PairCosts::whole_of_block(int i, int block, double* costs) const {
  constexpr double no_fraction = 0x1p52;  // doubles from here on to twice that are the whole numbers
  of_block(i, block, costs);
#pragma omp simd
  for (int c = 0; c < width; ++c) costs[c] = (costs[c] * m_scale + no_fraction) - no_fraction;
}

void PairCosts::of_block(int i, int block, double* costs) const {
  const double* p = &m_a[static_cast<std::size_t>(i) * static_cast<std::size_t>(m_d)];
  const double* q = &m_b[static_cast<std::size_t>(block) * static_cast<std::size_t>(m_d) * width];
  double sums[width] = {};
  for (int k = 0; k < m_d; ++k, q += width) {
    const double x = p[k];
#pragma omp simd
    for (int c = 0; c < width; ++c) sums[c] += (x - q[c]) * (x - q[c]);
  }
  if (m_order == 1) {
#pragma omp simd
    for (int c = 0; c < width; ++c) sums[c] = std::sqrt(sums[c]);
  }
  std::copy(sums, sums + width, costs);
}

}  // namespace rhoflux::metrics
