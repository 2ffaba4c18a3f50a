#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "rhoflux/objectives/expectations.hpp"
#include "unit/flux/reference_flux.hpp"
#include "unit/objectives/totals.hpp"

namespace rhoflux::objectives {

TermFactory quartic_term();  // tests/examples/quartic_term.cpp

namespace {

using namespace test;

const TermRegistry& registry_with_quartic() {
  static const TermRegistry registry = TermRegistry::built_in().with(
      {"quartic", TermKind::integral, Sign::never_negative, "1 / (units of the data^4 time)",
       "Weight of int E|x|^4 dt; 0: left out.", quartic_term()});
  return registry;
}

/// The row is all that it takes: the term has a schedule, counts as an expectation, and may saturate.
TEST(NewTerm, IsKnownByItsRow) {
  Config config(registry_with_quartic());
  EXPECT_FALSE(config.has(TermKind::integral));
  config.schedule("quartic").weight = 2;
  EXPECT_TRUE(config.needs_dynamics());
  ASSERT_EQ(config.active_terms(TermKind::integral).size(), 1u);
  EXPECT_EQ(config.active_terms(TermKind::integral).front()->name, "quartic");
  config.schedule("quartic").saturation = 1;
  EXPECT_NO_THROW(config.validate());
  EXPECT_EQ(config.without_saturation().schedule("quartic").saturation, 0);
  EXPECT_THROW((void)Config().schedule("quartic"), std::out_of_range);
}

/// Value and derivatives at given states, beside another term: the value is |x|^4 in the units of the data,
/// and |h(x + e d) - h - e <bar, d>| falls with e^2.
TEST(NewTerm, HasItsValueAndPassesTheTaylorTest) {
  constexpr int n = 8;
  const Units units = {{1.0, -2.0}, {0.5, 2.0}, 3.0, 7.0};
  Config config(registry_with_quartic());
  config.schedule("kinetic").weight = 1;
  config.schedule("quartic").weight = 1.7;
  DynamicsFixture<double> fixture(dynamics_cases({2}).front(), n, 3);
  Expectations<double> expectations(config, fixture.dynamics,
                                    {TermKind::integral, units, flux::Volatility(), n});
  ASSERT_EQ(expectations.n_terms(), 2);
  EXPECT_EQ(expectations.name(1), "quartic");
  constexpr double share = 0.3;
  const std::vector<double> weights = {0, expectations.schedule(1).weight}, x = fixture.x;
  const auto direction = [](std::size_t k) { return std::cos(1.0 + static_cast<double>(k)); };
  const auto value = [&](double step, const Vector<double>& bar) {
    for (std::size_t k = 0; k < x.size(); ++k) fixture.x[k] = x[k] + step * direction(k);
    const Totals sums(2);
    expectations.accumulate_at(ExecutionSpace(), fixture.parameter_vector(),
                               {fixture.points(), share, 1, {5, 0, n}, 0}, weights, bar, sums.on_device());
    return sums.read()[1].value;
  };
  const auto bar = make_vector<double>("bar", fixture.dynamics.layout().size());
  const double start = value(0, bar);
  double want = 0, slope = 0;
  for (std::size_t s = 0; s < n; ++s) {
    const double a = units.to_data(x[2 * s], 0), b = units.to_data(x[2 * s + 1], 1);
    want += share * (a * a + b * b) * (a * a + b * b);
  }
  const std::vector<double> x_bar = values_of(expectations.x_bar());
  for (std::size_t k = 0; k < x.size(); ++k) slope += direction(k) * x_bar[k];
  EXPECT_NEAR(start, want, 1e-13 * want);
  const auto remainder = [&](double step) {
    return std::fabs(weights[1] * (value(step, Vector<double>()) - start) - step * slope);
  };
  EXPECT_NEAR(std::log10(remainder(1e-3) / remainder(1e-4)), 2.0, 0.05);
}

}  // namespace
}  // namespace rhoflux::objectives
