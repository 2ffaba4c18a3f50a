#include <gtest/gtest.h>

#include "rhoflux/core/error.hpp"
#include "rhoflux/flux/config.hpp"

namespace rhoflux::flux {
namespace {

TEST(Volatility, ConstantByDefaultZero) {
  EXPECT_TRUE(Volatility{}.is_zero());
  const Volatility noise = Volatility::parse("0.5");
  EXPECT_FALSE(noise.is_zero());
  EXPECT_DOUBLE_EQ(noise.at(-3.0), 0.5);
  EXPECT_DOUBLE_EQ(noise.at(7.0), 0.5);
  EXPECT_DOUBLE_EQ(noise.integral_of_square(1.0, 3.0), 0.5);
}

TEST(Volatility, IsLinearBetweenKnotsAndConstantBeyond) {
  const Volatility noise = Volatility::parse("1:0.5,3:0.1,4:0");
  EXPECT_DOUBLE_EQ(noise.at(0.0), 0.5);
  EXPECT_NEAR(noise.at(2.0), 0.3, 1e-15);
  EXPECT_NEAR(noise.at(3.5), 0.05, 1e-15);
  EXPECT_DOUBLE_EQ(noise.at(9.0), 0.0);
}

/// The square of a linear function between a and b integrates to (a^2 + a b + b^2) / 3 times the length.
TEST(Volatility, IntegralOfSquareIsExact) {
  const Volatility noise = Volatility::parse("1:0.5,3:0.1");
  const auto piece = [](double a, double b, double length) { return (a * a + a * b + b * b) / 3.0 * length; };
  EXPECT_NEAR(noise.integral_of_square(1.0, 3.0), piece(0.5, 0.1, 2.0), 1e-15);
  EXPECT_NEAR(noise.integral_of_square(0.0, 4.0), 0.25 + piece(0.5, 0.1, 2.0) + 0.01, 1e-15);
  EXPECT_NEAR(noise.integral_of_square(1.5, 2.0), piece(0.4, 0.3, 0.5), 1e-15);
  EXPECT_DOUBLE_EQ(noise.integral_of_square(2.0, 2.0), 0.0);
}

TEST(Volatility, TextComesBackToTheSameBits) {
  EXPECT_EQ(Volatility::parse(Volatility::parse("0.1").to_string()).values, Volatility::parse("0.1").values);
  const Volatility table = Volatility::parse("0:0.1,0.3:0.7");
  EXPECT_EQ(Volatility::parse(table.to_string()).times, table.times);
  EXPECT_EQ(Volatility::parse(table.to_string()).values, table.values);
}

TEST(Volatility, RefusesWhatIsNoVolatility) {
  for (const char* text : {"", "a", "-1", "nan", "inf", "0:1,0:2", "1:1,0:2", "1:0.5,", "1:2:3", "0:1,2"})
    EXPECT_THROW(Volatility::parse(text), Error) << "'" << text << "'";
}

}  // namespace
}  // namespace rhoflux::flux
