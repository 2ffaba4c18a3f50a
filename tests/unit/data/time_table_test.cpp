#include "rhoflux/data/time_table.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include "rhoflux/data/shard.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::data {
namespace {

using io::testing::TemporaryFolder;

class Rows : public ::testing::Test {
 protected:
  /// Rows at these times, x = row number, all of the training split.
  void set_times(const std::vector<double>& t) {
    data = {};
    data.n_dims = 1;
    data.t = t;
    for (std::size_t row = 0; row < t.size(); ++row) data.x.push_back(static_cast<double>(row));
  }
  io::PopulationFile open(const std::vector<double>& hold_out_times = {}) {
    io::write_population(path, data, true);
    return io::PopulationFile(path, comm, hold_out_times);
  }
  TimeTable table(const std::vector<double>& hold_out_times = {}) {
    return read_time_table(open(hold_out_times), comm);
  }
  /// The rows that a start from `most` rows takes.
  std::vector<double> start(std::int64_t most) {
    return initial_rows(open(), comm, Units::identity(1), most).x;
  }

  TemporaryFolder folder;
  std::string path = folder.file("data.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
  io::PopulationData data;
};

TEST_F(Rows, AreCountedByTimeAndSplit) {
  set_times({0, 0, 0, 1, 1, 2});
  data.split = {0, 2, 2, 0, 1, 1};
  const TimeTable found = table({1});
  ASSERT_EQ(found.times.size(), 3u);
  EXPECT_EQ(found.times[0].of(io::Split::train).rows, 1);
  EXPECT_EQ(found.times[0].of(io::Split::test).rows, 2);
  EXPECT_EQ(found.times[1].of(io::Split::train).rows, 0);  // held out
  EXPECT_EQ(found.times[1].of(io::Split::all).rows, 2);
  EXPECT_EQ(found.times[2].of(io::Split::val).rows, 1);
  EXPECT_EQ(found.of(io::Split::val).rows, 1);
  EXPECT_EQ(found.of(io::Split::all).rows, 6);
  EXPECT_EQ(found.n_times, 3);
}

TEST_F(Rows, OfWeightZeroDoNotCount) {
  set_times({0, 0, 1, 1, 1, 2});
  data.weight = {0, 0, 1, 3, 0, 2};
  const TimeTable found = table();
  EXPECT_EQ(found.n_times, 2);
  EXPECT_EQ(found.times[0].of(io::Split::train).rows, 0);
  const RowCount at_1 = found.times[1].of(io::Split::train), all = count_rows(open(), io::Split::train, comm);
  EXPECT_EQ(at_1.rows, 2);
  EXPECT_DOUBLE_EQ(at_1.effective(), 16.0 / 10);
  EXPECT_FALSE(at_1.has_equal_weights());
  EXPECT_EQ(all.rows, 3);
  EXPECT_EQ(all.weight, 6);
  EXPECT_DOUBLE_EQ(all.effective(), 36.0 / 14);
  data.weight = {0, 0, 2, 2, 0, 2};
  EXPECT_DOUBLE_EQ(count_rows(open(), io::Split::all, comm).effective(), 3);
  EXPECT_TRUE(count_rows(open(), io::Split::all, comm).has_equal_weights());
}

TEST_F(Rows, WithoutWeightsCountOneEach) {
  set_times({0, 1, 1});
  data.split = {0, 1, 1};
  const RowCount found = count_rows(open(), io::Split::val, comm);
  EXPECT_EQ(found.rows, 2);
  EXPECT_EQ(found.effective(), 2);
  EXPECT_TRUE(found.has_equal_weights());
  EXPECT_EQ(RowCount().effective(), 0);
  for (const double scale : {1e-250, 1.0, 1e250}) {
    RowCount of_scaled;
    for (const double w : {3.0, 1.0, 0.0, 5.0}) of_scaled.add(scale * w);
    EXPECT_DOUBLE_EQ(of_scaled.effective(), 81.0 / 35) << scale;
  }
}

TEST_F(Rows, AreEventsWhereMostTimesHaveOneOrTwo) {
  set_times({0, 0.1, 0.2, 0.3, 0.3, 1, 1, 1});
  EXPECT_TRUE(table().is_continuous());  // 4 of 5 times
  set_times({0, 0, 0, 1, 1, 1, 2, 2});
  EXPECT_FALSE(table().is_continuous());  // 1 of 3 times
  set_times({0, 1});
  EXPECT_FALSE(table().is_continuous());  // two times say nothing
  set_times({0, 0, 0, 1, 1, 1, 2, 2, 2});
  EXPECT_FALSE(table().is_continuous());
  data.weight = {1, 1, 0, 1, 1, 0, 1, 0, 0};
  EXPECT_TRUE(table().is_continuous());  // of the rows that count
}

/// The split does not matter: a snapshot may have one test row.
TEST_F(Rows, AreEventsByTheWholeFile) {
  set_times({0, 0, 0, 1, 1, 1, 2, 2, 2});
  data.split = {0, 0, 2, 0, 0, 2, 0, 0, 2};
  EXPECT_FALSE(table().is_continuous());
}

TEST_F(Rows, OfManyTimesAreCountedAndNotListed) {
  std::vector<double> t;
  for (std::size_t k = 0; k <= TimeTable::most_listed; ++k) t.push_back(static_cast<double>(k));
  set_times(t);
  EXPECT_TRUE(table().times.empty());
  EXPECT_EQ(table().n_times, static_cast<std::int64_t>(TimeTable::most_listed) + 1);
  t.pop_back();
  set_times(t);
  EXPECT_EQ(table().times.size(), TimeTable::most_listed);
}

/// A start from rows is the same with weights that are all 3 as without, and leaves out those of weight 0.
TEST_F(Rows, OfEqualWeightStartEvenly) {
  set_times(std::vector<double>(10, 0.0));
  const std::vector<double> without = start(4);
  EXPECT_EQ(without, (std::vector<double>{0, 3, 6, 9}));
  data.weight.assign(10, 3.0);
  EXPECT_EQ(start(4), without);
  data.weight = {0, 1, 0, 1, 0, 1, 0, 1, 0, 0};
  EXPECT_EQ(start(4), (std::vector<double>{1, 3, 5, 7}));
  EXPECT_EQ(start(2), (std::vector<double>{1, 5}));
}

/// Each row comes as often as its share of the weights says, to less than one.
TEST_F(Rows, OfDifferentWeightsStartByWeight) {
  set_times(std::vector<double>(5, 0.0));
  data.weight = {1, 0, 2, 0.25, 6.75};
  const std::vector<double> found = start(40);
  ASSERT_EQ(found.size(), 40u);
  for (std::size_t row = 0; row < 5; ++row) {
    const auto times = static_cast<double>(std::count(found.begin(), found.end(), static_cast<double>(row)));
    EXPECT_LT(std::abs(times - 40 * data.weight[row] / 10), 1) << row;
  }
  EXPECT_EQ(std::count(found.begin(), found.end(), 1.0), 0);
}

/// What a row of weight 0 holds goes nowhere.
TEST_F(Rows, OfWeightZeroHaveNoCoordinatesInAShard) {
  set_times({0, 0, 1});
  data.x[1] = 1e300;
  data.weight = {1, 0, 3};
  const Shard<float> shard =
      read_shard<float>(open(), io::Split::train, {0, 3}, Units::identity(1), {}, mean_weight(open(), comm));
  const auto x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), shard.x);
  const auto weight = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), shard.weight);
  EXPECT_EQ(x(0, 1), 0.0f);
  EXPECT_EQ(x(0, 2), 2.0f);
  EXPECT_EQ(weight(1), 0.0f);
  EXPECT_FLOAT_EQ(weight(2), 2.25f);  // mean 1 over the split
}

}  // namespace
}  // namespace rhoflux::data
