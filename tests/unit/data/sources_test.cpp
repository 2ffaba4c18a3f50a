#include "rhoflux/data/sources.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

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
  config.hold_out_times.values = {0.2};
  EXPECT_EQ(open().count(io::Split::train), 8);
  config.hold_out_times.values = {0.1, static_cast<double>(0.3f)};
  EXPECT_EQ(open().count(io::Split::train), 4);
  config.hold_out_times.values = {0.2, 0.25};
  expect_error(ExitCode::bad_input, {"data.hold_out_times", "no rows at t = 0.25"}, [&] { (void)open(); });
}

TEST_F(SourcesOfSnapshots, ARangeOfPrintedTimesCoversThem) {
  config.time_range = TimeRange::parse("0.1:0.3");  // 0.1 is before, 0.3 before the time in float32
  EXPECT_EQ(open().count(io::Split::train), 12);
  config.time_range = TimeRange::parse("0.1:0.2999");
  expect_error(ExitCode::bad_input, {"data.time_range", "must cover"}, [&] { (void)open(); });
  config.time_range = TimeRange::parse("0.1001:0.3");
  expect_error(ExitCode::bad_input, {"data.time_range", "must cover"}, [&] { (void)open(); });
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
