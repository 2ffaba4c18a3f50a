#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "rhoflux/device/types.hpp"

/// Copies between vectors of the host and the memory of the execution space. Tests read and write views by these alone, so
/// that they run on an accelerator too.
namespace rhoflux::test {

template <class Scalar>
Vector<Scalar> to_vector(const std::vector<double>& values) {
  return on_device<Scalar>(values, "values");
}

/// @param values (columns, rows) in C order
template <class Scalar>
Matrix<Scalar> to_matrix(const std::vector<double>& values, int rows) {
  const int columns = static_cast<int>(values.size()) / rows;
  const Matrix<Scalar> matrix = make_matrix<Scalar>("values", rows, columns);
  const auto host = Kokkos::create_mirror_view(matrix);
  for (int c = 0; c < columns; ++c)
    for (int r = 0; r < rows; ++r)
      host(r, c) = static_cast<Scalar>(values[static_cast<std::size_t>(c * rows + r)]);
  Kokkos::deep_copy(matrix, host);
  return matrix;
}

/// A copy of a vector or a matrix as it is now, to be read by the host.
template <class View>
auto on_host(const View& view) {
  using Data = typename View::non_const_data_type;
  // Entries of a part of a matrix have gaps between them, and only what has none can be copied between memories.
  const auto without_gaps = [&] {
    using Copy = Kokkos::View<Data, Kokkos::LayoutLeft, typename View::memory_space>;
    if constexpr (View::rank == 1)
      return Copy("without gaps", view.extent(0));
    else
      return Copy("without gaps", view.extent(0), view.extent(1));
  }();
  Kokkos::deep_copy(without_gaps, view);
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), without_gaps);
}

/// What on_host makes of a vector or a matrix.
template <class View>
using OnHost = decltype(on_host(std::declval<const View&>()));

/// The entries of a vector, or those of a matrix column after column.
template <class View>
std::vector<double> values_of(const View& view) {
  const auto host = on_host(view);
  std::vector<double> values;
  for (std::size_t k = 0; k < host.size(); ++k) values.push_back(static_cast<double>(host.data()[k]));
  return values;
}

/// Expects that two vectors agree to `relative` of the largest entry of `want`.
template <class Scalar>
void expect_near_entries(const Vector<Scalar>& got, const Vector<Scalar>& want, double relative) {
  const std::vector<double> found = values_of(got), expected = values_of(want);
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0;
  for (const double entry : expected) largest = std::max(largest, std::fabs(entry));
  for (std::size_t k = 0; k < found.size(); ++k)
    ASSERT_NEAR(found[k], expected[k], relative * largest) << "entry " << k;
}

}  // namespace rhoflux::test
