#include "rhoflux/data/sources.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>

#include "rhoflux/data/mass.hpp"
#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::data {
namespace {

using test::expect_error;

/// Three snapshots of four rows whose times have gone through float32.
class SourcesOfSnapshots : public ::testing::Test {
 protected:
  SourcesOfSnapshots() {
    population.n_dims = 1;
    for (const float t : {0.1f, 0.2f, 0.3f})
      for (int k = 0; k < 4; ++k) {
        population.t.push_back(static_cast<double>(t));
        population.x.push_back(k);
      }
    config.file = folder.file("data.h5");
  }
  Sources open() {
    io::write_population(config.file, population, true);
    return open_sources(config, objective, comm);
  }

  io::testing::TemporaryFolder folder;
  mpi::Communicator comm{MPI_COMM_SELF};
  io::PopulationData population;
  Config config;
  objectives::Config objective;
};

TEST_F(SourcesOfSnapshots, HoldOutTimesAsTheyArePrinted) {
  config.hold_out_times = TimeList::parse("0.2");
  EXPECT_EQ(open().count(io::Split::train), 8);
  config.hold_out_times.values = {{0.1}, {static_cast<double>(0.3f)}};
  EXPECT_EQ(open().count(io::Split::train), 4);
  config.hold_out_times = TimeList::parse("0.2, 0.25");
  expect_error(ExitCode::bad_input,
               {"data.hold_out_times", "no rows at t = 0.25; its first times are 0.1, 0.2, 0.3"},
               [&] { (void)open(); });
}

TEST_F(SourcesOfSnapshots, ARangeOfPrintedTimesCoversThem) {
  config.time_range = TimeRange::parse("0.1:0.3");  // 0.1 is before, 0.3 before the time in float32
  EXPECT_EQ(open().count(io::Split::train), 12);
  config.time_range = TimeRange::parse("0.1:0.2999");
  expect_error(ExitCode::bad_input, {"data.time_range", "must cover"}, [&] { (void)open(); });
  config.time_range = TimeRange::parse("0.1001:0.3");
  expect_error(ExitCode::bad_input, {"data.time_range", "must cover"}, [&] { (void)open(); });
}

/// Times as the data name them, which the deck keeps as they are written.
TEST_F(SourcesOfSnapshots, NamesOfTimesAreThoseOfTheData) {
  for (double& t : population.t) t = std::round(10 * t);  // 1, 2, 3
  population.time = {"", "", {"early", "mid", "late"}, {1, 2, 3}};
  config.hold_out_times = TimeList::parse("mid, 3");
  config.time_range = TimeRange::parse("early:4");
  config.mass = Mass::parse("early:2, mid:3,4:1");
  for (const auto& [text, written] : {std::pair{config.hold_out_times.to_string(), "mid,3"},
                                      {config.time_range.to_string(), "early:4"},
                                      {config.mass.to_string(), "early:2,mid:3,4:1"}})
    EXPECT_EQ(text, written);
  const Sources sources = open();
  EXPECT_EQ(sources.count(io::Split::train), 4);
  const Units units = measure(sources, config, comm);
  EXPECT_EQ(units.t_first, 1);
  EXPECT_EQ(units.t_last, 4);
  EXPECT_EQ(mass_of(config, sources, units, comm).t, (std::vector<double>{1, 2, 4}));
  config.mass = Mass::parse("early:2, late:3,mid:1");
  expect_error(ExitCode::bad_input, {"data.mass = early:2,late:3,mid:1", "mid comes after late"},
               [&] { (void)mass_of(config, sources, units, comm); });
  config.mass = Mass::parse("early:2, noon:3,4:1");
  expect_error(ExitCode::bad_input, {"data.mass", "'noon'", "early = 1, mid = 2, late = 3"},
               [&] { (void)mass_of(config, sources, units, comm); });
  config.time_range = TimeRange::parse("late:early");
  expect_error(ExitCode::bad_input, {"data.time_range = late:early", "after the first"},
               [&] { (void)open(); });
  config.time_range = {};
  config.hold_out_times = TimeList::parse("noon");
  expect_error(ExitCode::bad_input, {"data.hold_out_times", config.file, "'noon'", "early = 1"},
               [&] { (void)open(); });
}

TEST_F(SourcesOfSnapshots, DatesAreTimesOfACalendar) {
  for (double& t : population.t) t = std::round(10 * t);
  population.time = {"d", "2020-02-28T00:00:00Z", {}, {}};
  config.hold_out_times = TimeList::parse("2020-03-01");
  config.time_range = TimeRange::parse("2020-02-28T12:00:00Z:2020-03-02T06:00:00Z");
  config.mass = Mass::parse("2020-02-28T12:00:00Z:1,2020-03-02T06:00:00Z:2");
  const Sources sources = open();
  EXPECT_EQ(sources.count(io::Split::train), 8);
  const Units units = measure(sources, config, comm);
  EXPECT_EQ(units.t_first, 0.5);
  EXPECT_EQ(units.t_last, 3.25);
  EXPECT_EQ(mass_of(config, sources, units, comm).t, (std::vector<double>{0.5, 3.25}));
  config.hold_out_times = TimeList::parse("2020-03-05");
  expect_error(ExitCode::bad_input, {"no rows at t = 2020-03-05", "2 (2020-03-01)"}, [&] { (void)open(); });
}

/// Rows of weight 0 are none for a distribution at an end either.
TEST_F(SourcesOfSnapshots, AnEndNeedsTwoRowsThatCount) {
  population.weight = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  objective.initial_distribution = objectives::EndpointDistribution::parse("file " + config.file);
  expect_error(ExitCode::bad_input, {config.file, "fewer than 2 training rows of weight above 0"},
               [&] { (void)open(); });
  population.weight[5] = 2;
  EXPECT_TRUE(open().initial.is_given());
}

}  // namespace
}  // namespace rhoflux::data
