#include "rhoflux/core/math.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/precisions.hpp"

// The bounds are counted in u, half the spacing of the numbers just above 1. A relative error of r u is at
// most r units in the last place (ulp), since a number is at most twice the lower end of its binade.

namespace rhoflux::math {
namespace {

using test::Real;
using test::Scalars;

template <class Scalar>
class Math : public testing::Test {};
TYPED_TEST_SUITE(Math, Scalars);

/// |got - want| in units in the last place of Scalar at `want`.
template <class Scalar>
double ulps(Scalar got, Real want) {
  if (want == 0) return got == 0 ? 0 : std::numeric_limits<double>::infinity();
  const int exponent = std::max(std::ilogb(want), std::numeric_limits<Scalar>::min_exponent - 1);
  const Real ulp = std::ldexp(Real(1), exponent - (std::numeric_limits<Scalar>::digits - 1));
  const Real error = std::fabs(static_cast<Real>(got) - want) / ulp;
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : static_cast<double>(error);
}

/// Uniform over [low, high], and as many numbers spread over the powers of two inside.
template <class Scalar>
std::vector<Scalar> numbers(Scalar low, Scalar high) {
  constexpr int count = 100000;
  std::mt19937_64 engine(1);
  std::vector<Scalar> values = {low, high};
  std::uniform_real_distribution<double> uniform(low, high);
  for (int k = 0; k < count; ++k)
    values.push_back(std::clamp(static_cast<Scalar>(uniform(engine)), low, high));
  std::uniform_real_distribution<double> exponent(-60, std::log2(static_cast<double>(high)));
  for (int k = 0; k < count; ++k) {
    const auto value = static_cast<Scalar>(std::exp2(exponent(engine)));
    if (value <= high) values.push_back(value);
    if (-value >= low) values.push_back(-value);
  }
  return values;
}

/// Largest error of `function` over `arguments`, evaluated in a vectorised loop.
template <class Scalar, class Function, class Reference>
double worst_ulps(const std::vector<Scalar>& arguments, const Function& function,
                  const Reference& reference) {
  std::vector<Scalar> results(arguments.size());
  const Scalar* in = arguments.data();
  Scalar* out = results.data();
  const int n = static_cast<int>(arguments.size());
  RHOFLUX_SIMD
  for (int k = 0; k < n; ++k) out[k] = function(in[k]);
  double worst = 0;
  for (int k = 0; k < n; ++k) worst = std::max(worst, ulps(out[k], reference(static_cast<Real>(in[k]))));
  return worst;
}

template <class Scalar>
void record(const char* name, Scalar value) {
  testing::Test::RecordProperty(name, std::to_string(value));
}

/// Reduced argument: half an ulp of |r| <= 0.35, 0.4 u. Horner: r * (series), one product and one sum of at
/// most 0.35 * 1.2, 0.8 u; the last sum with 1, half an ulp of a number in [0.7, 1.42], 0.7 u relative to it
/// and the whole, divided by 0.7, under 3 u. The truncated series and the power of two add nothing.
TYPED_TEST(Math, ExponentialIsGoodTo3Ulps) {
  using Scalar = TypeParam;
  const Scalar reach = std::is_same_v<Scalar, float> ? 87 : 708;
  const double worst = worst_ulps(
      numbers<Scalar>(-reach, reach), [](Scalar x) { return math::exp(x); },
      [](Real x) { return std::exp(x); });
  record("worst_ulps", worst);
  EXPECT_LE(worst, 3.0);
}

TYPED_TEST(Math, ExponentialAtTheEdges) {
  using Scalar = TypeParam;
  using Limits = std::numeric_limits<Scalar>;
  EXPECT_EQ(math::exp(Scalar(0)), Scalar(1));
  EXPECT_EQ(math::exp(Scalar(-0.0)), Scalar(1));
  EXPECT_EQ(math::exp(-Limits::infinity()), Scalar(0));
  EXPECT_EQ(math::exp(Limits::lowest()), Scalar(0));
  EXPECT_EQ(math::exp(Scalar(-1000)), Scalar(0));
  EXPECT_TRUE(std::isnan(math::exp(Limits::quiet_NaN())));
  const Scalar largest = math::exp(Limits::infinity());
  EXPECT_TRUE(std::isfinite(largest));
  EXPECT_GT(largest, Limits::max() / 8);
  EXPECT_EQ(math::exp(Scalar(1000)), largest);
}

/// f = (m - 1)/(m + 1): sum and quotient, 2 u (m - 1 is exact); the series in f^2 <= 0.03, 1.2 u; product
/// with f, 1 u. Sum with the multiple of log 2, of which the low part is rounded: 1 u. Together under 6 u.
TYPED_TEST(Math, LogarithmIsGoodTo6Ulps) {
  using Scalar = TypeParam;
  using Limits = std::numeric_limits<Scalar>;
  std::vector<Scalar> arguments = {Limits::min(), Limits::max(), Scalar(1)};
  std::mt19937_64 engine(2);
  std::uniform_real_distribution<double> exponent(Limits::min_exponent, Limits::max_exponent - 1);
  std::uniform_real_distribution<double> near(0.4, 2.6), exponent_near(-40, -1);
  for (int k = 0; k < 100000; ++k) {
    arguments.push_back(static_cast<Scalar>(std::exp2(exponent(engine))));
    arguments.push_back(static_cast<Scalar>(near(engine)));
    const auto step = static_cast<Scalar>(std::exp2(exponent_near(engine)));
    arguments.push_back(Scalar(1) + step);
    arguments.push_back(Scalar(1) - step);
  }
  const double worst = worst_ulps(
      arguments, [](Scalar x) { return math::log(x); }, [](Real x) { return std::log(x); });
  record("worst_ulps", worst);
  EXPECT_LE(worst, 6.0);
}

TYPED_TEST(Math, LogarithmAtTheEdges) {
  using Scalar = TypeParam;
  using Limits = std::numeric_limits<Scalar>;
  EXPECT_EQ(math::log(Scalar(1)), Scalar(0));
  EXPECT_EQ(math::log(Scalar(0)), -Limits::infinity());
  EXPECT_EQ(math::log(Scalar(-0.0)), -Limits::infinity());
  EXPECT_TRUE(std::isnan(math::log(Scalar(-1))));
  EXPECT_TRUE(std::isnan(math::log(-Limits::infinity())));
  EXPECT_TRUE(std::isnan(math::log(Limits::quiet_NaN())));
}

/// f = e/(2 + e), 2 u; the series in f^2 <= 1/9, 1.5 u; the product, 1 u; a share of f's error through f^2.
TYPED_TEST(Math, Log1pIsGoodTo6Ulps) {
  using Scalar = TypeParam;
  std::vector<Scalar> arguments = {Scalar(0), Scalar(1)};
  std::mt19937_64 engine(3);
  std::uniform_real_distribution<double> exponent(-80, 0), uniform(0, 1);
  for (int k = 0; k < 100000; ++k) {
    arguments.push_back(static_cast<Scalar>(std::exp2(exponent(engine))));
    arguments.push_back(static_cast<Scalar>(uniform(engine)));
  }
  const double worst = worst_ulps(
      arguments, [](Scalar x) { return math::log1p_unit(x); }, [](Real x) { return std::log1p(x); });
  record("worst_ulps", worst);
  EXPECT_LE(worst, 6.0);
  EXPECT_TRUE(std::isnan(math::log1p_unit(std::numeric_limits<Scalar>::quiet_NaN())));
}

/// The exponential, 3 ulps or 6 u, weighted by e/(1 + e) <= 1; the sum and the quotient, 1 u each.
TYPED_TEST(Math, SigmoidIsGoodTo8Ulps) {
  using Scalar = TypeParam;
  using Limits = std::numeric_limits<Scalar>;
  const Scalar reach = std::is_same_v<Scalar, float> ? 86 : 700;
  const double worst = worst_ulps(
      numbers<Scalar>(-reach, reach), [](Scalar x) { return math::sigmoid(x); },
      [](Real x) { return 1 / (1 + std::exp(-x)); });
  record("worst_ulps", worst);
  EXPECT_LE(worst, 8.0);
  EXPECT_EQ(math::sigmoid(Scalar(0)), Scalar(0.5));
  EXPECT_EQ(math::sigmoid(Limits::infinity()), Scalar(1));
  EXPECT_LT(math::sigmoid(-Limits::infinity()), Limits::min());
  EXPECT_GE(math::sigmoid(-Limits::infinity()), Scalar(0));
  EXPECT_TRUE(std::isnan(math::sigmoid(Limits::quiet_NaN())));
}

/// The exponential, 6 u, passes into log(1 + e) with a factor of at most 1; log1p, 6 u; for x < 0 the sum of
/// two negative numbers, 1 u.
TYPED_TEST(Math, LogSigmoidIsGoodTo13UlpsInBothTails) {
  using Scalar = TypeParam;
  using Limits = std::numeric_limits<Scalar>;
  const Scalar reach = std::is_same_v<Scalar, float> ? 86 : 700;
  std::vector<Scalar> arguments = numbers<Scalar>(-reach, reach);
  for (const double x : {-1e3, -1e6, -1e30}) arguments.push_back(static_cast<Scalar>(x));
  const double worst = worst_ulps(
      arguments, [](Scalar x) { return math::log_sigmoid(x); },
      [](Real x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); });
  record("worst_ulps", worst);
  EXPECT_LE(worst, 13.0);
  EXPECT_EQ(math::log_sigmoid(Limits::infinity()), Scalar(0));
  EXPECT_EQ(math::log_sigmoid(-Limits::infinity()), -Limits::infinity());
  EXPECT_TRUE(std::isnan(math::log_sigmoid(Limits::quiet_NaN())));
}

/// sin and cos of 2 pi v in extended precision. The reduction to a quarter turn is exact, so the result keeps
/// its relative accuracy next to the zeros.
void sincos_turns_reference(Real v, Real& sine, Real& cosine) {
  const Real quarters = std::rint(4 * v);
  const Real angle = 2 * std::acos(Real(-1)) * (v - quarters / 4);
  const Real s = std::sin(angle), c = std::cos(angle);
  switch (static_cast<int>(std::fmod(quarters, Real(4)) + 4) % 4) {
    case 0:
      sine = s, cosine = c;
      break;
    case 1:
      sine = c, cosine = -s;
      break;
    case 2:
      sine = -s, cosine = -c;
      break;
    default:
      sine = -c, cosine = s;
      break;
  }
}

/// The angle in radians, 2 u (2 pi and the product; the reduction is exact). Sine: conditioned below 1,
/// series in a^2 < 0.62 1.5 u, product 1 u: 4.5 u. Cosine >= 0.7: 1 - a^2/2 + ..., where a^2 carries 5 u and
/// weighs 0.31 / 0.7, and the sum 0.7 u: 4 u with the truncated series (0.6 u in single precision).
TYPED_TEST(Math, SinesAndCosinesAreGoodTo5Ulps) {
  using Scalar = TypeParam;
  std::vector<Scalar> arguments = numbers<Scalar>(-1048575, 1048575);
  for (int k = -40; k <= 40; ++k) {
    const Scalar v = Scalar(k) / 8;
    arguments.push_back(v);
    arguments.push_back(std::nextafter(v, Scalar(100)));
    arguments.push_back(std::nextafter(v, Scalar(-100)));
  }
  const auto sine_of = [](Scalar v) {
    Scalar s, c;
    math::sincos_turns(v, s, c);
    return s;
  };
  const auto cosine_of = [](Scalar v) {
    Scalar s, c;
    math::sincos_turns(v, s, c);
    return c;
  };
  const auto sine_reference = [](Real v) {
    Real s, c;
    sincos_turns_reference(v, s, c);
    return s;
  };
  const auto cosine_reference = [](Real v) {
    Real s, c;
    sincos_turns_reference(v, s, c);
    return c;
  };
  const double worst_sine = worst_ulps(arguments, sine_of, sine_reference);
  const double worst_cosine = worst_ulps(arguments, cosine_of, cosine_reference);
  record("worst_ulps_sine", worst_sine);
  record("worst_ulps_cosine", worst_cosine);
  EXPECT_LE(worst_sine, 5.0);
  EXPECT_LE(worst_cosine, 5.0);
  EXPECT_TRUE(std::isnan(sine_of(std::numeric_limits<Scalar>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(cosine_of(std::numeric_limits<Scalar>::quiet_NaN())));
}

TYPED_TEST(Math, SinesAndCosinesOfWholeEighthsOfATurn) {
  using Scalar = TypeParam;
  const int sines[4] = {0, 1, 0, -1};
  for (int quarters = -12; quarters <= 12; ++quarters) {
    Scalar s, c;
    math::sincos_turns(Scalar(0.25) * Scalar(quarters), s, c);
    EXPECT_EQ(s, Scalar(sines[(quarters + 12) % 4])) << quarters << " quarters";
    EXPECT_EQ(c, Scalar(sines[(quarters + 13) % 4])) << quarters << " quarters";
  }
}

/// Every number has an exact place in its turn. From the spacing of the numbers on they are whole, halves and so on.
TYPED_TEST(Math, SinesAndCosinesOfNumbersOfAnySize) {
  using Scalar = TypeParam;
  using Limits = std::numeric_limits<Scalar>;
  std::mt19937_64 engine(12);
  std::uniform_real_distribution<double> mantissa(1, 2);
  for (int exponent = 0; exponent < Limits::max_exponent - 1; ++exponent)
    for (int k = 0; k < 20; ++k) {
      const auto v = static_cast<Scalar>(std::ldexp(static_cast<Scalar>(mantissa(engine)), exponent));
      for (const Scalar turns : {v, -v}) {
        const Real place = std::fmod(static_cast<Real>(turns), Real(1));
        Scalar sine, cosine;
        sincos_turns(turns, sine, cosine);
        const Real angle = 2 * std::acos(Real(-1)) * place, u = test::unit_roundoff<Scalar>;
        EXPECT_NEAR(sine, std::sin(angle), 10 * u) << turns;
        EXPECT_NEAR(cosine, std::cos(angle), 10 * u) << turns;
      }
    }
}

/// Against e^(log value + log_factor) in extended precision; the log is good to 4 u times its size.
TYPED_TEST(Math, ScaledByExpLeavesTheRangeOnlyWithItsResult) {
  using Scalar = TypeParam;
  using Limits = std::numeric_limits<Scalar>;
  const Real high = std::log(static_cast<Real>(Limits::max())),
             low = std::log(static_cast<Real>(Limits::min()));
  for (const Real log_value : {low, low / 2, Real(0), high / 2, high - 1})
    for (Real log_factor = 4 * low; log_factor < 4 * high; log_factor += high / 9.7L) {
      const auto value = static_cast<Scalar>(std::exp(log_value)), factor = static_cast<Scalar>(log_factor);
      const Real log_product = std::log(static_cast<Real>(value)) + factor;
      const Scalar found = scaled_by_exp(value, factor);
      EXPECT_EQ(scaled_by_exp(-value, factor), -found);
      if (log_product > high + 1) {
        EXPECT_EQ(found, Limits::infinity());
      } else if (log_product < low - 1) {
        EXPECT_LT(found, Limits::min());
      } else if (log_product > low + 1 && log_product < high - 1) {
        const Real bound = test::unit_roundoff<Scalar> * (20 + 4 * std::fabs(static_cast<Real>(factor)));
        EXPECT_NEAR(found / std::exp(log_product), 1, bound) << log_value << " " << log_factor;
      }
    }
  EXPECT_EQ(scaled_by_exp(Scalar(0), Limits::max()), Scalar(0));
  EXPECT_EQ(scaled_by_exp(Limits::infinity(), Limits::lowest()), Limits::infinity());
  EXPECT_TRUE(std::isnan(scaled_by_exp(Limits::quiet_NaN(), Scalar(1e4))));
  EXPECT_TRUE(std::isnan(scaled_by_exp(Scalar(1), Limits::quiet_NaN())));
  EXPECT_EQ(scaled_by_exp(Scalar(3), Scalar(2)), Scalar(3) * exp(Scalar(2)));
}

TYPED_TEST(Math, AbsoluteValue) {
  using Scalar = TypeParam;
  EXPECT_EQ(math::abs(Scalar(-2.5)), Scalar(2.5));
  EXPECT_EQ(math::abs(Scalar(2.5)), Scalar(2.5));
  EXPECT_EQ(math::abs(Scalar(0)), Scalar(0));
  EXPECT_TRUE(std::isnan(math::abs(std::numeric_limits<Scalar>::quiet_NaN())));
}

}  // namespace
}  // namespace rhoflux::math
