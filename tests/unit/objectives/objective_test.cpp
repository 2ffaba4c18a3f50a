#include "rhoflux/objectives/objective.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "unit/flux/reference_flux.hpp"
#include "unit/objectives/totals.hpp"

namespace rhoflux::objectives {
namespace {

using namespace test;

constexpr int batch = 64, chunk = 16;
const Units units = {{1.0, -2.0}, {0.5, 2.0}, 3.0, 7.0};

/// Rows that a file might have: at tau = index / batch, x = (sin, cos), and weights of their own, k + 1 times as large
/// for member k.
template <class Scalar>
class Rows final : public SampleStream<Scalar> {
 public:
  void draw(const ExecutionSpace&, const SampleSet& samples, const density::Points<Scalar>& points,
            const Vector<Scalar>& weight, const Vector<Scalar>& growth) const override {
    const std::int64_t step = samples.step, first_sample = samples.first;
    std::vector<double> tau, x, weights;
    for (int s = 0; s < points.size(); ++s) {
      const auto index = static_cast<double>(first_sample + s + step);
      tau.push_back(static_cast<double>(first_sample + s) / batch);
      x.insert(x.end(), {std::sin(index), std::cos(index)});
      weights.push_back((1 + 0.5 * std::sin(3 * index)) * (1 + samples.member));
    }
    weights.resize(weight.extent(0), std::nan(""));  // of samples that are not asked for
    if (growth.extent(0) > 0) {
      std::vector<double> rates;
      for (std::size_t s = 0; s < growth.extent(0); ++s)
        rates.push_back(0.3 * std::cos(static_cast<double>(first_sample) + static_cast<double>(s)));
      Kokkos::deep_copy(growth, to_vector<Scalar>(rates));
    }
    Kokkos::deep_copy(points.tau, to_vector<Scalar>(tau));
    Kokkos::deep_copy(points.x, to_matrix<Scalar>(x, 2));
    Kokkos::deep_copy(weight, to_vector<Scalar>(weights));
  }
};

Config config_of_every_kind() {
  Config config;
  config.schedule("initial").weight = 0.7;
  config.schedule("initial_reverse").weight = 0.2;
  config.schedule("terminal").weight = 0.5;
  config.schedule("kinetic").weight = 0.1;
  config.schedule("kinetic").start = 10;
  config.schedule("jacobian_symmetry").weight = 0.05;
  config.initial_distribution = EndpointDistribution::parse("gaussian 1,-2 : 0.3,4; 0,0 : 1 : 2");
  config.terminal_potential = Potential::parse("quadratic 2,-1 : 1,0.3");
  return config;
}

Objective<double> objective_of(const Config& config, flux::Dynamics<double>& dynamics) {
  FileStreams<double> streams;
  streams.data = std::make_unique<Rows<double>>();
  flux::Volatility volatility;
  volatility.values = {0.2};
  return Objective<double>(config, dynamics, {units, volatility, batch, 5, chunk}, std::move(streams));
}

/// Likelihoods first, then the ends, then the integrals; a terminal term with a potential is an expectation.
TEST(Objective, HasItsTermsInOrder) {
  DynamicsFixture<double> fixture(dynamics_cases({2}).front(), chunk, 3);
  const Objective<double> objective = objective_of(config_of_every_kind(), fixture.dynamics);
  const std::vector<std::string> want = {"nll",      "initial", "initial_reverse",
                                         "terminal", "kinetic", "jacobian_symmetry"};
  ASSERT_EQ(objective.n_terms(), want.size());
  for (std::size_t k = 0; k < want.size(); ++k) EXPECT_EQ(objective.name(k), want[k]);
  EXPECT_EQ(objective.weights_at(0), (std::vector<double>{1, 0.7, 0.2, 0.5, 0, 0.05}));
  EXPECT_EQ(objective.weights_at(10), (std::vector<double>{1, 0.7, 0.2, 0.5, 0.1, 0.05}));
}

TEST(Objective, LeavesOutTheLikelihoodOfDataWhereThereAreNone) {
  DynamicsFixture<double> fixture(dynamics_cases({2}).front(), chunk, 3);
  const Objective<double> objective(config_of_every_kind(), fixture.dynamics, {units, {}, batch, 5, chunk},
                                    {});
  EXPECT_EQ(objective.name(0), "initial");
}

/// Values and gradient of the parts of a batch add up to those of the whole, and what has no weight is 0.
TEST(Objective, AddsUpOverThePartsOfABatch) {
  for (const DynamicsCase& test_case : dynamics_cases({2})) {
    if (test_case.diffusion > 0) continue;             // the volatility is the test's own
    if (test_case.density.n_conditions > 0) continue;  // given distributions have none
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, chunk, 3);
    Objective<double> objective = objective_of(config_of_every_kind(), fixture.dynamics);
    const std::vector<double> weights = objective.weights_at(2);
    const int size = fixture.dynamics.layout().size();
    const auto whole = make_vector<double>("whole", size), parts = make_vector<double>("parts", size);
    const auto accumulate = [&](SampleRange samples, const Vector<double>& gradient) {
      const Totals totals(objective.n_terms());
      objective.accumulate(ExecutionSpace(), fixture.parameter_vector(), 2, samples, weights, gradient,
                           totals.on_device());
      return totals.read();
    };
    const std::vector<TermSums> sums = accumulate({0, batch}, whole);
    std::vector<TermSums> added = accumulate({0, 21}, parts);
    const std::vector<TermSums> more = accumulate({21, batch}, parts);
    for (std::size_t k = 0; k < sums.size(); ++k)
      EXPECT_NEAR(added[k].value + more[k].value, sums[k].value, 1e-12 * (1 + std::fabs(sums[k].value)));
    EXPECT_EQ(sums[4].value, 0);
    EXPECT_NE(sums[5].value, 0);
    expect_near_entries(parts, whole, 1e-11);
  }
}

/// The likelihoods of data and the growth rates of rows see the weights that are those of the member; nothing else does.
TEST(Objective, RowsAreThoseOfTheMember) {
  for (const DynamicsCase& test_case : dynamics_cases({2})) {
    if (test_case.diffusion > 0 || !test_case.density.grows() || test_case.density.n_conditions > 0) continue;
    DynamicsFixture<double> fixture(test_case, chunk, 3);
    Config config = config_of_every_kind();
    config.schedule("growth_rates").weight = 0.7;
    Objective<double> objective = objective_of(config, fixture.dynamics);
    const auto sums_of = [&](int member) {
      const Totals totals(objective.n_terms());
      objective.accumulate(
          ExecutionSpace(), fixture.parameter_vector(), 12, {0, batch, member}, objective.weights_at(12),
          make_vector<double>("gradient", fixture.dynamics.layout().size()), totals.on_device());
      return totals.read();
    };
    const std::vector<TermSums> first = sums_of(0), third = sums_of(2);
    for (std::size_t k = 0; k < first.size(); ++k) {
      const bool is_of_rows = objective.name(k) == "nll" || objective.name(k) == "growth_rates";
      EXPECT_NEAR(third[k].value, (is_of_rows ? 3 : 1) * first[k].value, 1e-12 * std::fabs(third[k].value))
          << objective.name(k);
    }
  }
}

/// (1/B) sum_s w_s (r(t_s, x_s) - r_s)^2, r by the dynamics alone; its gradient passes the Taylor test, saturated or not.
TEST(Objective, GrowthRatesAreComparedWithThoseOfTheRows) {
  for (const DynamicsCase& test_case : dynamics_cases({2})) {
    if (!test_case.density.grows() || test_case.diffusion > 0) continue;
    for (const double saturation : {0.0, 0.05}) {
      SCOPED_TRACE(test_case.name);
      DynamicsFixture<double> fixture(test_case, chunk, 3);
      Config config;
      config.schedule("nll").weight = 0;
      config.schedule("growth_rates").weight = 0.7;
      config.schedule("growth_rates").saturation = saturation;
      Objective<double> objective = objective_of(config, fixture.dynamics);
      ASSERT_EQ(objective.n_terms(), 1u);
      const std::vector<double> parameters = fixture.parameters;
      const auto evaluate = [&](double step, const Vector<double>& added) {
        for (std::size_t k = 0; k < parameters.size(); ++k)
          fixture.parameters[k] = parameters[k] + step * std::cos(static_cast<double>(k));
        const Totals totals;
        objective.accumulate(ExecutionSpace(), fixture.parameter_vector(), 4, {0, batch}, {0.7}, added,
                             totals.on_device());
        return totals.read()[0].value;
      };
      const auto bar = make_vector<double>("bar", fixture.dynamics.layout().size());
      const auto unused = make_vector<double>("unused", fixture.dynamics.layout().size());
      const double value = evaluate(0, bar);
      double want = 0;
      const Rows<double> rows;
      for (int first = 0; first < batch && saturation == 0; first += chunk) {
        const density::Points<double> points = fixture.points();
        Kokkos::deep_copy(points.conditions, 0.0);  // these rows have none
        const auto weight = make_vector<double>("weight", chunk), rate = make_vector<double>("rate", chunk);
        rows.draw(ExecutionSpace(), {4, first}, points, weight, rate);
        fixture.dynamics.evaluate(ExecutionSpace(), fixture.parameter_vector(), points, fixture.motion);
        for (int s = 0; s < chunk; ++s) {
          const double difference = on_host(fixture.motion.growth)(s) / units.time_span() - on_host(rate)(s);
          want += on_host(weight)(s) * difference * difference / batch;
        }
      }
      if (saturation == 0) {
        EXPECT_NEAR(value, want, 1e-12 * want);
      }
      double slope = 0;
      const std::vector<double> gradient = values_of(bar);
      for (std::size_t k = 0; k < gradient.size(); ++k)
        slope += gradient[k] * std::cos(static_cast<double>(k));
      const auto remainder = [&](double step) {
        return std::fabs(0.7 * (evaluate(step, unused) - value) - step * slope);
      };
      EXPECT_NEAR(std::log10(remainder(1e-4) / remainder(1e-5)), 2.0, 0.1);
    }
  }
}

/// The likelihoods are the weighted means of -log rho over their samples, and their gradient passes the
/// Taylor test.
TEST(Objective, LikelihoodsPassTheTaylorTest) {
  DynamicsFixture<double> fixture(dynamics_cases({2}).front(), chunk, 3);
  Config config = config_of_every_kind();
  for (const char* other : {"initial_reverse", "terminal", "kinetic", "jacobian_symmetry"})
    config.schedule(other).weight = 0;
  config.schedule("nll").weight = 1.3;
  Objective<double> objective = objective_of(config, fixture.dynamics);
  const std::vector<double> parameters = fixture.parameters;
  const auto bar = make_vector<double>("bar", fixture.dynamics.layout().size());
  const auto evaluate = [&](double step, const Vector<double>& added) {
    for (std::size_t k = 0; k < parameters.size(); ++k)
      fixture.parameters[k] = parameters[k] + step * std::cos(static_cast<double>(k));
    const Totals totals(objective.n_terms());
    objective.accumulate(ExecutionSpace(), fixture.parameter_vector(), 4, {0, batch}, objective.weights_at(4),
                         added, totals.on_device());
    return totals.read();
  };
  const auto total = [](const std::vector<TermSums>& sums) {
    return 1.3 * sums[0].value + 0.7 * sums[1].value;
  };
  const std::vector<TermSums> sums = evaluate(0, bar);
  double slope = 0;
  const std::vector<double> gradient = values_of(bar);
  for (std::size_t k = 0; k < gradient.size(); ++k) slope += std::cos(static_cast<double>(k)) * gradient[k];
  const auto unused = make_vector<double>("unused", static_cast<int>(bar.extent(0)));
  const auto remainder = [&](double step) {
    return std::fabs(total(evaluate(step, unused)) - total(sums) - step * slope);
  };
  EXPECT_NEAR(std::log10(remainder(1e-3) / remainder(1e-4)), 2.0, 0.1);

  (void)evaluate(0, unused);
  double want = 0;
  for (int first = 0; first < batch; first += chunk) {
    const density::Points<double> points = {make_vector<double>("tau", chunk),
                                            make_matrix<double>("x", 2, chunk)};
    const auto weight = make_vector<double>("weight", chunk), log_rho = make_vector<double>("log rho", chunk);
    Rows<double>().draw(ExecutionSpace(), {4, first}, points, weight, {});
    fixture.dynamics.density().log_density(ExecutionSpace(), fixture.parameter_vector(), points, log_rho);
    const std::vector<double> host_weight = values_of(weight), host_log_rho = values_of(log_rho);
    for (std::size_t s = 0; s < chunk; ++s) want -= host_weight[s] * host_log_rho[s] / batch;
  }
  EXPECT_NEAR(sums[0].value, want, 1e-12 * (1 + std::fabs(want)));
}

}  // namespace
}  // namespace rhoflux::objectives
