#include "rhoflux/device/reductions.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rhoflux/device/accelerator.hpp"
#include "rhoflux/device/linear_algebra.hpp"
#include "support/device_data.hpp"

namespace rhoflux {
namespace {

using test::to_matrix;
using test::values_of;

// Whole numbers: their sums are exact in every order.

void add_numbers(int count, const PairOfSums& to) {
  add_sums(
      ExecutionSpace(), "numbers", count,
      KOKKOS_LAMBDA(int k, double& first, double& second) {
        first += k;
        second += 1;
      },
      to);
}

TEST(Reductions, AddSumsTimesTheirFactorsToWhatIsThere) {
  for (const int count : {0, 1, 1000, 70000}) {
    const auto sums = test::to_vector<double>({5, 7});
    add_numbers(count, {sums, {2, 3}});
    const double n = count;
    EXPECT_EQ(values_of(sums), (std::vector<double>{5 + n * (n - 1), 7 + 3 * n})) << count;
  }
}

TEST(Reductions, AddTheSumOfEachColumnAtItsPlace) {
  for (const int n_rows : {1, 15, 33, 500}) {
    std::vector<double> values, expected(4, 10);
    const std::vector<int> places = {2, 0, 3};  // nothing is added at 1
    for (int column = 0; column < 3; ++column)
      for (int row = 0; row < n_rows; ++row) {
        values.push_back(row * (column + 1));
        expected[static_cast<std::size_t>(places[static_cast<std::size_t>(column)])] += values.back();
      }
    const auto to = test::to_vector<double>({10, 10, 10, 10});
    add_column_sums<double>(ExecutionSpace(), "columns", to_matrix<double>(values, n_rows),
                            on_device<int>(places, "places"), to);
    EXPECT_EQ(values_of(to), expected) << n_rows;
  }
}

/// The products of the slices, and of the columns that are left over, add up to the whole.
TEST(LinearAlgebra, SlicesAddUpToTheProduct) {
  constexpr int m = 3, k = 2, n = 1600, most = 3, distance = 8;
  std::vector<double> a, b;
  for (int column = 0; column < n; ++column) {
    for (int row = 0; row < m; ++row) a.push_back((column * 7 + row) % 11 - 5);
    for (int row = 0; row < k; ++row) b.push_back((column * 5 + row) % 13 - 6);
  }
  const Slices slices = slices_of(n, most);
  EXPECT_EQ(slices.count, 3);
  EXPECT_LT(slices.count * slices.length, n) << "some columns should be left over";
  const auto results = make_vector<double>("results", most * distance);
  const UnmanagedMatrix<double> first(results.data(), m, k);
  multiply_slices(ExecutionSpace(), to_matrix<double>(a, m), to_matrix<double>(b, k), slices, first, distance,
                  MatrixPrecision::full);
  const std::vector<double> found = values_of(results);
  for (int column = 0; column < k; ++column)
    for (int row = 0; row < m; ++row) {
      double want = 0, sum = 0;
      for (int s = 0; s < n; ++s)
        want += a[static_cast<std::size_t>(s * m + row)] * b[static_cast<std::size_t>(s * k + column)];
      for (int slice = 0; slice < slices.count; ++slice)
        sum += found[static_cast<std::size_t>(slice * distance + column * m + row)];
      EXPECT_EQ(sum, want);
    }
}

TEST(Accelerator, IsUsableWhereTestsRunAndSaysWhatMemoryIsFree) {
  EXPECT_EQ(unusable_accelerator(), "");
  EXPECT_GT(free_memory(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace rhoflux
