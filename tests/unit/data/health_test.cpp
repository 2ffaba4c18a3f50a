#include "rhoflux/data/health.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <random>

#include "unit/io/io_test_support.hpp"

namespace rhoflux::data {
namespace {

using Kind = HealthFinding::Kind;

/// 300 Gaussian rows at each of three times.
io::PopulationData sound_population() {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  io::PopulationData data;
  data.n_dims = 2;
  for (int i = 0; i < 900; ++i) {
    data.t.push_back(i / 300);
    data.x.push_back(normal(random));
    data.x.push_back(5 + normal(random));
    data.split.push_back(static_cast<std::int8_t>(i % 10 == 0 ? 2 : 0));
    data.source_row.push_back(1000 + i);
    data.id.push_back("cell" + std::to_string(i));
  }
  return data;
}

std::vector<HealthFinding> findings(const io::PopulationData& data) {
  const io::testing::TemporaryFolder folder;
  const mpi::Communicator comm(MPI_COMM_SELF);
  io::write_population(folder.file("data.h5"), data, true);
  return population_health(io::PopulationFile(folder.file("data.h5"), comm), comm);
}

/// One finding, of this kind, with these parts in its text.
void expect_only(const io::PopulationData& data, Kind kind, const std::vector<std::string>& parts) {
  const std::vector<HealthFinding> found = findings(data);
  ASSERT_EQ(found.size(), 1U) << (found.empty() ? "" : found[1].text);
  EXPECT_EQ(found[0].kind, kind);
  for (const std::string& part : parts)
    EXPECT_NE(found[0].text.find(part), std::string::npos) << found[0].text << " lacks " << part;
}

TEST(Health, SoundDataHaveNoFindings) {
  EXPECT_TRUE(findings(sound_population()).empty());
}

TEST(Health, FewDistinctValues) {
  io::PopulationData data = sound_population();
  for (std::size_t i = 0; i < 900; ++i) data.x[2 * i + 1] = std::round(3 * data.x[2 * i + 1]);
  expect_only(data, Kind::few_values,
              {"x2 has ", "distinct values in 900 rows", "training.noise", "--dequantise x2"});
  data = sound_population();
  for (std::size_t i = 0; i < 900; i += 4) data.x[2 * i] = 0.5;  // one value in a quarter of the rows
  expect_only(data, Kind::few_values, {"x1 has the value 0.5 in 25 % of the rows"});
  data = sound_population();
  for (std::size_t i = 0; i < 900; ++i)
    data.x[2 * i] = std::round(10 * data.x[2 * i]) / 10;  // about 60 values
  expect_only(data, Kind::few_values, {"x1 has "});
}

TEST(Health, ConstantCoordinates) {
  io::PopulationData data = sound_population();
  for (std::size_t i = 0; i < 900; ++i) data.x[2 * i] = 7;
  expect_only(data, Kind::constant, {"x1 has the same value, 7, in every row"});
  data = sound_population();
  for (std::size_t i = 0; i < 900; ++i) data.x[2 * i] = 1e7 + data.x[2 * i];
  expect_only(data, Kind::constant, {"x1 is nearly constant", "1e+07", "single precision"});
}

TEST(Health, ManyFindingsOfAKindAreCounted) {
  io::PopulationData data = sound_population();
  data.n_dims = 30;
  data.x.assign(900 * 30, 1.0);
  const std::vector<HealthFinding> found = findings(data);
  ASSERT_EQ(found.size(), 9U);
  EXPECT_EQ(found.back().text, "22 more findings like these");
}

TEST(Health, RowsFarOutsideAreNamed) {
  io::PopulationData data = sound_population();
  data.x[2 * 7] = 1e6;
  data.x[2 * 9] = -400;
  expect_only(data, Kind::far_rows,
              {"x1: 2 rows lie", "row 1007 (from 0) of the imported file, cell7", "x1 = 1e+06", "robust"});
  data = sound_population();
  data.x[2 * 7 + 1] = 35;  // 30 deviations
  data.id.clear();
  data.source_row.clear();
  expect_only(data, Kind::far_rows, {"x2: 1 row lies", "row 7 (from 0), with x2 = 35"});
}

TEST(Health, SnapshotsThatAreSingleSmallOrNotInASplit) {
  io::PopulationData data = sound_population();
  data.t.assign(900, 3.0);
  expect_only(data, Kind::single_time, {"all rows have the time 3", "no motion"});
  data = sound_population();
  for (std::size_t i = 600; i < 900; ++i) data.split[i] = 0;
  expect_only(data, Kind::split_without_rows, {"t = 2 has no rows in the split test"});
  data = sound_population();
  for (std::size_t i = 0; i < 9; ++i) data.t[i] = -1;
  const std::vector<HealthFinding> found = findings(data);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].text, "t = -1 has 9 rows only");
  EXPECT_EQ(found[1].kind, Kind::changing_numbers);
  // Events in continuous time are no snapshots.
  data = sound_population();
  for (std::size_t i = 0; i < 900; ++i) data.t[i] = static_cast<double>(i) / 900;
  EXPECT_TRUE(findings(data).empty());
}

/// What is said of times is said by the table of times, in which rows of weight 0 do not count.
TEST(Health, RowsOfWeightZeroMakeNoSnapshot) {
  io::PopulationData data = sound_population();
  data.weight.assign(900, 1.0);
  data.weight[0] = 0;
  for (std::size_t i = 0; i < 5; ++i) data.t[i] = -1;
  for (std::size_t i = 1; i < 5; ++i) data.weight[i] = 0;
  EXPECT_TRUE(findings(data).empty());
  data.weight[4] = 1;
  data.split[4] = 2;
  const std::vector<HealthFinding> found = findings(data);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].text, "t = -1 has 1 row only");
  EXPECT_EQ(found[1].text, "t = -1 has no rows in the split train");
  EXPECT_EQ(found[2].kind, Kind::changing_numbers);
}

TEST(Health, TimesAreShownAsDates) {
  io::PopulationData data = sound_population();
  data.time = {"d", "2020-02-28T00:00:00Z", {}, {}};
  for (std::size_t i = 600; i < 900; ++i) data.split[i] = 0;
  expect_only(data, Kind::split_without_rows, {"t = 2 (2020-03-01) has no rows in the split test"});
  data.t.assign(900, 1.0);
  expect_only(data, Kind::single_time, {"all rows have the time 1 (2020-02-29)"});
}

TEST(Health, ChangingNumbers) {
  io::PopulationData data = sound_population();
  for (std::size_t i = 300; i < 420; ++i) data.t[i] = 0;
  expect_only(data, Kind::changing_numbers, {"from 180 (t = 1) to 420 (t = 0)", "fates", "growth = weights"});
}

}  // namespace
}  // namespace rhoflux::data
