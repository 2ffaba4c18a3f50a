#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "rhoflux/core/error.hpp"
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

const char* const potentials[] = {"circles 0.1,0.2,0.3 : 1.1; -1,0,1 : 0.8",
                                  "quadrics 0.1,0,0 : 2,-1,0.5 : 0.3", "balls 0.3,0.1,-0.2 : 1.5 : 2",
                                  "quadratic 1,2,3 : 0.5,0,2", "double_well 0,0.5,0 : 1,0.5,2 : 1,0,0.3"};

/// Values of the potentials above, written down once more.
double expected_potential(int which, const Draws<double>& draws) {
  const auto softplus = [](double y) { return std::log1p(std::exp(y)); };
  double sum = 0;
  for (int s = 0; s < n; ++s) {
    const double a = draws.x(0, s), b = draws.x(1, s), c = draws.x(2, s);
    const auto sq = [](double y) { return y * y; };
    if (which == 0)
      sum += softplus(1.1 * 1.1 - sq(a - 0.1) - sq(b - 0.2) - sq(c - 0.3)) +
             softplus(0.64 - sq(a + 1) - sq(b) - sq(c - 1));
    if (which == 1) sum += softplus(0.3 - 2 * sq(a - 0.1) + sq(b) - 0.5 * sq(c));
    if (which == 2) sum += softplus(2 * (1.5 - std::sqrt(sq(a - 0.3) + sq(b - 0.1) + sq(c + 0.2))));
    if (which == 3) sum += 0.25 * sq(a - 1) + sq(c - 3);
    if (which == 4) sum += 0.25 * sq(sq(a) - 1) + 0.075 * sq(sq(c) - 4);
  }
  return sum;
}

Config with_every_term(int potential = 0) {
  Config config;
  config.state_cost_potential = Potential::parse(potentials[potential]);
  config.kinetic.weight = config.control.weight = config.entropy.weight = 1;
  config.congestion.weight = config.state_cost.weight = 1;
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
    if (name == "congestion") sum += std::exp(draws.log_rho(s));
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
  ASSERT_EQ(terms.size(), 5u);
  for (const auto& scheduled : terms) {
    SCOPED_TRACE(scheduled.term->name());
    if (scheduled.term->name() == "state_cost") continue;
    const double want = expected(scheduled.term->name(), draws, config.control_sigma);
    EXPECT_NEAR(scheduled.term->add(ExecutionSpace(), draws, 1.0, zero_bar()), want, 1e-13 * std::fabs(want));
  }
}

TEST(RunningTerms, PotentialsHaveTheirValues) {
  const Draws<double> draws = random_state(1).draws();
  for (int which = 0; which < 5; ++which) {
    SCOPED_TRACE(potentials[which]);
    const StateCost<double> cost(Potential::parse(potentials[which]));
    const double want = expected_potential(which, draws);
    EXPECT_NEAR(cost.add(ExecutionSpace(), draws, 1.0, zero_bar()), want, 1e-13 * want);
    const std::string text = Potential::parse(potentials[which]).to_string();
    EXPECT_EQ(Potential::parse(text).to_string(), text);
  }
}

TEST(Potential, SaysWhatIsWrong) {
  const auto refuses = [](const std::string& text, const std::string& why) {
    try {
      (void)Potential::parse(text);
      ADD_FAILURE() << text << " was taken";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  refuses("", "there are none, circles");
  refuses("cubes 0,0 : 1", "'cubes' is not a potential");
  refuses("circles", "must be c1,..,cD : R");
  refuses("circles 0,0", "must be c1,..,cD : R");
  refuses("circles 0,0 : 1;", "must be c1,..,cD : R");
  refuses("circles 0,0 : -1", "a radius must be greater than 0");
  refuses("circles 0,x : 1", "'x' is not a finite decimal number");
  refuses("circles 0,0 : 1; 0 : 1", "parts of 2 and of 1 coordinates");
  refuses("quadratic 0,0 : 1", "2 coordinates but 1 numbers");
  refuses("balls 0,0 : 1 : 0", "k must be greater than 0");
}

/// |h(y + e d) - h(y) - e <bar, d>| falls with e^2: log-log slope 2, or nothing left where h is linear.
TEST(RunningTerms, AdjointsPassTheTaylorTest) {
  for (int which = 0; which < 5; ++which)
    for (const auto& scheduled : make_running_terms<double>(with_every_term(which))) {
      SCOPED_TRACE(scheduled.term->name() + ", " + potentials[which]);
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
