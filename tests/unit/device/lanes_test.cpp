#include "rhoflux/device/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "rhoflux/device/types.hpp"

namespace rhoflux {
namespace {

constexpr int capacity = 80;  // not a multiple of the lanes of a group

KOKKOS_INLINE_FUNCTION double value_of_entry(int l, int item) {
  return static_cast<double>((l * 37 + item) % 101);
}
KOKKOS_INLINE_FUNCTION std::uint64_t next_digest(std::uint64_t digest, double value) {
  return digest * 31 + static_cast<std::uint64_t>(value);
}

struct Found {
  Matrix<int> visits;            ///< (capacity, n_items) of each entry
  Matrix<double> sums, largest;  ///< (capacity, n_items) the same for all entries of an item
  Vector<std::uint64_t> digest;  ///< (n_items) of the values in order
  Vector<int> written;           ///< (n_items) by the first lane
  Matrix<int> read;              ///< (capacity, n_items) what the lane of each entry reads of it
};

void visit(int n_items, int n, const Found& found) {
  for_each_group(
      ExecutionSpace(), "groups", n_items, n, KOKKOS_LAMBDA(int item, const Lane& lane) {
        LaneArray<double, capacity> values;
        double sum = 0, largest = -1;
        RHOFLUX_FOR_LANE_ENTRIES(l, lane, n, capacity) {
          found.visits(static_cast<int>(l), item) += 1;
          values[l] = value_of_entry(static_cast<int>(l), item);
          sum += values[l];
          largest = values[l] > largest ? values[l] : largest;
        }
        sum = lane.sum(sum);
        largest = lane.maximum(largest);
        std::uint64_t digest = 0;
        for_each_in_order<capacity>(lane, values, n,
                                    [&](double value) { digest = next_digest(digest, value); });
        if (lane.is_first()) {
          found.digest(item) += digest;
          found.written(item) = item + 1;
        }
        lane.wait();
        RHOFLUX_FOR_LANE_ENTRIES(l, lane, n, capacity) {
          found.sums(static_cast<int>(l), item) = sum;
          found.largest(static_cast<int>(l), item) = largest;
          found.read(static_cast<int>(l), item) = found.written(item);
        }
      });
}

template <class View>
auto on_host(const View& view) {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
}

TEST(Lanes, ShareTheEntriesOfAnItemAndAgreeOnWhatTheyHave) {
  for (const int n_items : {0, 1, 3, 1000})
    for (const int n : {1, 5, 15, 16, 17, 31, 32, 33, capacity}) {
      const int rows = capacity, columns = n_items + 1;
      const Found found{
          make_matrix<int>("visits", rows, columns),     make_matrix<double>("sums", rows, columns),
          make_matrix<double>("largest", rows, columns), make_vector<std::uint64_t>("digest", columns),
          make_vector<int>("written", columns),          make_matrix<int>("read", rows, columns)};
      visit(n_items, n, found);
      const auto visits = on_host(found.visits), read = on_host(found.read);
      const auto sums = on_host(found.sums), largest = on_host(found.largest);
      const auto digests = on_host(found.digest);
      for (int item = 0; item < columns; ++item) {
        double sum = 0, maximum = 0;  // of whole numbers: exact in every order
        std::uint64_t digest = 0;
        for (int l = 0; l < n; ++l) {
          sum += value_of_entry(static_cast<int>(l), item);
          maximum = std::max(maximum, value_of_entry(static_cast<int>(l), item));
          digest = next_digest(digest, value_of_entry(static_cast<int>(l), item));
        }
        const bool is_item = item < n_items;
        ASSERT_EQ(digests(item), is_item ? digest : 0) << item << " of " << n_items;
        for (int l = 0; l < rows; ++l) {
          const bool is_entry = is_item && l < n;
          ASSERT_EQ(visits(static_cast<int>(l), item), is_entry ? 1 : 0) << l << ", " << item;
          ASSERT_EQ(sums(static_cast<int>(l), item), is_entry ? sum : 0) << l << ", " << item;
          ASSERT_EQ(largest(static_cast<int>(l), item), is_entry ? maximum : 0) << l << ", " << item;
          ASSERT_EQ(read(static_cast<int>(l), item), is_entry ? item + 1 : 0) << l << ", " << item;
        }
      }
    }
}

}  // namespace
}  // namespace rhoflux
