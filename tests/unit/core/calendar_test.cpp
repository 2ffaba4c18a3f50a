#include "rhoflux/core/calendar.hpp"

#include <gtest/gtest.h>

#include <ctime>

namespace rhoflux {
namespace {

constexpr std::int64_t second = 1000000;

TEST(Calendar, KnownInstants) {
  EXPECT_EQ(read_datetime("1970-01-01"), 0);
  EXPECT_EQ(read_datetime("1970-01-01T00:00:01Z"), second);
  EXPECT_EQ(read_datetime("2016-04-14T21:26:00.000Z"), 1460669160 * second);
  EXPECT_EQ(read_datetime(" 2016/04/14 21:26 "), 1460669160 * second);
  EXPECT_EQ(read_datetime("2016-04-14T23:26:00+02:00"), 1460669160 * second);
  EXPECT_EQ(read_datetime("2016-04-14T16:26:00-0500"), 1460669160 * second);
  EXPECT_EQ(read_datetime("1969-12-31T23:59:59.999999"), -1);
  EXPECT_EQ(read_datetime("2016-04-14T21:26:00,5Z"), 1460669160 * second + second / 2);
  EXPECT_EQ(read_datetime("1600-02-29"), -11670998400 * second);
}

TEST(Calendar, NoDates) {
  for (const char* text : {"",
                           "2016",
                           "2016-4-14",
                           "14.04.2016",
                           "04/14/2016",
                           "2016-13-01",
                           "2016-00-10",
                           "2016-02-30",
                           "1900-02-29",
                           "2016-04-31",
                           "2016-04-14T24:00",
                           "2016-04-14T21:60",
                           "2016-04-14T21:26:00 Z",
                           "2016-04-14T21:26:00+99:00",
                           "2016-04-14T21",
                           "0000-01-01T00:00+14:00",
                           "9999-12-31T23:59:59-01:00",
                           "2016-04-14x",
                           "2016-04/14",
                           "2016-04-14T21:26:00.",
                           "day3",
                           "-2016-04-14"})
    EXPECT_FALSE(read_datetime(text).has_value()) << text;
}

TEST(Calendar, AgreesWithTheSystemAndReadsBack) {
  for (std::int64_t day = -200000; day < 200000; day += 37) {
    const std::int64_t seconds = day * 86400 + 45296;
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ASSERT_NE(gmtime_r(&time, &parts), nullptr);
    char expected[64];
    std::strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &parts);
    EXPECT_EQ(print_datetime(seconds * second), expected);
    EXPECT_EQ(read_datetime(expected), seconds * second);
    EXPECT_EQ(read_datetime(print_datetime(seconds * second + 120)), seconds * second + 120);
  }
}

}  // namespace
}  // namespace rhoflux
