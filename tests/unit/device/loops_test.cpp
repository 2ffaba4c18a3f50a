#include "rhoflux/device/loops.hpp"

#include <gtest/gtest.h>

#include "support/device_data.hpp"

namespace rhoflux {
namespace {

using test::on_host;

struct Extents {
  int rows, columns;
};

/// Adds one to each entry that the loop visits.
void count_entries(const Extents& extents, const Matrix<int>& visits) {
  for_each_entry(
      ExecutionSpace(), "entries", extents.rows, extents.columns,
      KOKKOS_LAMBDA(int r, int c) { visits(r, c) += 1; });
}

void count_entries_by_row(const Extents& extents, const Matrix<int>& visits) {
  for_each_entry_by_row(
      ExecutionSpace(), "entries by row", extents.rows, extents.columns,
      KOKKOS_LAMBDA(int r, int c) { visits(r, c) += 1; });
}

/// The decimal digits of each row's number are its column numbers in the order of the visits.
void append_digits(const Extents& extents, const Vector<long>& number) {
  for_each_entry_by_row(
      ExecutionSpace(), "digits", extents.rows, extents.columns,
      KOKKOS_LAMBDA(int r, int c) { number(r) = 10 * number(r) + c; });
}

void count_indices(int count, const Vector<int>& visits) {
  for_each(
      ExecutionSpace(), "indices", count, KOKKOS_LAMBDA(int k) { visits(k) += 1; });
}

TEST(Loops, EachEntryIsVisitedOnce) {
  for (const Extents& extents : {Extents{1, 1}, {3, 5}, {64, 64}, {65, 2}, {200, 7}, {0, 3}, {3, 0}}) {
    const auto entries = make_matrix<int>("entries", extents.rows + 1, extents.columns + 1);
    const auto by_row = make_matrix<int>("by row", extents.rows + 1, extents.columns + 1);
    count_entries(extents, entries);
    count_entries_by_row(extents, by_row);
    const auto host_entries = on_host(entries), host_by_row = on_host(by_row);
    for (int r = 0; r <= extents.rows; ++r)
      for (int c = 0; c <= extents.columns; ++c) {
        const int want = r < extents.rows && c < extents.columns ? 1 : 0;
        ASSERT_EQ(host_entries(r, c), want) << r << ", " << c;
        ASSERT_EQ(host_by_row(r, c), want) << r << ", " << c;
      }
  }
}

TEST(Loops, ColumnsOfARowComeInOrder) {
  constexpr int rows = 130;
  const auto numbers = make_vector<long>("numbers", rows);
  append_digits({rows, 9}, numbers);
  const auto host = on_host(numbers);
  for (int r = 0; r < rows; ++r) EXPECT_EQ(host(r), 12345678) << "row " << r;
}

TEST(Loops, EachIndexIsVisitedOnce) {
  for (const int count : {0, 1, 77}) {
    const auto visits = make_vector<int>("visits", count + 1);
    count_indices(count, visits);
    const auto host = on_host(visits);
    for (int k = 0; k <= count; ++k) EXPECT_EQ(host(k), k < count ? 1 : 0);
  }
}

}  // namespace
}  // namespace rhoflux
