#include "rhoflux/core/times.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rhoflux {
namespace {

using Texts = std::vector<std::string>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double through_float(double t) {
  return static_cast<double>(static_cast<float>(t));
}

TEST(SameTime, HoldsAcrossFloat32) {
  for (const double t : {0.1, 0.2, 0.3, 1.0 / 3, 2016.123, 1.46e9 + 1, -7.7, 1e-30, 0.0}) {
    EXPECT_TRUE(same_time(t, through_float(t))) << t;
    EXPECT_TRUE(same_time(through_float(t), t)) << t;
    // A sum in float32 is off by one rounding more.
    EXPECT_TRUE(same_time(t, static_cast<double>(static_cast<float>(t / 3) * 3.0f))) << t;
  }
}

TEST(SameTime, IsNoWiderThanItSays) {
  EXPECT_FALSE(same_time(1, 1 + 2 * time_rounding));
  EXPECT_TRUE(same_time(1, 1 + 0.5 * time_rounding));
  EXPECT_FALSE(same_time(0, 1e-12));
  EXPECT_FALSE(same_time(1, -1));
  EXPECT_FALSE(same_time(nan, nan));
  EXPECT_FALSE(same_time(2016, 2016 + 1 / 365.25));
}

TEST(NamedTime, IsTheNearestThatIsTheSame) {
  const std::vector<double> times = {through_float(0.1), through_float(0.2), through_float(0.3)};
  EXPECT_EQ(named_time(times, 0.1), times[0]);
  EXPECT_EQ(named_time(times, 0.2), times[1]);
  EXPECT_EQ(named_time(times, 0.3), times[2]);
  EXPECT_EQ(named_time(times, 0.25), std::nullopt);
  EXPECT_EQ(named_time(times, 0), std::nullopt);
  EXPECT_EQ(named_time(times, 9), std::nullopt);
  EXPECT_EQ(named_time({}, 1), std::nullopt);
  EXPECT_EQ(named_time(times, nan), std::nullopt);
}

/// Times of events a second apart, far from the origin: closer than float32 tells apart.
TEST(NamedTime, OfCloseTimesIsTheExactOne) {
  const std::vector<double> times = {1.46e9, 1.46e9 + 1, 1.46e9 + 2};
  for (const double t : times) EXPECT_EQ(named_time(times, t), t);
  EXPECT_EQ(named_time(times, 1.46e9 + 1.4), times[1]);
  EXPECT_EQ(named_time(times, 1.46e9 + 1.6), times[2]);
  EXPECT_EQ(named_time(times, 1.46e9 + 0.5), times[0]);  // of two equally near ones the earlier
}

TEST(DistinctTexts, AreThoseOfGWhereThatTellsApart) {
  EXPECT_EQ(distinct_texts({0, 1, 2.5}), (Texts{"0", "1", "2.5"}));
  EXPECT_EQ(distinct_texts({through_float(0.3), through_float(0.1)}), (Texts{"0.3", "0.1"}));
  EXPECT_EQ(distinct_texts({2016, 2016 + 1 / 365.25}), (Texts{"2016", "2016.00274"}));
  EXPECT_EQ(distinct_texts({}), Texts());
  EXPECT_EQ(time_text(123456.75), "123456.75");  // with a digit less it is off by more than float32 is
  EXPECT_EQ(time_text(-3), "-3");
}

TEST(DistinctTexts, NameTheirTimes) {
  const std::vector<std::vector<double>> cases = {{2016, 2016 + 1 / 365.25, 2016 + 2 / 365.25},
                                                  {1.0 / 3, 2.0 / 3, 1},
                                                  {1.46e9 + 3, 1.46e9, 1.46e9 + 1.0 / 1024},
                                                  {1, std::nextafter(1.0, 2.0)},
                                                  {-1e-3, 0, 1e-300, 1e300},
                                                  {5, 5, 6}};
  for (const std::vector<double>& times : cases) {
    std::vector<double> ascending = times;
    std::sort(ascending.begin(), ascending.end());
    const Texts texts = distinct_texts(times);
    for (std::size_t k = 0; k < times.size(); ++k)
      EXPECT_EQ(named_time(ascending, parse_number(texts[k])), times[k]) << texts[k];
  }
}

TEST(DistinctTexts, OfWhatIsNotFiniteLeaveTheOthersAlone) {
  EXPECT_EQ(distinct_texts({nan, 0.1, 2}), (Texts{"nan", "0.1", "2"}));
}

TEST(ListOfTimes, IsCut) {
  EXPECT_EQ(list_of_times({}), "");
  EXPECT_EQ(list_of_times({1, 2}), "1, 2");
  EXPECT_EQ(list_of_times({1, 2, 3, 4, 5, 6, 7, 8}), "1, 2, 3, 4, 5, 6, 7, 8");
  EXPECT_EQ(list_of_times({1, 2, 3, 4, 5, 6, 7, 8, 9}), "1, 2, 3, 4, 5, 6, 7, 8, ...");
}

}  // namespace
}  // namespace rhoflux
