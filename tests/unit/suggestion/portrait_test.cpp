#include "rhoflux/suggestion/portrait.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "unit/io/io_test_support.hpp"

namespace rhoflux::suggestion {
namespace {

Portrait portrait(const io::PopulationData& data) {
  const io::testing::TemporaryFolder folder;
  const mpi::Communicator comm(MPI_COMM_SELF);
  io::write_population(folder.file("data.h5"), data, true);
  return portrait_of(io::PopulationFile(folder.file("data.h5"), comm), comm);
}

/// 2000 rows at the times 0, 1, 4, x2 = slope x1 + noise of this deviation.
io::PopulationData on_a_line(double slope, double deviation) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  io::PopulationData data;
  data.n_dims = 2;
  const double times[] = {0, 1, 4};
  for (int i = 0; i < 2000; ++i) {
    const double x = normal(random);
    data.t.push_back(times[3 * i / 2000]);
    data.x.push_back(x);
    data.x.push_back(slope * x + deviation * normal(random));
    data.split.push_back(static_cast<std::int8_t>(i % 10 == 0 ? 1 : 0));
  }
  return data;
}

TEST(Portrait, CountsRowsTimesAndGaps) {
  const Portrait found = portrait(on_a_line(0, 1));
  EXPECT_EQ(found.n_dims, 2);
  EXPECT_EQ(found.n_train, 1800);
  EXPECT_EQ(found.n_val, 200);
  EXPECT_FALSE(found.is_continuous);
  EXPECT_EQ(found.n_times, 3);
  EXPECT_EQ(found.t_first, 0);
  EXPECT_EQ(found.t_last, 4);
  EXPECT_EQ(found.largest_gap, 0.75);
  EXPECT_TRUE(found.without_train.empty());
}

/// A time that has no training rows is named, and the gap goes across it.
TEST(Portrait, NamesTimesWithoutTrainingRows) {
  io::PopulationData data = on_a_line(0, 1);
  for (std::size_t i = 0; i < data.t.size(); ++i)
    if (data.t[i] == 1) data.split[i] = 2;
  const Portrait found = portrait(data);
  EXPECT_EQ(found.n_times, 2);
  EXPECT_EQ(found.largest_gap, 1);
  EXPECT_EQ(found.without_train, std::vector<std::string>{"1"});
}

/// The mean distance to the nearest of n points of constant density in the plane is 1 / (2 sqrt(n density)). Independent
/// coordinates have the fineness 1 within the sampling error of two means of n logarithms, whose deviation is 0.64 each.
TEST(Portrait, IndependentCoordinatesAreNotFine) {
  const Portrait found = portrait(on_a_line(0, 1));
  EXPECT_EQ(found.n_compared, 1800);
  EXPECT_NEAR(std::log(found.fineness), 0, 5 * 0.64 * std::sqrt(2.0 / 1800));
  // Of a Gaussian the density is 1 / (4 pi) on average.
  const double typical = 0.5 / std::sqrt(1800 / (4 * 3.14159265));
  EXPECT_GT(found.neighbour, 0.5 * typical);
  EXPECT_LT(found.neighbour, 2 * typical);
}

/// Rows on a line are neighbours at 1 / n, those of mixed coordinates at 1 / sqrt(n).
TEST(Portrait, RowsOnALineAreFine) {
  EXPECT_LT(portrait(on_a_line(1, 1e-3)).fineness, 0.2);
}

TEST(Portrait, RowsThatAreThereTwiceHaveOtherNeighbours) {
  io::PopulationData data = on_a_line(0, 1);
  const Portrait once = portrait(data);
  for (std::size_t i = 0; i < data.x.size(); i += 4) {
    data.x[i + 2] = data.x[i];
    data.x[i + 3] = data.x[i + 1];
  }
  const Portrait twice = portrait(data);
  EXPECT_GT(twice.neighbour, once.neighbour);
  EXPECT_LT(twice.neighbour, 3 * once.neighbour);
}

/// Each row four times: of the pairs of n rows 3 / (n - 1) are equal, so that rows that are compared all give 4, and independent
/// coordinates 1.
TEST(Portrait, RowsThatRepeatAreCounted) {
  io::PopulationData data = on_a_line(0, 1);
  EXPECT_EQ(portrait(data).repeats, 1);
  for (std::size_t i = 0; i < data.x.size(); ++i) data.x[i] = data.x[i / 8 * 8 + i % 2];
  std::fill(data.split.begin(), data.split.end(), std::int8_t{0});
  EXPECT_NEAR(portrait(data).repeats, 4, 1e-9);
}

TEST(Portrait, ManyDistinctTimesAreEvents) {
  io::PopulationData data = on_a_line(0, 1);
  for (std::size_t i = 0; i < data.t.size(); ++i) data.t[i] = 1e-3 * static_cast<double>(i);
  const Portrait found = portrait(data);
  EXPECT_TRUE(found.is_continuous);
  EXPECT_EQ(found.largest_gap, 0);
}

/// n events at x1 = -10 or 10, which is 10 with probability 1/2 + gain in the later half of the time range and 1/2 - gain before.
io::PopulationData two_places(int n, double gain) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  io::PopulationData data;
  data.n_dims = 2;
  for (int i = 0; i < n; ++i) {
    const double t = uniform(random);
    data.t.push_back(t);
    data.x.push_back((uniform(random) < 0.5 + (t > 0.5 ? gain : -gain) ? 10 : -10) + normal(random));
    data.x.push_back(normal(random));
    data.split.push_back(0);
  }
  return data;
}

/// Standard error of the information of n different events of which nothing changes: chi^2 / 2n, of variance 2 (degrees of
/// freedom), with a place for 80 training rows, 4 to 64, and eight times.
double error_of_information(int n_train, int n) {
  return std::sqrt(2.0 * 7 * (std::clamp(n_train / 80, 4, 64) - 1)) / (2 * n);
}

TEST(Portrait, EventsThatDoNotChangeHaveNoInformationOnTheirTimes) {
  for (const int n : {100, 1000, 8000}) {
    EXPECT_NEAR(portrait(two_places(n, 0)).time_information, 0, 4 * error_of_information(n, n)) << n;
  }
}

/// The information of two places of probability 1/2 +- g is ln 2 - H(1/2 + g) nats = 2 g^2 + O(g^4), a hundredth more at g = 0.1.
TEST(Portrait, EventsThatChangeHaveTheInformationOfTheirLaw) {
  for (const int n : {8000, 40000}) {
    // The excess varies by sqrt(4 x 2n x information) / 2n beside the noise of the places.
    const double own = std::sqrt(2 * 0.02 / n);
    EXPECT_NEAR(portrait(two_places(n, 0.1)).time_information, 0.02,
                4 * (error_of_information(n, n) + own) + 0.0002)
        << n;
  }
}

/// An event that is there four times, be it in rows that follow each other or far apart, says no more than once: otherwise
/// sampling alone would look like change.
TEST(Portrait, RepeatedEventsDoNotLookLikeChange) {
  for (const bool apart : {false, true}) {
    io::PopulationData data = two_places(16000, 0);
    for (std::size_t i = 0; i < data.t.size(); ++i) {
      const std::size_t from = apart ? i % 4000 : i / 4 * 4;
      data.t[i] = data.t[from] + 1e-9 * static_cast<double>(i);
      for (std::size_t k = 0; k < 2; ++k) data.x[2 * i + k] = data.x[2 * from + k];
    }
    const Portrait found = portrait(data);
    EXPECT_NEAR(found.repeats, 4, 1e-9);
    EXPECT_NEAR(found.time_information, 0, 4 * error_of_information(16000, 4000));
  }
}

TEST(Portrait, ConditionsAndGrowthAreSeen) {
  io::PopulationData data = on_a_line(0, 1);
  data.growth.assign(2000, 0.5);
  data.conditions.push_back({"dose", {}, std::vector<double>(2000, 1.0)});
  data.conditions[0].value[3] = 2;
  const Portrait found = portrait(data);
  EXPECT_TRUE(found.has_growth);
  EXPECT_EQ(found.conditions, std::vector<std::string>{"dose"});
}

TEST(Portrait, NoTrainingRowsAreRefused) {
  io::PopulationData data = on_a_line(0, 1);
  std::fill(data.split.begin(), data.split.end(), std::int8_t{2});
  EXPECT_THROW(portrait(data), Error);
}

}  // namespace
}  // namespace rhoflux::suggestion
