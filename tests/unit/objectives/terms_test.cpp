#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "rhoflux/objectives/running_term.hpp"

namespace rhoflux::objectives {
namespace {

constexpr int n = 5, n_dims = 3;

/// Draws on the host: t (n), then x, drift (n_dims, n), then log rho (n), in one vector.
struct State {
  std::vector<double> values = std::vector<double>(n * (2 + 2 * n_dims));
  Draws<double> draws() const {
    Draws<double> draws = {make_vector<double>("t", n), make_matrix<double>("x", n_dims, n),
                           make_matrix<double>("drift", n_dims, n), make_vector<double>("log rho", n)};
    std::size_t k = 0;
    for (int s = 0; s < n; ++s) draws.t(s) = values[k++];
    for (const Matrix<double>& matrix : {draws.x, draws.drift})
      for (int s = 0; s < n; ++s)
        for (int i = 0; i < n_dims; ++i) matrix(i, s) = values[k++];
    for (int s = 0; s < n; ++s) draws.log_rho(s) = values[k++];
    return draws;
  }
};

DrawsBar<double> zero_bar() {
  return {make_matrix<double>("x bar", n_dims, n), make_matrix<double>("drift bar", n_dims, n),
          make_vector<double>("log rho bar", n)};
}

Config with_every_term() {
  Config config;
  config.kinetic.weight = config.control.weight = config.entropy.weight = 1;
  config.control_sigma = 0.7;
  return config;
}

/// What each term is, written down once more.
double expected(const std::string& name, const Draws<double>& draws, double sigma) {
  double sum = 0;
  for (int s = 0; s < n; ++s) {
    double square = 0;
    for (int i = 0; i < n_dims; ++i) square += draws.drift(i, s) * draws.drift(i, s);
    if (name == "kinetic") sum += square;
    if (name == "control") sum += square / (2 * sigma * sigma);
    if (name == "entropy") sum += draws.log_rho(s);
  }
  return sum;
}

State random_state(unsigned seed) {
  State state;
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  for (double& value : state.values) value = normal(engine);
  return state;
}

TEST(RunningTerms, HaveTheirValues) {
  const Config config = with_every_term();
  const Draws<double> draws = random_state(1).draws();
  const auto terms = make_running_terms<double>(config);
  ASSERT_EQ(terms.size(), 3u);
  for (const auto& scheduled : terms) {
    SCOPED_TRACE(scheduled.term->name());
    const double want = expected(scheduled.term->name(), draws, config.control_sigma);
    EXPECT_NEAR(scheduled.term->add(ExecutionSpace(), draws, 1.0, zero_bar()), want, 1e-13 * std::fabs(want));
  }
}

/// |h(y + e d) - h(y) - e <bar, d>| falls with e^2: log-log slope 2, or nothing left where h is linear.
TEST(RunningTerms, AdjointsPassTheTaylorTest) {
  for (const auto& scheduled : make_running_terms<double>(with_every_term())) {
    SCOPED_TRACE(scheduled.term->name());
    const State state = random_state(2), direction = random_state(3);
    constexpr double weight = 1.7;
    const DrawsBar<double> bar = zero_bar();
    const double start = scheduled.term->add(ExecutionSpace(), state.draws(), weight, bar);
    const Draws<double> along = direction.draws();
    double slope = 0;
    for (int s = 0; s < n; ++s) {
      for (int i = 0; i < n_dims; ++i)
        slope += bar.x(i, s) * along.x(i, s) + bar.drift(i, s) * along.drift(i, s);
      slope += bar.log_rho(s) * along.log_rho(s);
    }
    const auto remainder = [&](double step) {
      State moved = state;
      for (std::size_t k = 0; k < moved.values.size(); ++k) moved.values[k] += step * direction.values[k];
      const double value = scheduled.term->add(ExecutionSpace(), moved.draws(), weight, zero_bar());
      return std::fabs(weight * (value - start) - step * slope);
    };
    const double coarse = remainder(1e-2), fine = remainder(1e-3);
    const double rounding = 1e-14 * weight * (1 + std::fabs(start));
    if (coarse < rounding) continue;  // linear
    EXPECT_NEAR(std::log10(coarse / fine), 2.0, 0.05);
  }
}

TEST(RunningTerms, WeightsStartAndGrowAsAskedFor) {
  const Term term = {2.0, 10, 4};
  EXPECT_EQ(term.at(9), 0.0);
  EXPECT_EQ(term.at(10), 0.5);
  EXPECT_EQ(term.at(13), 2.0);
  EXPECT_EQ(term.at(1000), 2.0);
  EXPECT_EQ((Term{2.0, 0, 0}).at(0), 2.0);
}

}  // namespace
}  // namespace rhoflux::objectives
