#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "rhoflux/density/logistic_motion.hpp"
#include "support/floating_point_traps.hpp"
#include "support/precisions.hpp"
#include "unit/density/mixture_parameters.hpp"

// One conditional up to 10^12 scale lengths beyond its logistics, on either side, and between modes that are far apart:
// against the same sums of logs in extended precision.

namespace rhoflux::density {
namespace {

using namespace test;

template <class Scalar>
Parameters<Scalar> random_mixture(int size, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-1.5, 1.5);
  Parameters<Scalar> parameters(size);
  for (auto* values : {&parameters.logit, &parameters.location, &parameters.log_scale})
    for (Scalar& value : *values) value = static_cast<Scalar>(uniform(engine));
  return parameters;
}

/// Scales that are a factor of at least 1.6 apart: 1000 lengths out one logistic has all of the density.
template <class Scalar>
Parameters<Scalar> spread_mixture(int size, unsigned seed) {
  Parameters<Scalar> parameters = random_mixture<Scalar>(size, seed);
  for (int l = 0; l < size; ++l) parameters.log_scale[l] = static_cast<Scalar>(0.5 * l - 1);
  return parameters;
}

Real log_sum(const std::vector<Real>& values) {
  const Real largest = *std::max_element(values.begin(), values.end());
  Real sum = 0;
  for (const Real value : values) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

/// What one conditional and its rates give at x.
struct Expected {
  Real log_f = 0, slope = 0, log_f_dot = 0, velocity = 0;
  Real largest_z = 0, largest_scale = 0, smallest_scale = HUGE_VALL;
  Real terms = 0;       ///< size of the terms of the velocity
  Real rate_terms = 0;  ///< and of log_f_dot
};

/// By logs, so that nothing leaves the range.
template <class Scalar>
Expected expected(const Parameters<Scalar>& p, const Parameters<Scalar>& dot, Scalar x_in) {
  Expected result;
  const Real x = x_in;
  const std::size_t n = p.logit.size();
  std::vector<Real> logit(p.logit.begin(), p.logit.end()), share(n), below(n), above(n), z(n), s(n);
  for (std::size_t l = 0; l < n; ++l) {
    s[l] = std::exp(static_cast<Real>(p.log_scale[l]));
    z[l] = s[l] * (x - p.location[l]);
    const Real softplus = std::log1p(std::exp(-std::fabs(z[l])));
    below[l] = logit[l] + std::min(z[l], Real(0)) - softplus;
    above[l] = logit[l] - std::max(z[l], Real(0)) - softplus;
    share[l] = logit[l] + p.log_scale[l] - std::fabs(z[l]) - 2 * softplus;
    result.largest_z = std::max(result.largest_z, std::fabs(z[l]));
    result.largest_scale = std::max(result.largest_scale, s[l]);
    result.smallest_scale = std::min(result.smallest_scale, s[l]);
  }
  const Real norm = log_sum(logit), total = log_sum(share),
             largest = *std::max_element(share.begin(), share.end());
  const bool is_left = log_sum(below) < log_sum(above);
  const Real side = is_left ? 1 : -1;
  result.log_f = total - norm;
  // log of r = F / f by logistic. Of those that x is beyond, z is in both and is not subtracted from itself.
  std::vector<Real> relative, log_r(n);
  for (const Real value : share) relative.push_back(value - largest);
  for (std::size_t l = 0; l < n; ++l) {
    const Real softplus = std::log1p(std::exp(-std::fabs(z[l])));
    log_r[l] = side * z[l] < 0 ? relative[l] - log_sum(relative) + softplus - p.log_scale[l]
                               : (is_left ? below : above)[l] - total;
  }
  const Real log_ratio = log_sum(log_r);
  for (std::size_t l = 0; l < n; ++l) {
    const Real w = std::exp(relative[l] - log_sum(relative)), tanh_half = std::tanh(z[l] / 2);
    const Real alpha = std::exp(logit[l] - norm),
               q = dot.log_scale[l] * (x - p.location[l]) - dot.location[l];
    result.slope -= w * s[l] * tanh_half;
    result.log_f_dot += (w - alpha) * dot.logit[l] + w * (dot.log_scale[l] - s[l] * q * tanh_half);
    // sum_l (r_l - alpha_l R) logit_dot_l, which does not change with a number added to all rates.
    const Real change =
        (std::exp(log_r[l]) - std::exp(logit[l] - norm + log_ratio)) * (dot.logit[l] - dot.logit[0]);
    result.velocity -= side * change + w * q;
    result.terms += std::fabs(change) + w * std::fabs(q);
    result.rate_terms += 1 + w * (1 + s[l] * std::fabs(q));
  }
  return result;
}

template <class Scalar>
class FarPoints : public testing::Test {};
TYPED_TEST_SUITE(FarPoints, Scalars);

/// Calls check(x, lengths) on either side of the logistics.
template <class Scalar, class Check>
void at_far_points(const Parameters<Scalar>& p, const Check& check) {
  const double widest =
      std::exp(-static_cast<double>(*std::min_element(p.log_scale.begin(), p.log_scale.end())));
  const auto [left, right] = std::minmax_element(p.location.begin(), p.location.end());
  for (const double lengths : {10.0, 1e3, 1e6, 1e12}) {
    check(static_cast<Scalar>(*left - lengths * widest), lengths);
    check(static_cast<Scalar>(*right + lengths * widest), lengths);
  }
}

/// The log of a share is good to 12 u |z|, as the scales are to u: where that is more than one the shares are unknown,
/// and the slope is known to lie between the scales.
TYPED_TEST(FarPoints, SlopesAreThoseOfTheTails) {
  using Scalar = TypeParam;
  const Real u = unit_roundoff<Scalar>;
  for (const int size : {1, 2, 5, 16, max_logistics})
    for (unsigned seed = 0; seed < 10; ++seed) {
      Parameters<Scalar> p = random_mixture<Scalar>(size, seed), none(size), bar(size);
      at_far_points(p, [&](Scalar x, double lengths) {
        const Expected want = expected(p, none, x);
        const Real log_error = u * (12 * want.largest_z + size + 60);
        const Real tolerance = 2 * std::min(log_error, Real(1)) * (want.largest_scale - want.smallest_scale) +
                               (60 + size) * u * want.largest_scale;
        Scalar x_bar = 0, dot = 0;
        EXPECT_NEAR(log_density(p.view(), x), want.log_f, log_error) << lengths;
        EXPECT_NEAR(log_density_slope(p.view(), x), want.slope, tolerance) << lengths;
        EXPECT_NEAR(log_density_adjoint(p.view(), x, Scalar(1), bar.view(), x_bar), want.log_f, log_error);
        EXPECT_NEAR(x_bar, want.slope, tolerance);
        EXPECT_NEAR(log_density_tangent(p.view(), x, none.view(), Scalar(1), dot), want.log_f, log_error);
        EXPECT_NEAR(dot, want.slope, tolerance);
        for (const Scalar value : bar.log_scale) EXPECT_LE(std::fabs(value), 2 * (1 + want.largest_z));
      });
    }
}

/// Where one logistic has all of the density and of the tail nothing is unknown, up to 10^12 lengths out. Rates of the
/// scales, whose part grows with the distance, would hide the others.
TYPED_TEST(FarPoints, VelocitiesAndRatesAreThoseOfTheTails) {
  using Scalar = TypeParam;
  const Real u = unit_roundoff<Scalar>;
  for (const int size : {1, 2, 5})
    for (unsigned seed = 0; seed < 15; ++seed) {
      Parameters<Scalar> p = spread_mixture<Scalar>(size, seed),
                         dot = random_mixture<Scalar>(size, seed + 100);
      if (seed % 3 > 0) std::fill(dot.log_scale.begin(), dot.log_scale.end(), Scalar(0));
      if (seed % 3 > 1) std::fill(dot.location.begin(), dot.location.end(), Scalar(0));
      at_far_points(p, [&](Scalar x, double lengths) {
        const Expected want = expected(p, dot, x);
        const Real share_error = lengths < 100 ? u * (12 * want.largest_z + size + 60) : 0;
        Scalar log_f = 0;
        const Real found = quantile_velocity(p.view(), dot.view(), x, log_f);
        EXPECT_NEAR(found, want.velocity, (60 * u + 2 * share_error) * want.terms) << lengths;
        const MovingConditional<Scalar> moving = moving_conditional(p.view(), dot.view(), x);
        EXPECT_EQ(static_cast<Real>(moving.quantile_velocity), found);
        EXPECT_EQ(moving.velocity_log_unit, 0);
        EXPECT_NEAR(moving.log_f_dot, want.log_f_dot, (60 * u + 2 * share_error) * want.rate_terms)
            << lengths;
      });
    }
}

/// A logistic so narrow that its z exceeds every number has no share, and takes nothing with it: all results are those
/// with one that is narrow enough to have none either.
TYPED_TEST(FarPoints, ANarrowLogisticElsewhereDoesNotCount) {
  using Scalar = TypeParam;
  const bool is_double = sizeof(Scalar) == sizeof(double);
  for (const double x_in : {3.0, -40.0}) {
    const auto x = static_cast<Scalar>(x_in);
    Parameters<Scalar> wide = random_mixture<Scalar>(3, 1), dot = random_mixture<Scalar>(3, 2);
    wide.log_scale[1] = static_cast<Scalar>(is_double ? 900 : 95);
    Parameters<Scalar> narrow = wide;
    narrow.log_scale[1] = 8;
    Scalar log_f = 0, log_f_narrow = 0, rate = 0, rate_narrow = 0;
    const Real tolerance = 100 * unit_roundoff<Scalar> * 40;
    EXPECT_NEAR(quantile_velocity(wide.view(), dot.view(), x, log_f),
                quantile_velocity(narrow.view(), dot.view(), x, log_f_narrow), tolerance);
    EXPECT_NEAR(log_f, log_f_narrow, tolerance);
    EXPECT_NEAR(log_density_slope(wide.view(), x), log_density_slope(narrow.view(), x), tolerance);
    log_density_tangent(wide.view(), x, dot.view(), Scalar(1), rate);
    log_density_tangent(narrow.view(), x, dot.view(), Scalar(1), rate_narrow);
    EXPECT_NEAR(rate, rate_narrow, tolerance);
    Parameters<Scalar> bar(3), dot_bar(3), bar_narrow(3), dot_bar_narrow(3);
    const auto adjoints = [&](Parameters<Scalar>& p, Parameters<Scalar>& to, Parameters<Scalar>& to_dot) {
      Scalar x_bar = 0, x_dot_bar = 0;
      const LogDensityBar<Scalar> weight = {Scalar(0.4), Scalar(0.3)};
      log_density_adjoint(p.view(), x, Scalar(0.5), to.view(), x_bar);
      log_density_slope_adjoint(p.view(), x, Scalar(0.7), weight, to.view(), x_bar);
      log_density_tangent_adjoint(p.view(), dot.view(), x, Scalar(0.7), weight, to.view(), to_dot.view(),
                                  x_bar, x_dot_bar);
      quantile_velocity_adjoint(p.view(), dot.view(), x, VelocityBar<Scalar>{Scalar(0.8), Scalar(0)},
                                to.view(), to_dot.view(), x_bar);
      moving_conditional_adjoint(
          p.view(), dot.view(), x,
          MovingConditional<Scalar>{Scalar(0.1), Scalar(0.2), Scalar(0.3), Scalar(0.4)}, true, to.view(),
          to_dot.view(), x_bar);
      return x_bar;
    };
    EXPECT_NEAR(adjoints(wide, bar, dot_bar), adjoints(narrow, bar_narrow, dot_bar_narrow), 10 * tolerance);
    for (auto Parameters<Scalar>::*member :
         {&Parameters<Scalar>::logit, &Parameters<Scalar>::location, &Parameters<Scalar>::log_scale})
      for (int l = 0; l < 3; ++l) {
        EXPECT_NEAR((bar.*member)[l], (bar_narrow.*member)[l], 40 * tolerance) << l;
        EXPECT_NEAR((dot_bar.*member)[l], (dot_bar_narrow.*member)[l], 40 * tolerance) << l;
      }
  }
}

/// Half-way between two narrow modes f is e^-8000, and mass that a changing weight moves across has a velocity beyond
/// every number: its log is known. Without such a change the velocity is that of the modes' average.
TYPED_TEST(FarPoints, BetweenModesTheLogOfTheVelocityIsKept) {
  using Scalar = TypeParam;
  Parameters<Scalar> p(2), dot(2);
  p.location = {Scalar(-1), Scalar(1)};
  p.log_scale = {Scalar(9), Scalar(9)};
  p.logit = {Scalar(0.3), Scalar(-0.2)};
  dot.logit = {Scalar(0.5), Scalar(-0.25)};
  dot.location = {Scalar(0.75), Scalar(0.75)};
  const Scalar x = Scalar(0.0625);
  const Expected want = expected(p, dot, x);  // within the range of extended precision
  ASSERT_GT(std::fabs(want.velocity), 1e300L * 1e300L);
  Scalar log_f = 0;
  const InUnit<Scalar> v = quantile_velocity_in_unit(p.view(), dot.view(), x, log_f);
  const Real log_error = unit_roundoff<Scalar> * (12 * want.largest_z + 60);
  EXPECT_NEAR(std::log(std::fabs(static_cast<Real>(v.value))) + v.log_unit,
              std::log(std::fabs(want.velocity)), 2 * log_error);
  EXPECT_EQ(v.value > 0, want.velocity > 0);
  EXPECT_TRUE(std::isinf(v.plain()));
  // Weighted by something small it is a number again.
  const Real product = v.weighted(static_cast<Scalar>(want.log_f));
  EXPECT_NEAR(product / (want.velocity * std::exp(want.log_f)), 1, std::expm1(4 * log_error));
  dot.logit = {Scalar(0.5), Scalar(0.5)};
  EXPECT_NEAR(quantile_velocity(p.view(), dot.view(), x, log_f), 0.75, 100 * unit_roundoff<Scalar>);
}

TYPED_TEST(FarPoints, NaNIsNotHidden) {
  using Scalar = TypeParam;
  const WithoutTraps without_traps;
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  for (const int size : {1, 3}) {
    Parameters<Scalar> p = random_mixture<Scalar>(size, 1), dot = random_mixture<Scalar>(size, 2);
    Scalar log_f = 0;
    EXPECT_TRUE(std::isnan(quantile_velocity(p.view(), dot.view(), nan, log_f)));
    EXPECT_TRUE(std::isnan(log_f));
    EXPECT_TRUE(std::isnan(log_density_slope(p.view(), nan)));
    p.log_scale[0] = nan;
    EXPECT_TRUE(std::isnan(quantile_velocity(p.view(), dot.view(), Scalar(1e6), log_f)));
    EXPECT_TRUE(std::isnan(log_density_slope(p.view(), Scalar(1e6))));
  }
}

}  // namespace
}  // namespace rhoflux::density
