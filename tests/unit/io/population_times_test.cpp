#include <gtest/gtest.h>
#include <mpi.h>

#include "rhoflux/io/population.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

class PopulationTimes : public ::testing::Test {
 protected:
  void write(const std::vector<double>& t) {
    PopulationData data;
    data.n_dims = 1;
    data.t = t;
    data.x.assign(t.size(), 0.5);
    write_population(path, data, true);
  }
  PopulationFile open(const std::vector<double>& hold_out_times = {}) const {
    return PopulationFile(path, comm, hold_out_times);
  }

  testing::TemporaryFolder folder;
  std::string path = folder.file("data.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
};

TEST_F(PopulationTimes, AreNamedWithinFloat32Rounding) {
  const double tenth = static_cast<double>(0.1f), third = static_cast<double>(0.3f);
  write({tenth, tenth, third, third, third});
  EXPECT_EQ(open().named_time(0.1), tenth);
  EXPECT_EQ(open().named_time(0.3), third);
  EXPECT_EQ(open().named_time(third), third);
  for (const double t : {-1.0, 0.0, 0.2, 0.30001, 5.0}) EXPECT_EQ(open().named_time(t), std::nullopt) << t;
  EXPECT_EQ(open({0.3}).info().count(Split::train), 2);
  EXPECT_EQ(open({0.1, third}).info().count(Split::train), 0);
  EXPECT_EQ(open({0.2}).info().count(Split::train), 5);
}

/// Events a second apart, which float32 does not tell apart: each time names itself alone.
TEST_F(PopulationTimes, OfCloseEventsAreNotMerged) {
  std::vector<double> t;
  for (int k = 0; k < 100; ++k) t.push_back(1.46e9 + k);
  write(t);
  for (const double time : t) EXPECT_EQ(open().named_time(time), time);
  EXPECT_EQ(open({1.46e9 + 50}).info().count(Split::train), 99);
  EXPECT_EQ(open({1.46e9 + 50.1, 1.46e9 + 7}).info().count(Split::train), 98);
}

TEST_F(PopulationTimes, WithWeightAndSplitWithoutCoordinates) {
  PopulationData data = testing::numbered_population(100000, 2);  // in pieces
  write_population(path, data, true);
  const PopulationFile file = open({data.t.back()});
  PopulationRows all;
  file.for_each_piece(Split::all, [&](const PopulationRows& rows) {
    all.t.insert(all.t.end(), rows.t.begin(), rows.t.end());
    all.weight.insert(all.weight.end(), rows.weight.begin(), rows.weight.end());
  });
  std::size_t row = 0;
  std::array<std::int64_t, 3> counts{};
  file.for_each_marks([&](const RowMarks& marks) {
    for (std::size_t k = 0; k < marks.t.size(); ++k, ++row) {
      ASSERT_EQ(marks.t[k], all.t[row]);
      ASSERT_EQ(marks.weight[k], all.weight[row]);
      if (marks.t[k] == data.t.back()) {
        ASSERT_EQ(marks.split[k], Split::all);
      } else {
        ++counts[static_cast<std::size_t>(marks.split[k])];
      }
    }
  });
  EXPECT_EQ(row, 100000u);
  EXPECT_EQ(counts, file.info().split_count);
}

}  // namespace
}  // namespace rhoflux::io
