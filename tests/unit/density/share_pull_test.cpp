#include "rhoflux/density/share_pull.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "unit/density/mixture_parameters.hpp"

namespace rhoflux::density {
namespace {

/// Two clouds of deviation 1 at +-distance / 2 whose weights change, and a slow motion of one of them.
struct Clouds {
  explicit Clouds(double distance) : mixture(2), rate(2) {
    mixture.location = {-distance / 2, distance / 2};
    mixture.log_scale = {std::log(1.8), std::log(1.8)};
    mixture.logit = {0.4, -0.2};
    rate.logit = {1.1, -0.3};
    rate.location = {0.2, 0};
  }
  Parameters<double> mixture, rate;
};

/// The pull at a draw: that of the draw and what it misses.
template <class Scalar>
Scalar share_pull(Parameters<Scalar>& mixture, Parameters<Scalar>& rate, Scalar x, Scalar share,
                  Scalar others = 1) {
  Parameters<Scalar> bar(mixture.view().size), rate_bar(mixture.view().size);
  Scalar x_bar = 0;
  const GrowthShareBar<Scalar> sample = growing_conditional_adjoint(
      mixture.view(), rate.view(), x, share, GrowingConditionalBar<Scalar>{0, {0, 0}, 0}, StateOf::sample,
      bar.view(), rate_bar.view(), x_bar);
  const Scalar own =
      sample.is_far ? share_pull_of_sample(mixture.view(), rate.view(), x, share) : sample.pull;
  return own + missed_share_pull(mixture.view(), rate.view(), x, share, sample, others);
}

/// 2 E_f[v A] by the trapezoidal rule.
double integral(Clouds& clouds, double share) {
  double sum = 0;
  const double step = 1e-3;
  for (double x = -30; x < 30; x += step)
    sum += step * std::exp(log_density(clouds.mixture.view(), x)) *
           share_pull_of_sample(clouds.mixture.view(), clouds.rate.view(), x, share);
  return sum;
}

struct Estimate {
  double mean, error;
};
template <class Pull>
Estimate over_draws(Clouds& clouds, int n, const Pull& pull) {
  double sum = 0, square = 0;
  for (int s = 0; s < n; ++s) {
    const double choice = std::fmod(0.5 + s * 0.6180339887498949, 1.0), level = (s + 0.5) / n;
    const double found = pull(draw(clouds.mixture.view(), choice, level));
    sum += found;
    square += found * found;
  }
  return {sum / n, std::sqrt(std::max(0.0, square / n - sum * sum / n / n) / n)};
}

/// Where samples see the whole integral, both estimates are right; the pull has the smaller error.
TEST(SharePull, IsTheDerivativeOfTheKineticEnergy) {
  for (const double distance : {2.0, 4.0, 6.0})  // gaps in which no part reaches its bound
    for (const double share : {0.0, 0.5, 0.9}) {
      Clouds clouds(distance);
      const double known = integral(clouds, share);
      const Estimate found = over_draws(
          clouds, 20000, [&](double x) { return share_pull(clouds.mixture, clouds.rate, x, share); });
      SCOPED_TRACE(::testing::Message() << distance << " " << share << ": " << known);
      EXPECT_NEAR(found.mean, known, 5 * found.error);
      EXPECT_LT(found.error, 0.05 * std::fabs(known));
    }
}

/// The second point of some draws alone, with the weight of all.
TEST(SharePull, TheSecondPointMayBeThatOfAPartOfTheDraws) {
  Clouds clouds(6);
  const double known = integral(clouds, 0.5);
  int draws = 0;
  const Estimate found = over_draws(clouds, 20000, [&](double x) {
    return share_pull(clouds.mixture, clouds.rate, x, 0.5, draws++ % 4 == 0 ? 4.0 : 0.0);
  });
  EXPECT_NEAR(found.mean, known, 5 * found.error);
  EXPECT_LT(found.error, 0.05 * std::fabs(known));
}

/// Across a gap into which no sample falls the pull is there, and at most its bound.
TEST(SharePull, SeesAGapThatSamplesDoNot) {
  Clouds clouds(60);
  const double share = 0.5;
  const Estimate found =
      over_draws(clouds, 2000, [&](double x) { return share_pull(clouds.mixture, clouds.rate, x, share); });
  EXPECT_LT(found.mean, -100);  // a larger share costs less
  EXPECT_GT(found.mean, -4000);
  Parameters<float> mixture(2), rate(2);
  for (std::size_t l = 0; l < 2; ++l) {
    mixture.location[l] = static_cast<float>(clouds.mixture.location[l]);
    mixture.log_scale[l] = static_cast<float>(clouds.mixture.log_scale[l]);
    rate.logit[l] = static_cast<float>(clouds.rate.logit[l]);
  }
  for (const float x : {-30.0F, -29.0F, 30.5F, 0.0F})
    EXPECT_TRUE(std::isfinite(share_pull(mixture, rate, x, 0.5F))) << x;
}

}  // namespace
}  // namespace rhoflux::density
