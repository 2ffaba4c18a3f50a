#include "rhoflux/io/population.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <limits>
#include <memory>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

using test::expect_error;
using testing::numbered_population;

constexpr std::int64_t n_rows = 100003;
constexpr int n_dims = 2;

/// A folder that the root makes and all ranks see.
class PopulationOnRanks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (comm.is_root()) {
      folder = std::make_unique<testing::TemporaryFolder>();
      path = folder->file("data.h5");
    }
    comm.broadcast(path);
  }
  void TearDown() override { comm.barrier(); }

  void write(const PopulationData& data) const {
    comm.barrier();  // every rank has closed what was there before
    mpi::on_root(comm, [&] {
      const std::int64_t n = data.n_rows();
      Hdf5Writer file(path);
      file.write("t", data.t, {n});
      file.write("x", data.x, {n, data.n_dims});
      file.write("weight", data.weight, {n});
      file.write("split", data.split, {n});
      file.close();
    });
  }

  mpi::Communicator comm{MPI_COMM_WORLD};
  std::unique_ptr<testing::TemporaryFolder> folder;
  std::string path;
};

TEST_F(PopulationOnRanks, SharesJoinToTheSameRowsForAnyRankCount) {
  const PopulationData data = numbered_population(n_rows, n_dims);
  mpi::on_root(comm, [&] { write_population(path, data, false); });
  const PopulationFile file(path, comm);
  EXPECT_EQ(file.info().n_rows, n_rows);
  EXPECT_EQ(file.info().t_min, 0.0);
  EXPECT_EQ(file.info().t_max, std::floor((n_rows - 1) / 4.0));
  EXPECT_EQ(file.info().time_unit, "h");
  for (const Split split : {Split::all, Split::train, Split::val, Split::test}) {
    std::vector<double> expected_t, expected_x, expected_weight;
    for (std::size_t i = 0; i < data.t.size(); ++i) {
      if (split != Split::all && data.split[i] != static_cast<int>(split)) continue;
      expected_t.push_back(data.t[i]);
      expected_x.insert(expected_x.end(), {data.x[2 * i], data.x[2 * i + 1]});
      expected_weight.push_back(data.weight[i]);
    }
    const std::int64_t count = file.info().count(split);
    ASSERT_EQ(count, static_cast<std::int64_t>(expected_t.size()));
    const mpi::Share share = mpi::share_of(count, comm.rank(), comm.size());
    const PopulationRows rows = file.read_split(split, share.begin, share.end);
    EXPECT_EQ(rows.size(), share.size());
    EXPECT_EQ(comm.all_gather(rows.t), expected_t);
    EXPECT_EQ(comm.all_gather(rows.x), expected_x);
    EXPECT_EQ(comm.all_gather(rows.weight), expected_weight);
  }
}

TEST_F(PopulationOnRanks, RanksMayAskForNothingOrForTheSameRows) {
  const PopulationData data = numbered_population(n_rows, n_dims);
  mpi::on_root(comm, [&] { write_population(path, data, false); });
  const PopulationFile file(path, comm);
  const std::int64_t end = comm.is_root() ? 0 : 5;
  EXPECT_EQ(file.read_split(Split::train, 0, end).size(), end);
  EXPECT_EQ(file.read_split(Split::train, 10, 12).x, (std::vector<double>{12, -12, 13, -13}));
}

TEST_F(PopulationOnRanks, OneRankMayStreamAlone) {
  const PopulationData data = numbered_population(n_rows, n_dims);
  mpi::on_root(comm, [&] { write_population(path, data, false); });
  const PopulationFile file(path, comm);
  double sum = 0.0;
  mpi::on_root(comm, [&] {
    file.for_each_piece(Split::all, [&](const PopulationRows& rows) {
      for (std::size_t i = 0; i < rows.t.size(); ++i) sum += rows.x[2 * i];
    });
  });
  if (comm.is_root()) {
    EXPECT_EQ(sum, 0.5 * n_rows * (n_rows - 1));
  }
}

/// The same message on every rank, whichever rank found the fault.
TEST_F(PopulationOnRanks, FaultsAreFoundOnceAndNamedEverywhere) {
  const PopulationData good = numbered_population(n_rows, n_dims);
  PopulationData data = good;
  for (const std::int64_t row : {99990, 60000, 26000}) {
    data.x[static_cast<std::size_t>(2 * row)] = std::numeric_limits<double>::quiet_NaN();
    write(data);
    expect_error(ExitCode::bad_input, {"data.h5", "'x'", "row " + std::to_string(row) + " "},
                 [&] { PopulationFile(path, comm); });
  }
  data = good;
  data.split[90000] = 7;
  write(data);
  expect_error(ExitCode::bad_input, {"'split'", "row 90000 "}, [&] { PopulationFile(path, comm); });
}

/// A step back in time exactly where the share of one rank ends is seen as well.
TEST_F(PopulationOnRanks, UnsortedTimesAreFoundBetweenTheSharesOfRanks) {
  PopulationData data = numbered_population(1000, n_dims);
  for (const std::size_t row : {250u, 500u, 750u}) {
    for (std::size_t i = 0; i < data.t.size(); ++i) data.t[i] = i < row ? 2.0 : 1.0;
    write(data);
    expect_error(ExitCode::bad_input, {"'t'", "not sorted", "row " + std::to_string(row) + " "},
                 [&] { PopulationFile(path, comm); });
  }
}

TEST_F(PopulationOnRanks, MissingAndDamagedFilesFailTogether) {
  expect_error(ExitCode::bad_input, {"data.h5", "no such file"}, [&] { PopulationFile(path, comm); });
  const double marker = 1234.56789;
  PopulationData data = numbered_population(n_rows, n_dims);
  data.x[2 * (n_rows - 10)] = marker;  // in the share of the last rank
  write(data);
  mpi::on_root(comm, [&] { testing::corrupt_double(path, marker); });
  expect_error(ExitCode::bad_input, {"data.h5", "'x'", "cannot read rows"},
               [&] { PopulationFile(path, comm); });
}

TEST_F(PopulationOnRanks, FewerRowsThanRanks) {
  PopulationData data = numbered_population(1, 3);
  write(data);
  const PopulationFile file(path, comm);
  EXPECT_EQ(file.info().n_rows, 1);
  EXPECT_EQ(file.info().count(Split::train), 1);
  const std::int64_t end = comm.is_root() ? 1 : 0;
  EXPECT_EQ(file.read_split(Split::train, 0, end).size(), end);
}

TEST_F(PopulationOnRanks, ABadRangeOnOneRankFailsOnAll) {
  write(numbered_population(100, n_dims));
  const PopulationFile file(path, comm);
  const std::int64_t end = comm.rank() == comm.size() - 1 ? 101 : 1;
  expect_error(ExitCode::bad_input, {"data.h5", "which has 100"},
               [&] { file.read_split(Split::all, 0, end); });
}

}  // namespace
}  // namespace rhoflux::io
