#include "rhoflux/io/population.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <limits>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

using test::expect_error;
using testing::numbered_population;
using testing::TemporaryFolder;

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

class Population : public ::testing::Test {
 protected:
  /// Writes the data without any check, as another program might.
  void write_unchecked(const PopulationData& data) const {
    const std::int64_t n = data.n_rows();
    Hdf5Writer file(path);
    file.write("t", data.t, {n});
    file.write("x", data.x, {n, data.n_dims});
    if (!data.weight.empty()) file.write("weight", data.weight, {n});
    if (!data.split.empty()) file.write("split", data.split, {n});
    file.close();
  }

  void expect_refused(const std::vector<std::string>& parts) const {
    std::vector<std::string> all_parts = {"data.h5"};
    all_parts.insert(all_parts.end(), parts.begin(), parts.end());
    expect_error(ExitCode::bad_input, all_parts, [&] { PopulationFile(path, comm); });
  }

  TemporaryFolder folder;
  std::string path = folder.file("data.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
};

TEST_F(Population, SortsStablyAndKeepsEverything) {
  PopulationData data;
  data.n_dims = 2;
  data.t = {2.0, 1.0, 2.0, 0.5};
  data.x = {20, -20, 10, -10, 21, -21, 5, -5};
  data.weight = {2.0, 1.0, 3.0, 0.0};
  data.split = {0, 1, 2, 0};
  data.dim_names = {"longitude", "latitude"};
  data.time.unit = "days";
  data.source = "by hand";
  write_population(path, data, false);
  EXPECT_TRUE(is_population(path));

  const PopulationFile file(path, comm);
  const PopulationInfo& info = file.info();
  EXPECT_EQ(info.n_rows, 4);
  EXPECT_EQ(info.n_dims, 2);
  EXPECT_EQ(info.dim_names, data.dim_names);
  EXPECT_EQ(info.time_unit, "days");
  EXPECT_EQ(info.source, "by hand");
  EXPECT_EQ(info.t_min, 0.5);
  EXPECT_EQ(info.t_max, 2.0);
  EXPECT_EQ(info.split_count, (std::array<std::int64_t, 3>{2, 1, 1}));
  EXPECT_TRUE(info.has_weight && info.has_split);
  const PopulationRows rows = file.read_split(Split::all, 0, 4);
  EXPECT_EQ(rows.n_dims, 2);
  EXPECT_EQ(rows.t, (std::vector<double>{0.5, 1.0, 2.0, 2.0}));
  EXPECT_EQ(rows.x, (std::vector<double>{5, -5, 10, -10, 20, -20, 21, -21}));
  EXPECT_EQ(rows.weight, (std::vector<double>{0.0, 1.0, 2.0, 3.0}));
  EXPECT_EQ(file.read_split(Split::train, 1, 2).x, (std::vector<double>{20, -20}));
  EXPECT_EQ(file.read_split(Split::test, 0, 1).weight, (std::vector<double>{3.0}));
}

TEST_F(Population, WithoutSplitAndWeightAllRowsTrainWithWeightOne) {
  PopulationData data = numbered_population(10, 3);
  data.split.clear();
  data.weight.clear();
  write_population(path, data, false);
  const PopulationFile file(path, comm);
  EXPECT_FALSE(file.info().has_weight || file.info().has_split);
  EXPECT_EQ(file.info().dim_names, (std::vector<std::string>{"x1", "x2", "x3"}));
  EXPECT_EQ(file.info().count(Split::train), 10);
  EXPECT_EQ(file.info().count(Split::val), 0);
  EXPECT_EQ(file.info().count(Split::all), 10);
  EXPECT_EQ(file.read_split(Split::train, 8, 10).weight, (std::vector<double>{1.0, 1.0}));
  EXPECT_EQ(file.read_split(Split::test, 0, 0).size(), 0);
}

/// Large enough for many counted blocks and several pieces.
TEST_F(Population, AnyRangeOfAnySplitHasTheRightRows) {
  const PopulationData data = numbered_population(150000, 2);
  write_population(path, data, false);
  const PopulationFile file(path, comm);
  for (const Split split : {Split::all, Split::train, Split::val, Split::test}) {
    std::vector<double> expected;  // x1 is the number of the row
    for (std::size_t i = 0; i < data.t.size(); ++i) {
      if (split == Split::all || data.split[i] == static_cast<int>(split)) expected.push_back(data.x[2 * i]);
    }
    const auto count = static_cast<std::int64_t>(expected.size());
    ASSERT_EQ(file.info().count(split), count);
    for (const auto& [begin, end] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {0, count}, {0, 1}, {count - 1, count}, {count / 3, count / 2}, {count, count}, {499, 502}}) {
      const PopulationRows rows = file.read_split(split, begin, end);
      ASSERT_EQ(rows.size(), end - begin);
      for (std::int64_t i = 0; i < rows.size(); ++i) {
        const auto k = static_cast<std::size_t>(i);
        const double row = expected[static_cast<std::size_t>(begin + i)];
        ASSERT_EQ(rows.x[2 * k], row);
        ASSERT_EQ(rows.x[2 * k + 1], -row);
        ASSERT_EQ(rows.t[k], std::floor(row / 4.0));
        ASSERT_EQ(rows.weight[k], 1.0 + std::fmod(row, 3.0));
      }
    }
    std::vector<double> streamed;
    file.for_each_piece(split, [&](const PopulationRows& piece) {
      EXPECT_LE(piece.size(), 65536);
      for (std::size_t i = 0; i < piece.t.size(); ++i) streamed.push_back(piece.x[2 * i]);
    });
    EXPECT_EQ(streamed, expected);
  }
}

TEST_F(Population, RangeOutsideTheSplitIsRefused) {
  write_population(path, numbered_population(100, 2), false);
  const PopulationFile file(path, comm);
  const std::int64_t count = file.info().count(Split::val);
  expect_error(ExitCode::bad_input, {"data.h5", "'val'", std::to_string(count)},
               [&] { file.read_split(Split::val, 0, count + 1); });
  expect_error(ExitCode::bad_input, {"'val'"}, [&] { file.read_split(Split::val, -1, 1); });
}

TEST_F(Population, NumbersThatAreNotFiniteAreNamedByTheirFirstRow) {
  const PopulationData good = numbered_population(70000, 2);
  PopulationData data = good;
  data.t[69000] = not_a_number;
  data.t[69500] = not_a_number;
  write_unchecked(data);
  expect_refused({"'t'", "not a finite number", "row 69000"});
  data = good;
  data.x[2 * 66000 + 1] = std::numeric_limits<double>::infinity();
  write_unchecked(data);
  expect_refused({"'x'", "not a finite number", "row 66000"});
  data = good;
  data.weight[5] = not_a_number;
  write_unchecked(data);
  expect_refused({"'weight'", "row 5 "});
}

TEST_F(Population, BadWeightSplitAndOrderAreRefused) {
  const PopulationData good = numbered_population(100, 2);
  PopulationData data = good;
  data.weight[7] = -0.5;
  write_unchecked(data);
  expect_refused({"'weight'", "negative", "row 7 "});
  data = good;
  data.weight.assign(100, 0.0);
  write_unchecked(data);
  expect_refused({"'weight'", "every weight is zero"});
  data = good;
  data.split[9] = 3;
  write_unchecked(data);
  expect_refused({"'split'", "0 (train), 1 (val) or 2 (test)", "row 9 "});
  data = good;
  data.split[9] = -1;
  write_unchecked(data);
  expect_refused({"'split'", "row 9 "});
  data = good;
  std::swap(data.t[50], data.t[40]);
  write_unchecked(data);
  expect_refused({"'t'", "not sorted", "row 41 ", "import the data again"});
}

TEST_F(Population, SplitStoredAsWideIntegersDoesNotWrapAround) {
  Hdf5Writer file(path);
  file.write("t", std::vector<double>{0, 1}, {2});
  file.write("x", std::vector<double>{0, 1}, {2, 1});
  file.write("split", std::vector<std::int64_t>{1, 256}, {2});
  file.close();
  expect_refused({"'split'", "row 1 "});
}

TEST_F(Population, WrongShapesAndTypesAreRefused) {
  const std::vector<double> six(6, 0.0);
  const auto write = [&](const Shape& t, const Shape& x, const std::string& extra, const Shape& extra_shape) {
    const auto zeros = [](const Shape& shape) { return std::vector<double>(element_count(shape), 0.0); };
    Hdf5Writer file(path);
    if (!t.empty()) file.write("t", zeros(t), t);
    if (!x.empty()) file.write("x", zeros(x), x);
    if (!extra.empty()) file.write(extra, zeros(extra_shape), extra_shape);
    file.close();
  };
  write({3}, {}, "", {});
  expect_refused({"no dataset 'x'"});
  write({}, {3, 2}, "", {});
  expect_refused({"no dataset 't'"});
  write({3, 1}, {3, 2}, "", {});
  expect_refused({"'t'", "expected shape (N)", "found (3, 1)"});
  write({3}, {6}, "", {});
  expect_refused({"'x'", "expected shape (3, D)", "found (6)"});
  write({3}, {2, 2}, "", {});
  expect_refused({"'x'", "expected shape (3, D)", "found (2, 2)"});
  write({3}, {3, 0}, "", {});
  expect_refused({"'x'", "found (3, 0)"});
  write({0}, {0, 2}, "", {});
  expect_refused({"'t'", "no rows"});
  write({3}, {3, 2}, "weight", {2});
  expect_refused({"'weight'", "expected shape (3)", "found (2)"});
  write({3}, {3, 2}, "split", {3});
  expect_refused({"'split'", "expected integers"});

  Hdf5Writer file(path);
  file.write_string("t", "0");
  file.write("x", std::vector<double>{0.0}, {1, 1});
  file.close();
  expect_refused({"'t'", "expected numbers"});
}

TEST_F(Population, AttributesAreChecked) {
  const auto write = [&](const std::string& kind, int version, const std::vector<std::string>& names) {
    Hdf5Writer file(path);
    file.attribute("/", "kind", kind);
    file.attribute("/", "format_version", version);
    file.attribute("/", "dim_names", names);
    file.write("t", std::vector<double>{0.0}, {1});
    file.write("x", std::vector<double>{0.0, 1.0}, {1, 2});
    file.close();
  };
  write("population", 1, {"a", "b"});
  EXPECT_EQ(PopulationFile(path, comm).info().dim_names[1], "b");
  write("checkpoint", 1, {"a", "b"});
  EXPECT_FALSE(is_population(path));
  expect_refused({"kind 'checkpoint'", "expected population data"});
  write("population", 2, {"a", "b"});
  expect_refused({"version 2", "version 1"});
  write("population", 1, {"a", "b", "c"});
  expect_refused({"'dim_names'", "expected 2", "found 3"});
}

TEST_F(Population, FilesThatAreNotThereForeignOrDamaged) {
  expect_refused({"no such file"});
  EXPECT_FALSE(is_population(path));
  testing::write_text(path, "t,x1\n0,1\n");
  expect_refused({"not an HDF5 file"});
  EXPECT_FALSE(is_population(path));

  const double marker = 1234.56789;
  PopulationData data = numbered_population(5000, 2);
  data.x[800] = marker;
  std::filesystem::remove(path);
  write_population(path, data, false);
  testing::corrupt_double(path, marker);
  expect_refused({"'x'", "cannot read rows", "HDF5"});

  write_population(path, data, true);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1000);
  expect_refused({"damaged"});
}

TEST_F(Population, WritingRefusesBadDataAndWritesNothing) {
  const PopulationData good = numbered_population(10, 2);
  const auto expect_not_written = [&](const PopulationData& data, const std::vector<std::string>& parts) {
    expect_error(ExitCode::bad_input, parts, [&] { write_population(path, data, false); });
    EXPECT_TRUE(folder.entries().empty());
  };
  PopulationData data = good;
  data.x[3] = not_a_number;
  expect_not_written(data, {"x is not finite", "row 1 "});
  data = good;
  data.t[4] = not_a_number;
  expect_not_written(data, {"t is not finite", "row 4 "});
  data = good;
  data.weight[2] = -1.0;
  expect_not_written(data, {"weight", "row 2 "});
  data = good;
  data.split[2] = 5;
  expect_not_written(data, {"split", "row 2 "});
  data = good;
  data.x.pop_back();
  expect_not_written(data, {"19 values", "10 rows"});
  data = good;
  data.dim_names = {"a"};
  expect_not_written(data, {"1 name ", "2 coordinates"});
  expect_not_written(PopulationData{}, {"at least one row"});
  data = good;
  data.labels = {{"kind", {"a", "b", "a"}, std::vector<std::int32_t>(10, 0)}};
  expect_not_written(data, {"label kind", "'a' is there twice"});
  data = good;
  data.conditions = {{"drug", {"A", "A"}, std::vector<double>(10, 0.0)}};
  expect_not_written(data, {"condition drug", "'A' is there twice"});

  write_population(path, good, false);
  expect_error(ExitCode::bad_input, {"already exists", "--force"},
               [&] { write_population(path, good, false); });
  EXPECT_NO_THROW(write_population(path, good, true));
}

TEST(PopulationSplit, NamesGoBothWays) {
  for (const Split split : {Split::all, Split::train, Split::val, Split::test}) {
    EXPECT_EQ(parse_split(to_string(split)), split);
  }
  expect_error(ExitCode::bad_input, {"'Test'", "train, val, test"}, [] { parse_split("Test"); });
}

}  // namespace
}  // namespace rhoflux::io
