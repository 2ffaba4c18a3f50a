#include "rhoflux/objectives/gaussian_mixture.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/objectives/sample_stream.hpp"
#include "support/device_data.hpp"

namespace rhoflux::objectives {
namespace {

using namespace test;

/// Even samples of a mixture have its moments; a lattice of n points has errors far below n^(-1/2).
TEST(GaussianSamples, HaveTheMomentsOfTheDistribution) {
  const EndpointDistribution distribution =
      EndpointDistribution::parse("gaussian 1,2 : 4,1.2,1.2,0.5; -3,0 : 0.25 : 3");
  constexpr std::int64_t n = 16384;
  const std::vector<double> x =
      sample_gaussians(distribution, {n, 7, RandomPurpose::initial_distribution, Spread::even});
  ASSERT_EQ(x.size(), static_cast<std::size_t>(2 * n));
  const std::vector<double> mean = distribution.mean(), variance = distribution.variance();
  const double exact_product = 0.25 * (1.2 + 2.0) + 0.75 * 0.0;  // E x1 x2
  double sum[2] = {0, 0}, square[2] = {0, 0}, product = 0;
  for (std::size_t s = 0; s < static_cast<std::size_t>(n); ++s) {
    for (std::size_t i = 0; i < 2; ++i) {
      sum[i] += x[2 * s + i] / n;
      square[i] += (x[2 * s + i] - mean[i]) * (x[2 * s + i] - mean[i]) / n;
    }
    product += x[2 * s] * x[2 * s + 1] / n;
  }
  const double chance = std::sqrt(1.0 / n);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(sum[i], mean[i], 0.5 * chance * std::sqrt(variance[i]));
    EXPECT_NEAR(square[i], variance[i], 2 * chance * variance[i]);
  }
  EXPECT_NEAR(product, exact_product, 3 * chance * 2);
}

/// One after the other they come from each part of the mixture by its share, and two neighbours agree in it
/// as often as chance has it; means have the errors of independent samples.
TEST(GaussianSamples, AreIndependentWhereAsked) {
  const EndpointDistribution distribution = EndpointDistribution::parse("gaussian -9 : 1; 9 : 1 : 3");
  constexpr std::int64_t n = 16384;
  const std::vector<double> x =
      sample_gaussians(distribution, {n, 7, RandomPurpose::initial_distribution, Spread::independent});
  ASSERT_EQ(x.size(), static_cast<std::size_t>(n));
  double first_half = 0, same = 0, product = 0, square = 0;
  const auto within = [&](std::size_t s) { return x[s] < 0 ? x[s] + 9 : x[s] - 9; };
  for (std::size_t s = 0; s < x.size(); ++s) {
    if (s < x.size() / 2) first_half += (x[s] > 0) / (0.5 * n);
    square += within(s) * within(s) / n;
    if (s + 1 == x.size()) continue;
    same += ((x[s] > 0) == (x[s + 1] > 0)) / (n - 1.0);
    product += within(s) * within(s + 1) / (n - 1.0);
  }
  const double chance = std::sqrt(1.0 / n);  // four standard errors each
  EXPECT_NEAR(first_half, 0.75, 4 * std::sqrt(2 * 0.75 * 0.25) * chance);
  EXPECT_NEAR(same, 0.75 * 0.75 + 0.25 * 0.25, 4 * 0.6 * chance);
  EXPECT_NEAR(square, 1, 4 * std::sqrt(2.0) * chance);
  EXPECT_NEAR(product, 0, 4 * chance);
}

TEST(GaussianSamples, AreTheSameInAnyParts) {
  const EndpointDistribution distribution = EndpointDistribution::parse("gaussian 0,0,0 : 1; 5,5,5 : 2");
  Units units;
  units.mean = {1, 2, 3};
  units.scale = {2, 2, 2};
  const auto stream =
      make_gaussian_stream<double>(distribution, {1.0, units, RandomPurpose::terminal_distribution, 3, 24});
  const auto draw = [&](std::int64_t first, int n) {
    const density::Points<double> points = {make_vector<double>("tau", n), make_matrix<double>("x", 3, n)};
    const auto weight = make_vector<double>("weight", n);
    stream->draw(ExecutionSpace(), {5, first}, points, weight, {});
    for (const double tau : values_of(points.tau)) EXPECT_EQ(tau, 1.0);
    for (const double value : values_of(weight)) EXPECT_EQ(value, 1.0);
    return on_host(points.x);
  };
  const auto whole = draw(0, 24), part = draw(7, 10);
  for (int s = 0; s < 10; ++s)
    for (int i = 0; i < 3; ++i) EXPECT_EQ(part(i, s), whole(i, 7 + s));
  int far = 0;  // stratified over the parts: exactly half of the samples are of the second
  for (int s = 0; s < 24; ++s) far += whole(0, s) * 2 + 1 > 2.5 ? 1 : 0;
  EXPECT_NEAR(far, 12, 2);
}

/// GaussianMixture::add_gradient in the execution space. @param[in,out] gradient (n_dims)
double add_gradient(const GaussianMixture<double>& mixture, const std::vector<double>& x, double factor,
                    std::vector<double>& gradient) {
  const auto state = to_vector<double>(x), out = to_vector<double>(gradient);
  const auto work = make_vector<double>("work", mixture.n_dims()), log_p = make_vector<double>("log p", 1);
  for_each(
      ExecutionSpace(), "log p and its gradient", 1,
      KOKKOS_LAMBDA(int) { log_p(0) = mixture.add_gradient(state.data(), factor, work.data(), out.data()); });
  gradient = values_of(out);
  return values_of(log_p).front();
}

/// In model units the density is that of the units of the data times the volume of the scales, and its
/// gradient is that of the log density, by central differences.
TEST(GaussianMixture, HasTheDensityOfItsPartsInAnyUnits) {
  const EndpointDistribution distribution =
      EndpointDistribution::parse("gaussian 1,2 : 4,1.2,1.2,0.5; -3,0 : 0.25 : 3");
  const Units units = {{0.5, -1.0}, {2.0, 0.25}, 0, 1};
  const GaussianMixture<double> mixture(distribution, units);
  const auto log_density = [&](double a, double b) {  // units of the data
    const double det = 4 * 0.5 - 1.2 * 1.2, u = a - 1, v = b - 2;
    const double first = std::exp(-(0.5 * u * u - 2.4 * u * v + 4 * v * v) / (2 * det)) / std::sqrt(det);
    const double second = std::exp(-((a + 3) * (a + 3) + b * b) / 0.5) / 0.25;
    return std::log((0.25 * first + 0.75 * second) / (2 * M_PI));
  };
  for (const double a : {-3.5, -1.0, 2.0})
    for (const double b : {-0.5, 1.0, 2.5}) {
      const std::vector<double> x = {units.to_model(a, 0), units.to_model(b, 1)};
      std::vector<double> gradient = {0.5, -0.25};
      EXPECT_NEAR(add_gradient(mixture, x, 3.0, gradient), log_density(a, b) + units.log_volume(), 1e-12);
      constexpr double h = 1e-5;  // truncation h^2 times a third derivative of order 10, rounding 1e-15 / h
      const double along_a = (log_density(a + h, b) - log_density(a - h, b)) / (2 * h);
      const double along_b = (log_density(a, b + h) - log_density(a, b - h)) / (2 * h);
      EXPECT_NEAR(gradient[0], 0.5 + 3 * units.scale[0] * along_a, 1e-7);
      EXPECT_NEAR(gradient[1], -0.25 + 3 * units.scale[1] * along_b, 1e-7);
    }
}

}  // namespace
}  // namespace rhoflux::objectives
