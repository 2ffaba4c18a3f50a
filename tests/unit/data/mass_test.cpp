#include "rhoflux/data/mass.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::data {
namespace {

using test::expect_error;

void expect_knots(const MassKnots& found, const std::vector<double>& t, const std::vector<double>& mass) {
  EXPECT_EQ(found.t, t);
  ASSERT_EQ(found.log_mass.size(), mass.size());
  for (std::size_t k = 0; k < mass.size(); ++k) EXPECT_NEAR(found.log_mass[k], std::log(mass[k]), 1e-14);
}

/// Snapshots t = 0, 1, 2 of 10, 20 and 80 rows.
class MassOfRows : public ::testing::Test {
 protected:
  MassOfRows() {
    population.n_dims = 1;
    for (const auto& [t, rows] : {std::pair{0, 10}, {1, 20}, {2, 80}})
      for (int k = 0; k < rows; ++k) add_row(t);
    config.file = folder.file("data.h5");
    config.mass = Mass::parse("counts");
  }
  void add_row(double t) {
    population.t.push_back(t);
    population.x.push_back(static_cast<double>(population.t.size()));
  }
  MassKnots mass() {
    io::write_population(config.file, population, true);
    const Sources sources = open_sources(config, objective, comm);
    return mass_of(config, sources, measure(sources, config, comm), comm);
  }

  std::string warning() {
    io::write_population(config.file, population, true);
    const Sources sources = open_sources(config, objective, comm);
    return known_mass(config, sources, measure(sources, config, comm), comm).warning;
  }
  void expect_warning(const std::string& part) {
    const std::string found = warning();
    EXPECT_NE(found.find(part), std::string::npos) << "'" << found << "'";
  }

  io::testing::TemporaryFolder folder;
  mpi::Communicator comm{MPI_COMM_SELF};
  io::PopulationData population;
  Config config;
  objectives::Config objective;
};

TEST_F(MassOfRows, NoneIsOneAtAllTimes) {
  config.mass = {};
  EXPECT_TRUE(mass().is_constant());
}

TEST_F(MassOfRows, CountsAreRatiosOfTheNumbersOfTrainingRows) {
  expect_knots(mass(), {0, 1, 2}, {1, 2, 8});
  // Half the rows of the first snapshot are not for training.
  population.split.assign(population.t.size(), 0);
  for (std::size_t row = 0; row < 5; ++row) population.split[row] = row % 2 == 0 ? 1 : 2;
  expect_knots(mass(), {0, 1, 2}, {1, 4, 16});
}

TEST_F(MassOfRows, CountsAreSumsOfWeights) {
  population.weight.assign(population.t.size(), 1);
  for (std::size_t row = 0; row < 10; ++row) population.weight[row] = 0.5;
  population.weight[10] = 0;
  expect_knots(mass(), {0, 1, 2}, {1, 19 / 5.0, 80 / 5.0});
}

TEST_F(MassOfRows, TimesThatAreHeldOutAreLeftOut) {
  config.hold_out_times = TimeList::parse("1");
  expect_knots(mass(), {0, 2}, {1, 8});
  // At an end of the range log M goes on straight from the two times next to it.
  config.hold_out_times = TimeList::parse("0");
  expect_knots(mass(), {0, 1, 2}, {1, 4, 16});
}

/// Masses beyond the times with rows are not known, which is said; those between them are as known as all others.
TEST_F(MassOfRows, WhatIsBeyondTheRowsIsSaid) {
  EXPECT_EQ(warning(), "");
  config.hold_out_times = TimeList::parse("1");
  EXPECT_EQ(warning(), "");
  config.hold_out_times = TimeList::parse("0");
  expect_warning("no training rows from t = 0 to 1: ");
  config.time_range = TimeRange::parse("0:2.5");
  expect_warning("from t = 0 to 1 and from t = 2 to 2.5: the mass is not known there, and its logarithm");
  config.hold_out_times = TimeList::parse("0, 1");
  expect_warning(
      "from t = 0 to 2 and from t = 2 to 2.5: the mass is not known there, and is taken to be that");
  config.mass = Mass::parse("0:1,2.5:3");
  EXPECT_EQ(warning(), "");
}

TEST_F(MassOfRows, AWiderRangeGoesOnStraight) {
  config.time_range = TimeRange::parse("-1:4");
  expect_knots(mass(), {-1, 0, 1, 2, 4}, {1, 2, 4, 16, 256});
  config.hold_out_times = TimeList::parse("0, 1");
  config.time_range = TimeRange::parse("-1:4");
  expect_knots(mass(), {-1, 2, 4}, {1, 1, 1});  // one time alone
}

TEST_F(MassOfRows, ATimeWithoutTrainingRowsIsRefused) {
  population.split.assign(population.t.size(), 0);
  for (std::size_t row = 10; row < 30; ++row) population.split[row] = row % 2 == 0 ? 1 : 2;
  expect_error(ExitCode::bad_input,
               {"data.mass = counts", config.file, "none for training at t = 1", "data.hold_out_times"},
               [&] { (void)mass(); });
  config.hold_out_times = TimeList::parse("1");
  expect_knots(mass(), {0, 2}, {1, 8});
}

TEST_F(MassOfRows, RowsOfWeightZeroAreNoRows) {
  population.weight.assign(population.t.size(), 1);
  for (std::size_t row = 10; row < 30; ++row) population.weight[row] = 0;
  expect_knots(mass(), {0, 2}, {1, 8});
}

TEST_F(MassOfRows, EventsAreRefused) {
  population = {};
  population.n_dims = 1;
  for (int row = 0; row < 100; ++row) add_row(0.01 * row);
  expect_error(ExitCode::bad_input, {"data.mass = counts", config.file, "events", "data.mass = t:m"},
               [&] { (void)mass(); });
}

TEST_F(MassOfRows, CountsNeedRows) {
  Units units = Units::identity(1);
  expect_error(ExitCode::bad_input, {"data.mass = counts", "data.file"},
               [&] { (void)mass_of(config, {}, units, comm); });
}

TEST_F(MassOfRows, GivenMassesMustReachBothEnds) {
  config.mass = Mass::parse("0:3, 0.5:1.5, 2:6");
  expect_knots(mass(), {0, 0.5, 2}, {1, 0.5, 2});
  config.mass = Mass::parse("0.5:1,2:6");
  expect_error(ExitCode::bad_input, {"data.mass", "from t = 0.5 to 2", "0 and 2"}, [&] { (void)mass(); });
  config.mass = Mass::parse("0:1,3:6");
  expect_error(ExitCode::bad_input, {"data.mass", "from t = 0 to 3"}, [&] { (void)mass(); });
  config.time_range = TimeRange::parse("0:3");
  expect_knots(mass(), {0, 3}, {1, 6});
}

TEST_F(MassOfRows, TimesOfFloat32NameTheEnds) {
  for (double& t : population.t) t = static_cast<double>(static_cast<float>(t + 0.1f));
  config.mass = Mass::parse("0.1:1,2.1:4");
  const MassKnots found = mass();
  EXPECT_EQ(found.t.front(), population.t.front());
  EXPECT_EQ(found.t.back(), population.t.back());
}

TEST(Mass, TextsReadBack) {
  for (const char* text : {"none", "counts", "0:1,0.5:0.1,2:3"})
    EXPECT_EQ(Mass::parse(text).to_string(), text);
}

}  // namespace
}  // namespace rhoflux::data
