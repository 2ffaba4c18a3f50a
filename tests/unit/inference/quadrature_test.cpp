#include "rhoflux/inference/quadrature.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rhoflux::inference {
namespace {

/// `mass` times a logistic density.
DensityOnLine logistic(double location, double scale, double mass = 1) {
  return {[=](const std::vector<double>& x) {
            std::vector<double> log_f;
            for (const double value : x) {
              const double z = std::fabs(value - location) / scale;
              log_f.push_back(std::log(mass) - z - 2 * std::log1p(std::exp(-z)) - std::log(scale));
            }
            return log_f;
          },
          [=](const std::vector<double>& x) {
            std::vector<double> level;
            for (const double value : x) level.push_back(1 / (1 + std::exp(-(value - location) / scale)));
            return level;
          }};
}

TEST(Quadrature, OfADensityIsOneHoweverNarrowOrWide) {
  for (const double location : {0.0, 0.3, -17.0})
    for (const double scale : {1e-4, 1e-2, 1.0, 30.0}) {
      const Quadrature found = integrate(logistic(location, scale));
      EXPECT_LT(deviation_from_one(found), 1e-7) << "location " << location << ", scale " << scale;
      EXPECT_LT(found.error, 1e-6);
    }
}

/// F says where the needle is, the rules would step over it; what is summed is the density.
TEST(Quadrature, FindsMassThatIsNotOne) {
  for (const double mass : {0.9, 1 + 1e-5, 2.0})
    EXPECT_NEAR(integrate(logistic(0.2, 1e-3, mass)).mass, mass, 1e-7);
}

TEST(Quadrature, NodesIntegrateOtherFunctionsToo) {
  const Quadrature found = integrate(logistic(0.5, 0.8));
  const std::vector<double> log_f = logistic(0.5, 0.8).log_density(found.x);
  double mean = 0, square = 0;
  for (std::size_t k = 0; k < found.x.size(); ++k) {
    mean += found.weight[k] * std::exp(log_f[k]) * found.x[k];
    square += found.weight[k] * std::exp(log_f[k]) * std::pow(found.x[k] - 0.5, 2);
  }
  EXPECT_NEAR(mean, 0.5, 1e-7);
  EXPECT_NEAR(square, 0.64 * M_PI * M_PI / 3, 1e-6);  // variance of a logistic
}

TEST(Quadrature, OfWhatIsNotANumberIsInfinitelyFarFromOne) {
  DensityOnLine density = logistic(0, 1);
  density.log_density = [](const std::vector<double>& x) {
    return std::vector<double>(x.size(), std::numeric_limits<double>::quiet_NaN());
  };
  EXPECT_EQ(deviation_from_one(integrate(density)), std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace rhoflux::inference
