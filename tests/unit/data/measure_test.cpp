#include "rhoflux/data/measure.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::data {
namespace {

using io::testing::TemporaryFolder;
using test::expect_error;

class Measure : public ::testing::Test {
 protected:
  Measure() {
    data.n_dims = 2;
    data.t = {1, 2, 3, 4, 5};
    data.x = {1, 10, 2, 30, 6, 20, 70, 70, -70, 70};
    data.split = {0, 0, 0, 1, 2};
  }
  Units measured(Scaling scaling) {
    io::write_population(path, data, true);
    return measure(io::PopulationFile(path, comm), comm, scaling);
  }

  TemporaryFolder folder;
  std::string path = folder.file("data.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
  io::PopulationData data;
};

TEST_F(Measure, TakesTheTrainingRowsAndAllTimes) {
  const Units units = measured(Scaling::standardised);
  EXPECT_DOUBLE_EQ(units.mean[0], 3);
  EXPECT_DOUBLE_EQ(units.mean[1], 20);
  EXPECT_DOUBLE_EQ(units.scale[0], std::sqrt((4 + 1 + 9) / 2.0));  // unbiased
  EXPECT_DOUBLE_EQ(units.scale[1], 10);
  EXPECT_EQ(units.t_first, 1);
  EXPECT_EQ(units.t_last, 5);
}

TEST_F(Measure, WithoutScalingKeepsTheUnitsOfTheData) {
  const Units units = measured(Scaling::none);
  EXPECT_EQ(units.mean, (std::vector<double>{0, 0}));
  EXPECT_EQ(units.scale, (std::vector<double>{1, 1}));
  EXPECT_EQ(units.t_last, 5);
}

/// Quartiles of the weighted training rows; the row of 1e9 does not matter.
TEST_F(Measure, RobustScalingTakesMedianAndQuartiles) {
  data.n_dims = 1;
  data.t.clear();
  data.x.clear();
  data.split.clear();
  for (int i = 0; i < 101; ++i) {
    data.t.push_back(i);
    data.x.push_back(i == 100 ? 1e9 : (37 * i) % 100);  // 0 .. 99 in some order
  }
  Units units = measured(Scaling::robust);
  EXPECT_EQ(units.mean[0], 50);
  EXPECT_DOUBLE_EQ(units.scale[0], 50 / 1.3489795003921634);
  data.weight.assign(101, 1.0);
  for (std::size_t i = 0; i < 101; ++i)
    if (data.x[i] >= 50) data.weight[i] = 0;
  units = measured(Scaling::robust);
  EXPECT_EQ(units.mean[0], 24);
  EXPECT_DOUBLE_EQ(units.scale[0], (37 - 12) / 1.3489795003921634);
  data.weight.clear();
  for (std::size_t i = 0; i < 101; ++i)
    if (i % 4 != 0) data.x[i] = 5;
  expect_error(ExitCode::bad_input, {"x1", "quartiles", "standardise = true"},
               [&] { measured(Scaling::robust); });
}

/// A row of weight 2 counts as two rows in mean and variance, a row of weight 0 not at all.
TEST_F(Measure, CountsWeights) {
  data.weight = {2, 1, 0, 1, 1};
  const Units units = measured(Scaling::standardised);
  EXPECT_DOUBLE_EQ(units.mean[0], 4.0 / 3);
  EXPECT_DOUBLE_EQ(units.mean[1], 50.0 / 3);
  EXPECT_NEAR(units.scale[0], std::sqrt(2.0 * (2.0 / 3) * (1.0 / 3)), 1e-14);  // n / (n - 1) of two rows
}

/// Nor do the times of rows of weight 0.
TEST_F(Measure, TimesOfWeightZeroAreOutside) {
  data.t = {-9999, 2, 3, 4, 5};
  data.weight = {0, 1, 1, 1, 0};
  EXPECT_EQ(measured(Scaling::standardised).t_first, 2);
  EXPECT_EQ(measured(Scaling::none).t_last, 4);
}

TEST_F(Measure, RefusesWhatHasNoScale) {
  data.x[1] = data.x[3] = data.x[5] = 7;
  for (const Scaling scaling : {Scaling::none, Scaling::standardised})
    expect_error(ExitCode::bad_input, {path, "x2", "same value"}, [&] { (void)measured(scaling); });
  data.split = {0, 1, 1, 1, 1};
  expect_error(ExitCode::bad_input, {path, "1 row;", "at least 2"},
               [&] { (void)measured(Scaling::standardised); });
  data.split = {0, 0, 0, 1, 1};
  data.weight = {1, 0, 0, 1, 1};
  expect_error(ExitCode::bad_input, {path, "weight above 0"}, [&] { (void)measured(Scaling::standardised); });
}

}  // namespace
}  // namespace rhoflux::data
