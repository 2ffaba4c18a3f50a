#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "rhoflux/objectives/expectation_term.hpp"
#include "support/device_data.hpp"
#include "support/errors.hpp"
#include "unit/objectives/totals.hpp"

namespace rhoflux::objectives {
namespace {

using namespace test;

constexpr int n = 8, n_dims = 3, group = 4;

/// Samples on the host: t (n), then x, drift (n, n_dims), then log rho (n), in one vector.
struct State {
  std::vector<double> values = std::vector<double>(n * (2 + 2 * n_dims));

  double x(int i, int s) const { return values[entry(0, i, s)]; }
  double drift(int i, int s) const { return values[entry(1, i, s)]; }
  double log_rho(int s) const { return values[entry(2, 0, 0) + static_cast<std::size_t>(s)]; }

  ModelSamples<double> samples() const {
    const auto part = [&](std::size_t begin, std::size_t end) {
      return std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                 values.begin() + static_cast<std::ptrdiff_t>(end));
    };
    const std::size_t first[] = {entry(0, 0, 0), entry(1, 0, 0), entry(2, 0, 0)};
    return {to_vector<double>(part(0, first[0])), to_matrix<double>(part(first[0], first[1]), n_dims),
            to_matrix<double>(part(first[1], first[2]), n_dims),
            to_vector<double>(part(first[2], values.size()))};
  }

 private:
  static std::size_t entry(int matrix, int i, int s) {
    return static_cast<std::size_t>(n + (matrix * n + s) * n_dims + i);
  }
};

ModelSamplesBar<double> zero_bar() {
  return {make_matrix<double>("x bar", n_dims, n), make_matrix<double>("drift bar", n_dims, n),
          make_vector<double>("log rho bar", n), make_vector<double>("score_weight", n),
          make_matrix<double>("scratch", n_dims, n)};
}

State random_state(unsigned seed) {
  State state;
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  for (double& value : state.values) value = normal(engine);
  return state;
}

double square(double y) {
  return y * y;
}

/// A term and its h written down once more, of sample s of a state.
struct Case {
  std::string name;
  Config config;
  std::function<double(const State&, int)> expected;
};

Case potential_case(const std::string& text, const std::function<double(double, double, double)>& phi) {
  Case found = {text, {}, [phi](const State& at, int s) { return phi(at.x(0, s), at.x(1, s), at.x(2, s)); }};
  found.config.schedule("state_cost").weight = 1;
  found.config.state_cost_potential = Potential::parse(text);
  return found;
}

/// A table of a x + b y + c z, which multilinear interpolation has exactly, on [-1, 1] x [-2, 2] x [-4, 4].
Case table_case() {
  Case found = potential_case("table none.h5", [](double a, double b, double c) {
    const auto within = [](double y, double edge) { return std::min(std::max(y, -edge), edge); };
    return 10 + within(a, 1) - 2 * within(b, 2) + 0.5 * within(c, 4);
  });
  Potential::Grid& grid = found.config.state_cost_potential.grid;
  grid.axes = {{-1, 0.25, 1}, {-2, 2}, {-4, -3, 0.5, 4}};
  for (const double a : grid.axes[0])
    for (const double b : grid.axes[1])
      for (const double c : grid.axes[2]) grid.values.push_back(10 + a - 2 * b + 0.5 * c);
  return found;
}

Case control_case(const std::string& base, const std::function<double(const State&, int, int)>& velocity) {
  constexpr double sigma = 0.7;
  Case found = {"control, " + base, {}, [velocity](const State& at, int s) {
                  double sum = 0;
                  for (int i = 0; i < n_dims; ++i) sum += square(at.drift(i, s) - velocity(at, s, i));
                  return sum / (2 * sigma * sigma);
                }};
  found.config.schedule("control").weight = 1;
  found.config.control_sigma = sigma;
  found.config.control_base = BaseDrift::parse(base);
  return found;
}

Case congestion_case(const std::string& kernel, const std::function<double(double)>& of_square) {
  Case found = {"congestion, " + kernel, {}, [of_square](const State& at, int s) {
                  double sum = 0;
                  for (int b = s / group * group; b < (s / group + 1) * group; ++b) {
                    double distance = 0;
                    for (int i = 0; i < n_dims; ++i) distance += square(at.x(i, s) - at.x(i, b));
                    if (b != s) sum += of_square(distance);
                  }
                  return sum / (group - 1);
                }};
  found.config.schedule("congestion").weight = 1;
  found.config.congestion_kernel = PairKernel::parse(kernel);
  found.config.congestion_group = group;
  return found;
}

std::vector<Case> all_cases() {
  const auto softplus = [](double y) { return std::log1p(std::exp(y)); };
  std::vector<Case> cases;
  cases.push_back({"kinetic", {}, [](const State& at, int s) {
                     double sum = 0;
                     for (int i = 0; i < n_dims; ++i) sum += square(at.drift(i, s));
                     return sum;
                   }});
  cases.back().config.schedule("kinetic").weight = 1;
  cases.push_back({"kinetic, standardised", cases.back().config, [](const State& at, int s) {
                     return square(at.drift(0, s)) / 4 + square(at.drift(1, s)) / 16 +
                            square(at.drift(2, s)) * 4;
                   }});
  cases.back().config.kinetic_metric = Metric::standardised;
  // The density of standardised coordinates is that of the data times the volume 2 * 4 * 0.5 of a standard deviation each.
  cases.push_back({"density_kinetic", {}, [](const State& at, int s) {
                     return std::pow(4 * std::exp(at.log_rho(s)), -0.3) *
                            (square(at.drift(0, s)) + square(at.drift(1, s)) + square(at.drift(2, s)));
                   }});
  cases.back().config.schedule("density_kinetic").weight = 1;
  cases.back().config.density_kinetic_power = 0.3;
  cases.push_back({"entropy", {}, [](const State& at, int s) { return at.log_rho(s); }});
  cases.back().config.schedule("entropy").weight = 1;
  cases.push_back({"congestion", {}, [](const State& at, int s) { return std::exp(at.log_rho(s)); }});
  cases.back().config.schedule("congestion").weight = 1;
  cases.push_back(congestion_case("inverse_quadratic 0.8", [](double d) { return 1 / (1 + d / 0.64); }));
  cases.push_back(congestion_case("gaussian 1.3", [](double d) { return std::exp(-d / (2 * 1.69)); }));
  cases.push_back(control_case("zero", [](const State&, int, int) { return 0.0; }));
  cases.push_back(control_case("linear -0.5 : 1,2,3",
                               [](const State& at, int s, int i) { return -0.5 * at.x(i, s) + i + 1; }));
  cases.push_back(control_case("linear 1,2,0,0,1,0,-3,0,1 : 0,0,0.5", [](const State& at, int s, int i) {
    const double a = at.x(0, s), b = at.x(1, s), c = at.x(2, s);
    return i == 0 ? a + 2 * b : i == 1 ? b : -3 * a + c + 0.5;
  }));
  cases.push_back(
      control_case("gradient double_well 0,0.5,0 : 1,0.5,2 : 1,0,0.3", [](const State& at, int s, int i) {
        const double a = at.x(i, s);
        return i == 1 ? 0 : i == 0 ? a - a * a * a : 0.3 * (4 * a - a * a * a);
      }));
  cases.push_back(
      control_case("gradient quadrics 0.1,0,0 : 2,-1,0.5 : 0.3", [](const State& at, int s, int i) {
        const double a = at.x(0, s) - 0.1, b = at.x(1, s), c = at.x(2, s);
        const double rise = 1 / (1 + std::exp(-(0.3 - 2 * a * a + b * b - 0.5 * c * c)));
        return rise * (i == 0 ? 4 * a : i == 1 ? -2 * b : c);
      }));
  cases.push_back(control_case("gradient balls 0.3,0.1,-0.2 : 1.5 : 2", [](const State& at, int s, int i) {
    const double d[] = {at.x(0, s) - 0.3, at.x(1, s) - 0.1, at.x(2, s) + 0.2};
    const double distance = std::sqrt(square(d[0]) + square(d[1]) + square(d[2]));
    return 2 * d[i] / distance / (1 + std::exp(-2 * (1.5 - distance)));
  }));
  cases.push_back(
      potential_case("circles 0.1,0.2,0.3 : 1.1; -1,0,1 : 0.8", [=](double a, double b, double c) {
        return softplus(1.21 - square(a - 0.1) - square(b - 0.2) - square(c - 0.3)) +
               softplus(0.64 - square(a + 1) - square(b) - square(c - 1));
      }));
  cases.push_back(potential_case("quadrics 0.1,0,0 : 2,-1,0.5 : 0.3", [=](double a, double b, double c) {
    return softplus(0.3 - 2 * square(a - 0.1) + square(b) - 0.5 * square(c));
  }));
  cases.push_back(potential_case("balls 0.3,0.1,-0.2 : 1.5 : 2", [=](double a, double b, double c) {
    return softplus(2 * (1.5 - std::sqrt(square(a - 0.3) + square(b - 0.1) + square(c + 0.2))));
  }));
  cases.push_back(potential_case("quadratic 1,2,3 : 0.5,0,2", [](double a, double, double c) {
    return 0.25 * square(a - 1) + square(c - 3);
  }));
  cases.push_back(potential_case("double_well 0,0.5,0 : 1,0.5,2 : 1,0,0.3", [](double a, double, double c) {
    return 0.25 * square(square(a) - 1) + 0.075 * square(square(c) - 4);
  }));
  cases.push_back(table_case());
  // Three variances 2, 0.5, 1 with a covariance of 0.6 of the first two, and a unit Gaussian.
  cases.push_back({"terminal_reverse", {}, [](const State& at, int s) {
                     const double a = at.x(0, s) - 0.2, b = at.x(1, s), c = at.x(2, s) + 1;
                     const double determinant = 2 * 0.5 - 0.36;
                     const double form = (0.5 * a * a - 1.2 * a * b + 2 * b * b) / determinant + c * c;
                     const double other = square(at.x(0, s)) + square(at.x(1, s) - 1) + square(at.x(2, s));
                     const double p =
                         0.75 * std::exp(-form / 2) / std::sqrt(determinant) + 0.25 * std::exp(-other / 2);
                     return at.log_rho(s) - std::log(p) + 1.5 * std::log(2 * M_PI);
                   }});
  cases.back().config.schedule("terminal_reverse").weight = 1;
  cases.back().config.terminal_distribution =
      EndpointDistribution::parse("gaussian 0.2,0,-1 : 2,0.6,0,0.6,0.5,0,0,0,1 : 3; 0,1,0 : 1");
  return cases;
}

std::unique_ptr<ExpectationTerm<double>> term_of(const Case& test_case) {
  const Config& config = test_case.config;
  const Units units = {{0, 0, 0}, {2, 4, 0.5}, 0, 1};
  for (const TermKind kind : {TermKind::integral, TermKind::terminal_expectation})
    for (const TermRow* row : config.active_terms(kind))
      return row->factory.make(TermContext<double>{config, config.schedule(row->name), units});
  return nullptr;
}

TEST(ExpectationTerms, HaveTheirValues) {
  const State state = random_state(1);
  const ModelSamples<double> samples = state.samples();
  for (const Case& test_case : all_cases()) {
    SCOPED_TRACE(test_case.name);
    double want = 0, size = 0;
    const ModelSamplesBar<double> bar = zero_bar();
    const TermSums sums = sums_of(*term_of(test_case), samples, 1.5, bar);
    const auto score_weight = on_host(bar.score_weight);
    const bool is_pair = test_case.config.congestion_kernel.is_pairwise();
    for (int s = 0; s < n; ++s) {
      const double h = test_case.expected(state, s);
      want += h;
      size += std::fabs(h);
      EXPECT_NEAR(score_weight(s), (is_pair ? 2 : 1) * 1.5 * h, 1e-13 * size);
    }
    EXPECT_NEAR(sums.value, want, 1e-13 * size);
    EXPECT_EQ(sums.saturated, 0);
  }
}

TEST(ExpectationTerms, TextsReadBack) {
  for (const Case& test_case : all_cases()) {
    const Config& config = test_case.config;
    for (const std::string& text : {config.state_cost_potential.to_string()})
      EXPECT_EQ(Potential::parse(text).to_string(), text);
    for (const std::string& text : {config.control_base.to_string()})
      EXPECT_EQ(BaseDrift::parse(text).to_string(), text);
    for (const std::string& text : {config.congestion_kernel.to_string()})
      EXPECT_EQ(PairKernel::parse(text).to_string(), text);
  }
  for (const std::string text :
       {"none", "gaussian 1,2 : 0.5", "gaussian 1,2 : 0.5,0.25; 0,0 : 1,0.5,0.5,2 : 3", "file some where.h5"})
    EXPECT_EQ(EndpointDistribution::parse(text).to_string(), text);
}

template <class Type>
void expect_refusal(const std::string& text, const std::string& why) {
  SCOPED_TRACE(text);
  expect_error(ExitCode::bad_input, {why}, [&] { (void)Type::parse(text); });
}

TEST(Potential, SaysWhatIsWrong) {
  const auto refuses = expect_refusal<Potential>;
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
  refuses("table", "needs the path");
}

TEST(EndpointDistribution, HasItsMoments) {
  const EndpointDistribution distribution =
      EndpointDistribution::parse("gaussian 1,2 : 4; 5,0 : 1,0.5,0.5,9 : 3");
  EXPECT_DOUBLE_EQ(distribution.mean()[0], 4.0);
  EXPECT_DOUBLE_EQ(distribution.mean()[1], 0.5);
  EXPECT_DOUBLE_EQ(distribution.variance()[0], (4 + 9 + 3 * (1 + 1)) / 4.0);
  EXPECT_DOUBLE_EQ(distribution.variance()[1], (4 + 2.25 + 3 * (9 + 0.25)) / 4.0);
}

TEST(EndpointDistribution, SaysWhatIsWrong) {
  expect_refusal<EndpointDistribution>("", "there are none, gaussian, file");
  expect_refusal<EndpointDistribution>("normal 0 : 1", "'normal' is not an endpoint distribution");
  expect_refusal<EndpointDistribution>("file", "needs the path");
  expect_refusal<EndpointDistribution>("gaussian 0,0", "must be mean m1,..,mD");
  expect_refusal<EndpointDistribution>("gaussian 0,0 : 1,2,3", "3 numbers for the variance of 2 coordinates");
  expect_refusal<EndpointDistribution>("gaussian 0,0 : 1,2,3,4", "not symmetric");
  expect_refusal<EndpointDistribution>("gaussian 0,0 : 1,2,2,1", "not positive definite");
  expect_refusal<EndpointDistribution>("gaussian 0,0 : 0", "not positive definite");
  expect_refusal<EndpointDistribution>("gaussian 0,0 : 1 : 0", "a weight must be greater than 0");
  expect_refusal<EndpointDistribution>("gaussian 0,0 : 1; 0 : 1", "parts of 2 and of 1 coordinates");
}

TEST(BaseDrift, SaysWhatIsWrong) {
  expect_refusal<BaseDrift>("", "there are zero, linear, gradient");
  expect_refusal<BaseDrift>("gradient none", "needs a potential");
  expect_refusal<BaseDrift>("gradient table a.h5", "jumps from cell to cell");
  expect_refusal<BaseDrift>("linear 1", "must be A : b1,..,bD");
  expect_refusal<BaseDrift>("linear 1,2,3 : 0,0", "3 numbers for A of 2 coordinates");
}

TEST(PairKernel, SaysWhatIsWrong) {
  expect_refusal<PairKernel>("box 1", "is not a kernel");
  expect_refusal<PairKernel>("gaussian 0", "must be greater than 0");
  expect_refusal<PairKernel>("gaussian", "is not a finite decimal number");
}

/// Remainder of first order of weight * h along a direction, at two steps: falls with the square.
struct Remainders {
  double coarse, fine, rounding;
};

Remainders remainders_of(const ExpectationTerm<double>& term, const State& state, const State& direction) {
  constexpr double weight = 1.7;
  const ModelSamplesBar<double> bar = zero_bar();
  const double start = sums_of(term, state.samples(), weight, bar).value;
  const auto x_bar = on_host(bar.x), drift_bar = on_host(bar.drift);
  const auto log_rho_bar = on_host(bar.log_rho);
  double slope = 0;
  for (int s = 0; s < n; ++s) {
    for (int i = 0; i < n_dims; ++i)
      slope += x_bar(i, s) * direction.x(i, s) + drift_bar(i, s) * direction.drift(i, s);
    slope += log_rho_bar(s) * direction.log_rho(s);
  }
  const auto remainder = [&](double step) {
    State shifted = state;
    for (std::size_t k = 0; k < shifted.values.size(); ++k) shifted.values[k] += step * direction.values[k];
    const double value = sums_of(term, shifted.samples(), weight, zero_bar()).value;
    return std::fabs(weight * (value - start) - step * slope);
  };
  return {remainder(1e-3), remainder(1e-4), 1e-14 * weight * (1 + std::fabs(start))};
}

TEST(ExpectationTerms, AdjointsPassTheTaylorTest) {
  for (const Case& test_case : all_cases()) {
    SCOPED_TRACE(test_case.name);
    // Cells of the table are left by no step: of the first samples of a fine grid of seeds, one that stays
    // inside.
    const Remainders found = remainders_of(*term_of(test_case), random_state(2), random_state(3));
    if (found.coarse < found.rounding) continue;  // linear
    EXPECT_NEAR(std::log10(found.coarse / found.fine), 2.0, 0.05);
  }
}

/// Above the limit c a cost h counts as c (1 + log(h / c)), and its pull is bounded.
TEST(ExpectationTerms, SaturatedCostsPassTheTaylorTest) {
  for (Case& test_case : std::vector<Case>(all_cases())) {
    SCOPED_TRACE(test_case.name);
    if (test_case.config.is_active("entropy") || test_case.config.is_active("terminal_reverse"))
      continue;  // a cost that can be negative does not saturate
    const State state = random_state(2);
    // Half the largest h: some samples are saturated and some are not. A pair kernel saturates pair by pair.
    const bool is_pair = test_case.config.congestion_kernel.is_pairwise();
    double largest = 0;
    for (int s = 0; s < n; ++s) largest = std::max(largest, test_case.expected(state, s));
    const double limit = is_pair ? 0.1 : largest / 2;
    Config& config = test_case.config;
    for (const char* term : {"kinetic", "density_kinetic", "control", "congestion", "state_cost"})
      config.schedule(term).saturation = limit;
    const auto term = term_of(test_case);
    const TermSums sums = sums_of(*term, state.samples(), 1.0, zero_bar());
    EXPECT_GT(sums.saturated, 0);
    double want = 0, saturated = 0;
    for (int s = 0; s < n && !is_pair; ++s) {
      const double h = test_case.expected(state, s);
      want += h > limit ? limit * (1 + std::log(h / limit)) : h;
      saturated += h > limit ? 1 : 0;
    }
    if (!is_pair) {
      EXPECT_NEAR(sums.value, want, 1e-13 * want);
      EXPECT_EQ(sums.saturated, saturated);
    }
    const Remainders found = remainders_of(*term, state, random_state(3));
    EXPECT_NEAR(std::log10(found.coarse / found.fine), 2.0, 0.05);
  }
}

TEST(ExpectationTerms, WeightsStartAndGrowAsAskedFor) {
  const TermSchedule term = {2.0, 10, 4, 0};
  EXPECT_EQ(term.at(9), 0.0);
  EXPECT_EQ(term.at(10), 0.5);
  EXPECT_EQ(term.at(13), 2.0);
  EXPECT_EQ(term.at(1000), 2.0);
  EXPECT_EQ((TermSchedule{2.0, 0, 0, 0}).at(0), 2.0);
}

}  // namespace
}  // namespace rhoflux::objectives
