#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "rhoflux/density/mixture_network.hpp"
#include "unit/density/reference_density.hpp"

namespace rhoflux::density {
namespace {

using namespace test;

InitialRows gaussian_rows(int n_rows, int n_dims, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  InitialRows rows;
  rows.n_dims = n_dims;
  for (int k = 0; k < n_rows * n_dims; ++k) rows.x.push_back(normal(engine));
  return rows;
}

/// The default sizes of the deck but for a narrower network.
Config usual(Config config) {
  config.hidden = {64, 64, 64};
  config.n_logistics = 16;
  config.n_products = 32;
  config.time_features = 32;
  config.time_frequency_max = 16;
  return config;
}

template <class Scalar>
double mean_nll(const DensityCase& test_case, const std::vector<double>& parameters,
                const InitialRows& rows) {
  constexpr int chunk = 100;
  const auto density = make_density<Scalar>(test_case.config, test_case.n_dims, {chunk, 0, Passes::forward});
  const auto log_rho = make_vector<Scalar>("log rho", chunk);
  const int n_rows = static_cast<int>(rows.x.size()) / test_case.n_dims;
  double sum = 0;
  for (int begin = 0; begin < n_rows; begin += chunk) {
    std::vector<double> tau;
    for (int s = 0; s < chunk; ++s) tau.push_back(static_cast<double>(s) / (chunk - 1));
    const Points<Scalar> points{to_vector<Scalar>(tau),
                                to_matrix<Scalar>({rows.x.begin() + begin * test_case.n_dims,
                                                   rows.x.begin() + (begin + chunk) * test_case.n_dims},
                                                  test_case.n_dims),
                                equal_conditions<Scalar>(test_case.config.n_conditions, chunk)};
    density->log_density(ExecutionSpace(), to_vector<Scalar>(parameters), points, log_rho);
    const auto host = on_host(log_rho);
    for (int s = 0; s < chunk; ++s) sum -= static_cast<double>(host(s)) / n_rows;
  }
  return sum;
}

/// Independent standard Gaussians: the entropy is D log(2 pi e) / 2 and no density can be below it. The start
/// is a smoothed histogram, 0.5 nats above it at most in up to three dimensions; the outputs of the random
/// network, which shift every logistic a little with time and state, cost the rest.
TEST(Initialise, StartsNearAGaussianFitOnGaussianData) {
  for (DensityCase test_case : density_cases({1, 2, 3})) {
    SCOPED_TRACE(test_case.name);
    test_case.config = usual(test_case.config);
    const InitialRows rows = gaussian_rows(4000, test_case.n_dims, 1);
    const auto density = make_density<double>(test_case.config, test_case.n_dims, {});
    const auto parameters = density->initialise(rows, 2);
    ASSERT_EQ(parameters.size(), static_cast<std::size_t>(density->layout().size()));
    constexpr int n_others = 1000;
    const InitialRows others = gaussian_rows(n_others, test_case.n_dims, 3);
    const double fit = 0.5 * test_case.n_dims * std::log(2 * std::acos(-1.0) * std::exp(1.0));
    const double start = mean_nll<double>(test_case, parameters, others);
    RecordProperty("excess_nats_" + std::to_string(test_case.n_dims), std::to_string(start - fit));
    EXPECT_LT(start, fit + 0.5);
    EXPECT_GT(start, fit - 5 * std::sqrt(0.5 * test_case.n_dims / n_others));
    EXPECT_NEAR(mean_nll<float>(test_case, parameters, others), start, 1e-4);
  }
}

/// Constant columns, a single row, and one row in a hundred at a hundred standard deviations.
TEST(Initialise, IsFiniteForAwkwardData) {
  for (DensityCase test_case : density_cases({1, 2})) {
    SCOPED_TRACE(test_case.name);
    InitialRows same = gaussian_rows(100, test_case.n_dims, 4), outliers = same, one;
    std::fill(same.x.begin(), same.x.end(), 0.7);
    for (int i = 0; i < test_case.n_dims; ++i)
      outliers.x[static_cast<std::size_t>(i)] = i % 2 == 0 ? 100 : -100;
    one.n_dims = test_case.n_dims;
    one.x.assign(static_cast<std::size_t>(test_case.n_dims), -2.0);
    const auto density = make_density<double>(test_case.config, test_case.n_dims, {});
    for (const InitialRows& rows : {same, outliers, one}) {
      InitialRows hundred = rows;
      for (std::size_t k = 0; hundred.x.size() < 100u * static_cast<std::size_t>(test_case.n_dims); ++k)
        hundred.x.push_back(rows.x[k % rows.x.size()]);
      EXPECT_TRUE(std::isfinite(mean_nll<double>(test_case, density->initialise(rows, 5), hundred)));
    }
  }
}

TEST(Initialise, IsAFunctionOfTheSeedAndLeavesTheGapsAtZero) {
  for (const DensityCase& test_case : density_cases({1, 3})) {
    SCOPED_TRACE(test_case.name);
    const InitialRows rows = gaussian_rows(200, test_case.n_dims, 6);
    const auto density = make_density<double>(test_case.config, test_case.n_dims, {});
    const auto parameters = density->initialise(rows, 7);
    EXPECT_EQ(density->initialise(rows, 7), parameters);
    EXPECT_EQ(make_density<float>(test_case.config, test_case.n_dims, {})->initialise(rows, 7), parameters);
    EXPECT_NE(density->initialise(rows, 8), parameters);
    std::vector<bool> is_parameter(parameters.size(), false);
    for (const network::ParameterBlock& block : density->layout().blocks())
      std::fill_n(is_parameter.begin() + block.offset, block.size(), true);
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      if (!is_parameter[k]) {
        EXPECT_EQ(parameters[k], 0.0);
      }
    }
  }
}

/// Each product of the factorised family lies around a data row: the mean of its locations is that row.
TEST(Initialise, ComponentsOfTheFactorisedFamilyLieAroundDataRows) {
  for (const DensityCase& test_case : density_cases({3})) {
    if (test_case.config.family != Family::factorised) continue;
    SCOPED_TRACE(test_case.name);
    const InitialRows rows = gaussian_rows(50, 3, 9);
    const auto density = make_density<double>(test_case.config, 3, {});
    auto parameters = density->initialise(rows, 10);
    int bias = -1;
    for (const network::ParameterBlock& block : density->layout().blocks())
      if (block.name == "mixtures/layer2/degree0/bias") bias = block.offset;
    const bool split = test_case.config.weights == MixtureWeights::time_constant;
    const int count = test_case.config.n_logistics;
    std::vector<int> used;
    for (int k = 0; k < test_case.config.n_products; ++k) {
      std::vector<double> centre;
      for (int i = 0; i < 3; ++i) {
        const int head = bias + (3 * k + i) * (split ? 2 : 3) * count + (split ? 0 : count);
        centre.push_back(std::accumulate(parameters.begin() + head, parameters.begin() + head + count, 0.0) /
                         count);
      }
      int found = -1;
      for (int row = 0; row < 50; ++row) {
        double distance = 0;
        for (std::size_t i = 0; i < 3; ++i)
          distance += std::fabs(centre[i] - rows.x[static_cast<std::size_t>(3 * row) + i]);
        if (distance < 1e-12) found = row;
      }
      EXPECT_GE(found, 0) << "product " << k;
      used.push_back(found);
    }
    EXPECT_GT(*std::max_element(used.begin(), used.end()), *std::min_element(used.begin(), used.end()));
  }
}

/// Rows in a hundred clusters, .02 wide, of standard Gaussian centres. A thousand products, each from another row, start as a
/// kernel density estimate of them. A row lies z = .02 sqrt(2) / scale scale lengths from those of its own cluster, a
/// hundredth of all, whose peaks are 1 / (4 scale) in each coordinate: the NLL is log(100) + 2 log(4 scale) + z^2 / 2 at most,
/// a quarter of the square of the distance in each coordinate. It is not better than the truth, log(100) + 2 log(.02) + log(2 pi e).
TEST(Initialise, ManyProductsResolveSmallClusters) {
  DensityCase crowd = crowd_of_products(2);
  crowd.config.n_products = 1000;
  crowd.config.hidden = {4};
  const InitialRows centres = gaussian_rows(100, 2, 11), spread = gaussian_rows(4000, 2, 12);
  InitialRows rows = {2, {}}, others = {2, {}};
  for (std::size_t k = 0; k < spread.x.size(); ++k)
    (k < 4000 ? rows : others).x.push_back(centres.x[k % 200] + 0.02 * spread.x[k]);
  const auto density = make_density<double>(crowd.config, 2, {});
  const double start = mean_nll<double>(crowd, density->initialise(rows, 13), others);
  const double pi = std::acos(-1.0), scale = 0.5 * std::sqrt(32.0 / 1000) * std::sqrt(3.0) / pi;
  EXPECT_LT(start, std::log(100 * 16 * scale * scale) + 0.5 * std::pow(0.02 * std::sqrt(2.0) / scale, 2));
  EXPECT_GT(start, std::log(100 * 0.02 * 0.02 * 2 * pi * std::exp(1.0)));
}

/// Locations on the quantiles (l + 1/2) / L of each column, scales that follow the local spacing.
TEST(PlaceOnQuantiles, PutsLocationsOnTheQuantilesOfEachColumn) {
  constexpr int n_rows = 1001, n_logistics = 10;
  std::vector<double> x;
  for (int row = 0; row < n_rows; ++row) {
    const double level = static_cast<double>((row * 37) % n_rows) / (n_rows - 1);  // every level once
    x.push_back(level);
    x.push_back(-5 + 20 * level);
  }
  std::vector<double> locations, log_scales;
  place_on_quantiles(x, 2, n_logistics, locations, log_scales);
  ASSERT_EQ(locations.size(), 2u * n_logistics);
  for (std::size_t l = 0; l < n_logistics; ++l) {
    const double level = (static_cast<double>(l) + 0.5) / n_logistics;
    EXPECT_NEAR(locations[l], level, 1e-12);
    EXPECT_NEAR(locations[n_logistics + l], -5 + 20 * level, 1e-11);
    // Half the distance between the neighbours' levels, 0.1 inside and 0.075 at the ends, times 0.6.
    const bool end = l == 0 || l + 1 == n_logistics;
    EXPECT_NEAR(log_scales[l], -std::log(0.6 * (end ? 0.075 : 0.1)), 1e-10);
    EXPECT_NEAR(log_scales[n_logistics + l], log_scales[l] - std::log(20.0), 1e-10);
  }
}

}  // namespace
}  // namespace rhoflux::density
