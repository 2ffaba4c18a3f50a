#include "rhoflux/data/bootstrap.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <set>
#include <vector>

#include "rhoflux/data/shard.hpp"
#include "support/device_data.hpp"
#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::data {
namespace {

using namespace test;
using io::testing::TemporaryFolder;

/// Mean 1 and variance 1 within five standard errors of n independent exponential numbers (the variance of (c - 1)^2 is
/// 9 - 1); those of another replicate, seed or unit are uncorrelated.
TEST(ReplicateWeight, IsExponentialAndIndependent) {
  constexpr int n = 100000;
  double sum = 0, squares = 0, of_replicates = 0, of_seeds = 0, of_units = 0;
  for (std::uint64_t unit = 0; unit < n; ++unit) {
    const double c = replicate_weight(7, 3, unit) - 1;
    sum += c;
    squares += c * c;
    of_replicates += c * (replicate_weight(7, 4, unit) - 1);
    of_seeds += c * (replicate_weight(8, 3, unit) - 1);
    of_units += c * (replicate_weight(7, 3, unit + 1) - 1);
    EXPECT_GT(c, -1);
  }
  const double error = 1 / std::sqrt(n);
  EXPECT_NEAR(sum / n, 0, 5 * error);
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(8.0) * error);
  for (const double products : {of_replicates, of_seeds, of_units}) EXPECT_NEAR(products / n, 0, 5 * error);
}

constexpr int n_rows = 40;

Shard<double> rows(std::int64_t begin, std::int64_t end) {
  std::vector<double> tau, x, weight;
  for (std::int64_t row = begin; row < end; ++row) {
    tau.push_back(static_cast<double>(row));
    x.push_back(0);
    weight.push_back(1.0 + static_cast<double>(row));
  }
  return {begin, n_rows, to_vector<double>(tau), to_matrix<double>(x, 1), to_vector<double>(weight)};
}

/// Row and weight of some samples of a batch of n_rows.
std::vector<std::pair<int, double>> drawn(const Shard<double>& shard, const Replicate& replicate,
                                          std::int64_t first, int n) {
  const density::Points<double> points = {make_vector<double>("tau", n), make_matrix<double>("x", 1, n)};
  const auto weight = make_vector<double>("weight", n);
  BatchConfig config = {RandomPurpose::batch, 5, 2, n_rows};
  config.replicate = replicate;
  draw_batch(ExecutionSpace(), shard, config, first, points, weight);
  std::vector<std::pair<int, double>> result;
  for (int s = 0; s < n; ++s)
    result.emplace_back(static_cast<int>(on_host(points.tau)(s)), on_host(weight)(s));
  return result;
}

/// A row has the weight of its replicate whichever sample draws it, and on whichever rank it lies.
TEST(DrawBatch, WeighsRowsByTheirReplicate) {
  const Replicate replicate = {3, 0.5};
  const auto want = [](int row) {
    return (1.0 + row) * 0.5 * replicate_weight(5, 3, static_cast<std::uint64_t>(row));
  };
  for (const auto& [row, weight] : drawn(rows(0, n_rows), replicate, 0, n_rows))
    EXPECT_DOUBLE_EQ(weight, want(row));
  for (const auto& [row, weight] : drawn(rows(20, n_rows), replicate, 20, n_rows - 20))
    EXPECT_DOUBLE_EQ(weight, want(row));
  for (const auto& [row, weight] : drawn(rows(0, n_rows), {}, 0, n_rows)) EXPECT_EQ(weight, 1.0 + row);
}

TEST(DrawBatch, WeighsAllRowsOfAUnitAlike) {
  Shard<double> shard = rows(0, n_rows);
  shard.units = Vector<std::int32_t>("units", n_rows);
  const auto host = Kokkos::create_mirror_view(shard.units);
  for (int row = 0; row < n_rows; ++row) host(row) = row % 3;
  Kokkos::deep_copy(shard.units, host);
  for (const auto& [row, weight] : drawn(shard, {1, 2.0}, 0, n_rows))
    EXPECT_DOUBLE_EQ(weight, (1.0 + row) * 2 * replicate_weight(5, 1, static_cast<std::uint64_t>(row % 3)));
}

/// Two snapshots of donors a, b, c and a, b; one row has no weight, one is no training row.
class BootstrapOfDonors : public ::testing::Test {
 protected:
  BootstrapOfDonors() {
    population.n_dims = 1;
    population.t = {0, 0, 0, 0, 1, 1, 1};
    population.x = {0, 1, 2, 3, 4, 5, 6};
    population.weight = {1, 2, 3, 1, 4, 0, 1};
    population.split = {0, 0, 0, 0, 0, 0, 2};
    population.labels = {{"donor", {"a", "b", "c", "d"}, {0, 1, 2, 0, 0, 1, 3}}};
  }
  io::PopulationFile open() {
    io::write_population(folder.file("data.h5"), population, true);
    return {folder.file("data.h5"), comm};
  }

  TemporaryFolder folder;
  mpi::Communicator comm{MPI_COMM_SELF};
  io::PopulationData population;
  const Bootstrap by_donor = Bootstrap::parse("label:donor");
};

TEST_F(BootstrapOfDonors, CountsUnitsWithWeightByTime) {
  const BootstrapUnits units = read_bootstrap_units(by_donor, open(), comm);
  EXPECT_EQ(units.mass, (std::vector<double>{6, 2, 3, 0}));
  EXPECT_EQ(units.fewest, 1);
  EXPECT_EQ(units.t_fewest, 1);
  EXPECT_FALSE(units.are_events);
  EXPECT_NE(warning_of_few_units(by_donor, units, {}).find("at t = 1 have one donor alone"),
            std::string::npos);
  EXPECT_TRUE(read_bootstrap_units(Bootstrap::parse("rows"), open(), comm).mass.empty());
}

/// The weights of a replicate add up to those of the rows.
TEST_F(BootstrapOfDonors, KeepsTheMassOfTheRows) {
  const BootstrapUnits units = read_bootstrap_units(by_donor, open(), comm);
  std::set<double> scales;
  for (std::uint64_t replicate = 0; replicate < 5; ++replicate) {
    const double scale = units.scale(11, replicate);
    double sum = 0;
    for (std::uint64_t unit = 0; unit < units.mass.size(); ++unit)
      sum += units.mass[unit] * scale * replicate_weight(11, replicate, unit);
    EXPECT_NEAR(sum, 11, 1e-12);
    scales.insert(scale);
  }
  EXPECT_EQ(scales.size(), 5u);
  EXPECT_EQ(BootstrapUnits().scale(11, 2), 1);
}

TEST_F(BootstrapOfDonors, ReadsTheUnitsOfAShare) {
  const io::PopulationFile file = open();
  Shard<double> shard;
  read_units(file, io::Split::train, {1, 5}, "donor", shard);
  const auto units = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), shard.units);
  EXPECT_EQ(std::vector<std::int32_t>(units.data(), units.data() + units.size()),
            (std::vector<std::int32_t>{1, 2, 0, 0}));
}

TEST_F(BootstrapOfDonors, WhatItCannotWeighIsBadInput) {
  expect_error(ExitCode::bad_input, {"no label 'batch'", "its labels are donor"},
               [&] { (void)read_bootstrap_units(Bootstrap::parse("label:batch"), open(), comm); });
  population.labels[0].code = {0, 0, 0, 0, 0, 1, 1};
  expect_error(ExitCode::bad_input,
               {"data.bootstrap = label:donor", "all training rows", "have the same donor"},
               [&] { (void)read_bootstrap_units(by_donor, open(), comm); });
}

/// (G - 1) / (G + 1) of the variance of a mean of G units.
TEST_F(BootstrapOfDonors, SaysByHowMuchFewUnitsAreTooFew) {
  BootstrapUnits units;
  units.mass = {1, 1, 1, 1};
  units.fewest = 4;
  units.t_fewest = 2.5;
  const std::string text = warning_of_few_units(by_donor, units, {});
  EXPECT_NE(text.find("t = 2.5 have 4 different donors"), std::string::npos) << text;
  EXPECT_NE(text.find("0.77 times"), std::string::npos) << text;
  units.fewest = 8;
  EXPECT_EQ(warning_of_few_units(by_donor, units, {}), "");
  EXPECT_EQ(warning_of_few_units(Bootstrap::parse("rows"), {}, {}), "");
}

TEST(Bootstrap, IsReadAndWritten) {
  for (const char* text : {"none", "rows", "label:donor", "label:a:b"})
    EXPECT_EQ(Bootstrap::parse(text).to_string(), text);
  for (const char* text : {"donor", "label:", "row", ""})
    expect_error(ExitCode::bad_input, {"must be none, rows or label:NAME"},
                 [&] { (void)Bootstrap::parse(text); });
}

}  // namespace
}  // namespace rhoflux::data
