#include "rhoflux/density/logistic_mixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "support/floating_point_traps.hpp"
#include "support/precisions.hpp"
#include "unit/density/mixture_parameters.hpp"
#include "unit/network/dual.hpp"

namespace rhoflux::density {
namespace {

using namespace test;

template <class Scalar>
Parameters<Scalar> random_mixture(int size, unsigned seed, double reach = 1.5) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-reach, reach);
  Parameters<Scalar> parameters(size);
  for (auto* values : {&parameters.logit, &parameters.location, &parameters.log_scale})
    for (Scalar& value : *values) value = static_cast<Scalar>(uniform(engine));
  return parameters;
}

/// The defining sums.
struct Naive {
  Real f = 0, below = 0, above = 0;
  Real largest_z = 0;
};
template <class Scalar>
Naive naive(const Parameters<Scalar>& p, Scalar x) {
  Naive result;
  Real total = 0;
  for (const Scalar logit : p.logit) total += std::exp(static_cast<Real>(logit));
  for (std::size_t l = 0; l < p.logit.size(); ++l) {
    const Real alpha = std::exp(static_cast<Real>(p.logit[l])) / total;
    const Real s = std::exp(static_cast<Real>(p.log_scale[l]));
    const Real z = s * (static_cast<Real>(x) - static_cast<Real>(p.location[l]));
    const Real below = 1 / (1 + std::exp(-z)), above = 1 / (1 + std::exp(z));
    result.below += alpha * below;
    result.above += alpha * above;
    result.f += alpha * s * below * above;
    result.largest_z = std::max(result.largest_z, std::fabs(z));
  }
  return result;
}

template <class Scalar>
class LogisticMixture : public testing::Test {};
TYPED_TEST_SUITE(LogisticMixture, Scalars);

constexpr int sizes[] = {1, 2, 5, 16, max_logistics};

/// z is good to 9 u |z| (the scale, 6 u, the difference and the product), so is a log of a tail; L terms are
/// summed, and some 40 roundings of numbers of order 1 (logits below 1.5, log s below 1.5, log f).
template <class Scalar>
Real bound(const Naive& want, int size) {
  const Real u = unit_roundoff<Scalar>;
  return u * (12 * want.largest_z + size + 60);
}

TYPED_TEST(LogisticMixture, DensityAndBothTailsMatchTheDefiningSums) {
  using Scalar = TypeParam;
  for (const int size : sizes)
    for (unsigned seed = 0; seed < 20; ++seed) {
      Parameters<Scalar> parameters = random_mixture<Scalar>(size, seed);
      for (const double position : {-300.0, -20.0, -3.0, -0.5, 0.0, 0.7, 2.5, 30.0, 250.0}) {
        const auto x = static_cast<Scalar>(position);
        const Naive want = naive(parameters, x);
        Scalar below, above;
        log_cdf(parameters.view(), x, below, above);
        EXPECT_NEAR(log_density(parameters.view(), x), std::log(want.f), bound<Scalar>(want, size));
        EXPECT_NEAR(below, std::log(want.below), bound<Scalar>(want, size));
        EXPECT_NEAR(above, std::log(want.above), bound<Scalar>(want, size));
      }
    }
}

/// 50 scale lengths of the widest logistic beyond all of them, on either side: relative accuracy 1e-6 of the
/// small tail in double means an error of its log below 1e-6.
TEST(LogisticMixtureTails, AreAccurateFiftyScaleLengthsOut) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    Parameters<double> parameters = random_mixture<double>(8, seed);
    const double widest =
        std::exp(-*std::min_element(parameters.log_scale.begin(), parameters.log_scale.end()));
    const double left =
        *std::min_element(parameters.location.begin(), parameters.location.end()) - 50 * widest;
    const double right =
        *std::max_element(parameters.location.begin(), parameters.location.end()) + 50 * widest;
    for (const double x : {left, right}) {
      const Naive want = naive(parameters, x);
      double below, above;
      log_cdf(parameters.view(), x, below, above);
      const double tail = x < 0 ? below : above;
      ASSERT_LT(tail, -45.0);
      EXPECT_NEAR(tail, std::log(x < 0 ? want.below : want.above), 1e-6);
      EXPECT_NEAR(x < 0 ? above : below, 0.0, 1e-14);
      EXPECT_NEAR(log_density(parameters.view(), x), std::log(want.f), 1e-6);
    }
  }
}

/// Derivatives from dual numbers: with respect to x and to each parameter.
template <class Scalar>
Real exact_derivative(const Parameters<Scalar>& p, Scalar x, const Parameters<Scalar>& dot, Scalar x_dot) {
  using D = Dual<Real>;
  D f(0.0L), total(0.0L);
  for (std::size_t l = 0; l < p.logit.size(); ++l) total += exp(D(p.logit[l], dot.logit[l]));
  for (std::size_t l = 0; l < p.logit.size(); ++l) {
    const D alpha = exp(D(p.logit[l], dot.logit[l])) / total;
    const D s = exp(D(p.log_scale[l], dot.log_scale[l]));
    const D e = exp(-(s * (D(x, x_dot) - D(p.location[l], dot.location[l]))));
    f += alpha * s * e / ((D(1.0L) + e) * (D(1.0L) + e));
  }
  return log(f).dot;
}

/// The derivative is a mean, by shares w that are good to `bound`, of terms of size s + |z| + 2 times the
/// direction; each term has a few roundings more.
TYPED_TEST(LogisticMixture, TangentAndAdjointMatchExactDerivatives) {
  using Scalar = TypeParam;
  for (const int size : sizes)
    for (unsigned seed = 0; seed < 20; ++seed) {
      Parameters<Scalar> p = random_mixture<Scalar>(size, seed);
      Parameters<Scalar> dot = random_mixture<Scalar>(size, seed + 100, 1.0);
      for (const double position : {-60.0, -3.0, 0.1, 2.5, 30.0}) {
        const auto x = static_cast<Scalar>(position), x_dot = static_cast<Scalar>(0.75);
        const Naive want = naive(p, x);
        const Real size_of_terms = 2 * (std::exp(Real(1.5)) * 2 + want.largest_z + 2);
        const Real tolerance = 2 * bound<Scalar>(want, size) * size_of_terms;
        const Real derivative = exact_derivative(p, x, dot, x_dot);

        Scalar log_f_dot = 0;
        const Scalar log_f = log_density_tangent(p.view(), x, dot.view(), x_dot, log_f_dot);
        EXPECT_NEAR(log_f, std::log(want.f), bound<Scalar>(want, size));
        EXPECT_NEAR(log_f_dot, derivative, tolerance);

        Parameters<Scalar> bar(size);
        Scalar x_bar = 7;
        const auto weight = static_cast<Scalar>(-1.5);
        const Scalar log_f_again = log_density_adjoint(p.view(), x, weight, bar.view(), x_bar);
        EXPECT_NEAR(log_f_again, std::log(want.f), bound<Scalar>(want, size));
        Real product = static_cast<Real>(x_bar) * x_dot;
        for (std::size_t l = 0; l < p.logit.size(); ++l)
          product += static_cast<Real>(bar.logit[l]) * dot.logit[l] +
                     static_cast<Real>(bar.location[l]) * dot.location[l] +
                     static_cast<Real>(bar.log_scale[l]) * dot.log_scale[l];
        EXPECT_NEAR(product, weight * derivative, 2 * tolerance);
      }
    }
}

/// Adding a number to all logits changes nothing; a logistic of weight zero is one that is not there.
TYPED_TEST(LogisticMixture, OnlyDifferencesOfTheLogitsMatter) {
  using Scalar = TypeParam;
  Parameters<Scalar> p = random_mixture<Scalar>(4, 1), shifted = p, with_ghost = p;
  for (Scalar& logit : shifted.logit) logit += Scalar(64);
  with_ghost.logit.push_back(Scalar(-1e4));
  with_ghost.location.push_back(Scalar(0.5));
  with_ghost.log_scale.push_back(Scalar(3));
  const auto x = static_cast<Scalar>(0.6);
  const Scalar u64 = 64 * std::numeric_limits<Scalar>::epsilon();
  EXPECT_NEAR(log_density(shifted.view(), x), log_density(p.view(), x), 4 * u64);
  EXPECT_NEAR(log_density(with_ghost.view(), x), log_density(p.view(), x), u64);
}

TYPED_TEST(LogisticMixture, NaNIsNotHidden) {
  using Scalar = TypeParam;
  const WithoutTraps without_traps;
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  EXPECT_TRUE(std::isnan(log_density(random_mixture<Scalar>(3, 1).view(), nan)));
  for (auto Parameters<Scalar>::*member :
       {&Parameters<Scalar>::logit, &Parameters<Scalar>::location, &Parameters<Scalar>::log_scale}) {
    Parameters<Scalar> parameters = random_mixture<Scalar>(3, 1);
    (parameters.*member)[1] = nan;
    EXPECT_TRUE(std::isnan(log_density(parameters.view(), Scalar(0.3))));
    Scalar below, above;
    log_cdf(parameters.view(), Scalar(0.3), below, above);
    EXPECT_TRUE(std::isnan(below) && std::isnan(above));
  }
}

/// The first uniform picks the logistic whose interval of cumulative weight holds it, the second is the
/// value of that logistic's CDF at the draw: x = mu + log(level / (1 - level)) / s.
TYPED_TEST(LogisticMixture, DrawInvertsTheCdfOfTheChosenComponent) {
  using Scalar = TypeParam;
  const Real u = unit_roundoff<Scalar>;
  for (const int size : sizes) {
    Parameters<Scalar> p = random_mixture<Scalar>(size, 3);
    Real total = 0, cumulative = 0;
    for (const Scalar logit : p.logit) total += std::exp(static_cast<Real>(logit));
    for (std::size_t l = 0; l < p.logit.size(); ++l) {
      const Real alpha = std::exp(static_cast<Real>(p.logit[l])) / total;
      for (const Real part : {Real(0.001), Real(0.5), Real(0.999)})
        for (const double level : {0x1p-53, 1e-6, 0.3, 0.5, 0.9, 1 - 0x1p-53}) {
          const Real scale = std::exp(-static_cast<Real>(p.log_scale[l]));
          const Real want = p.location[l] + scale * (std::log(Real(level)) - std::log1p(-Real(level)));
          const Scalar got = draw(p.view(), static_cast<double>(cumulative + part * alpha), level);
          EXPECT_NEAR(got, want, 10 * u * (std::fabs(want) + std::fabs(p.location[l])));
        }
      cumulative += alpha;
    }
    EXPECT_TRUE(std::isfinite(draw(p.view(), 1 - 0x1p-53, 0.5)));
    EXPECT_TRUE(std::isfinite(draw(p.view(), 0x1p-53, 0.5)));
  }
}

}  // namespace
}  // namespace rhoflux::density
