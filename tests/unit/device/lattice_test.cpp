#include "rhoflux/device/lattice.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rhoflux/core/math.hpp"
#include "rhoflux/device/loops.hpp"
#include "support/device_data.hpp"

namespace rhoflux {
namespace {

struct Extents {
  int n_dims, n_points;
};

/// Points first, first + 1, .. as kernels see them, (n_points, n_dims) in C order.
std::vector<double> points_of(const ShiftedLattice& lattice, const RandomStream& random, std::int64_t first,
                              const Extents& extents) {
  const auto x = make_matrix<double>("points", extents.n_dims, extents.n_points);
  for_each_entry(
      ExecutionSpace(), "points of a lattice", extents.n_dims, extents.n_points,
      KOKKOS_LAMBDA(int k, int s) { x(k, s) = lattice.at(random, first + s, k); });
  return test::values_of(x);
}

/// Means of a smooth function over 256 points: unbiased, and with a variance over the shifts far below that
/// of independent points.
TEST(ShiftedLattice, IntegratesBetterThanChance) {
  constexpr int n_dims = 4, n_points = 256, n_shifts = 400;
  const ShiftedLattice lattice(n_dims);
  double sum = 0, squares = 0;
  for (int shift = 0; shift < n_shifts; ++shift) {
    const RandomStream random(11, RandomPurpose::expectation, static_cast<std::uint64_t>(shift));
    const std::vector<double> x = points_of(lattice, random, 0, {n_dims, n_points});
    double mean = 0;
    for (std::size_t s = 0; s < n_points; ++s) {
      double product = 1;
      for (std::size_t k = 0; k < n_dims; ++k)
        product *= 1 + 0.5 * std::sin(2 * math::pi * x[s * n_dims + k]);
      mean += product / n_points;
    }
    sum += mean / n_shifts;
    squares += (mean - 1) * (mean - 1) / n_shifts;
  }
  const double independent =
      (std::pow(1.125, n_dims) - 1) / n_points;  // variance of a mean of independent points
  EXPECT_LT(std::fabs(sum - 1), 4 * std::sqrt(squares / n_shifts));
  EXPECT_LT(squares, 0.1 * independent);
}

TEST(ShiftedLattice, StaysInsideTheUnitCube) {
  const ShiftedLattice lattice(64);
  const RandomStream random(1, RandomPurpose::expectation, 0);
  for (const std::int64_t index : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1} << 31})
    for (const double coordinate : points_of(lattice, random, index, {64, 1})) {
      EXPECT_GT(coordinate, 0.0);
      EXPECT_LT(coordinate, 1.0);
    }
}

}  // namespace
}  // namespace rhoflux
