#include "rhoflux/device/lattice.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rhoflux/core/math.hpp"

namespace rhoflux {
namespace {

/// Means of a smooth function over 256 points: unbiased, and with a variance over the shifts far below that
/// of independent points.
TEST(ShiftedLattice, IntegratesBetterThanChance) {
  constexpr int n_dims = 4, n_points = 256, n_shifts = 400;
  const ShiftedLattice lattice(n_dims);
  const auto f = [&](const RandomStream& random, std::int64_t index) {
    double product = 1;
    for (int k = 0; k < n_dims; ++k)
      product *= 1 + 0.5 * std::sin(2 * math::pi * lattice.at(random, index, k));
    return product;
  };
  double sum = 0, squares = 0;
  for (int shift = 0; shift < n_shifts; ++shift) {
    const RandomStream random(11, RandomPurpose::expectation, static_cast<std::uint64_t>(shift));
    double mean = 0;
    for (int s = 0; s < n_points; ++s) mean += f(random, s) / n_points;
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
    for (int k = 0; k < 64; ++k) {
      EXPECT_GT(lattice.at(random, index, k), 0.0);
      EXPECT_LT(lattice.at(random, index, k), 1.0);
    }
}

}  // namespace
}  // namespace rhoflux
