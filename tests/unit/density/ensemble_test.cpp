#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "rhoflux/density/ensemble.hpp"
#include "rhoflux/density/leading_coordinates.hpp"
#include "unit/density/reference_density.hpp"

namespace rhoflux::density {
namespace {

using namespace test;

constexpr int n_members = 3, n = 10;

Config ensemble_of(Config config) {
  config.n_members = n_members;
  return config;
}

Capacity with_tangent() {
  Capacity capacity;
  capacity.samples = n;
  capacity.tangents = 1;
  return capacity;
}

/// The mean of densities at random points, and the mean of the members' references in extended precision.
template <class Scalar>
struct EnsembleFixture : RandomPoints<Scalar> {
  explicit EnsembleFixture(const DensityCase& test_case)
      : RandomPoints<Scalar>(n, test_case.n_dims, test_case.config.n_conditions),
        density(make_density<Scalar>(ensemble_of(test_case.config), test_case.n_dims, with_tangent())),
        member(make_density<Scalar>(test_case.config, test_case.n_dims, with_tangent())),
        reference(test_case.config, test_case.n_dims, member->layout()),
        log_rho(make_vector<Scalar>("log rho", n)) {
    this->fill(density->layout(), 2.5, 11);
  }

  template <class T>
  std::vector<T> of_member(const std::vector<T>& all, int k) const {
    const std::ptrdiff_t size = member->layout().size();
    return {all.begin() + k * size, all.begin() + (k + 1) * size};
  }
  /// log rho of the mean.
  template <class T>
  T expected(const std::vector<T>& parameters, const T& tau, const T* x) const {
    T sum(0.0L);
    for (int k = 0; k < n_members; ++k) {
      using std::exp;
      sum += exp(reference.log_rho(of_member(parameters, k), tau, x));
    }
    using std::log;
    return log(sum / T(Real(n_members)));
  }
  /// Bound of the error of log rho_k, the worst member.
  Real error_bound(int s) const {
    Real worst = 0;
    for (int k = 0; k < n_members; ++k)
      worst = std::max(worst, reference.error_bound(of_member(extended(this->parameters), k), this->tau_of(s),
                                                    this->x_of(s).data(), unit_roundoff<Scalar>));
    return worst;
  }
  /// The log of the mean passes the members' errors on once, and rounds a sum of K terms and two logarithms.
  Real bound_of_mean(int s, Real log_rho_s) const {
    return error_bound(s) + (n_members + 10) * unit_roundoff<Scalar> * (1 + std::fabs(log_rho_s));
  }
  /// Derivative of log rho of the mean and the largest of the members' along a direction.
  struct Rates {
    Real mean, largest;
  };
  Rates rates(int s, const std::vector<double>& parameters_dot, Real tau_dot,
              const std::vector<Real>& x_dot) const {
    using D = Dual<Real>;
    std::vector<D> p, x;
    for (std::size_t k = 0; k < this->parameters.size(); ++k)
      p.emplace_back(this->parameters[k], parameters_dot.empty() ? 0.0L : parameters_dot[k]);
    const std::vector<Real> values = this->x_of(s);
    for (std::size_t i = 0; i < values.size(); ++i) x.emplace_back(values[i], x_dot.empty() ? 0 : x_dot[i]);
    const D tau(this->tau_of(s), tau_dot);
    Rates result = {expected(p, tau, x.data()).dot, 0};
    for (int k = 0; k < n_members; ++k)
      result.largest =
          std::max(result.largest, std::fabs(reference.log_rho(of_member(p, k), tau, x.data()).dot));
    return result;
  }
  /// What a derivative may be off: the members' errors as in derivatives_test.cpp, and their shares', twice that of log rho.
  Real bound_of_rate(int s, const Rates& rates) const {
    return (30 * this->n_dims + 4 * rates.largest) * error_bound(s);
  }

  std::unique_ptr<Density<Scalar>> density, member;
  ReferenceDensity reference;
  Vector<Scalar> log_rho;
};

template <class Scalar>
class EnsembleDensity : public testing::Test {};
TYPED_TEST_SUITE(EnsembleDensity, Scalars);

TYPED_TEST(EnsembleDensity, IsTheMeanOfItsMembers) {
  using Scalar = TypeParam;
  for (const DensityCase& test_case : density_cases({1, 2, 3})) {
    SCOPED_TRACE(test_case.name);
    const EnsembleFixture<Scalar> fixture(test_case);
    fixture.density->log_density(ExecutionSpace(), fixture.parameter_vector(), fixture.points(),
                                 fixture.log_rho);
    const auto got = on_host(fixture.log_rho);
    for (int s = 0; s < n; ++s) {
      const Real want =
          fixture.expected(extended(fixture.parameters), fixture.tau_of(s), fixture.x_of(s).data());
      EXPECT_NEAR(got(s), want, fixture.bound_of_mean(s, want)) << s;
    }
  }
}

TYPED_TEST(EnsembleDensity, TangentsAndScoreMatchExactDerivatives) {
  using Scalar = TypeParam;
  for (const DensityCase& test_case : density_cases({1, 2, 3})) {
    SCOPED_TRACE(test_case.name);
    const EnsembleFixture<Scalar> fixture(test_case);
    const int n_dims = fixture.n_dims;
    std::mt19937_64 engine(12);
    std::uniform_real_distribution<double> number(-1, 1);
    std::vector<double> tau_dot, x_dot;
    for (int s = 0; s < n; ++s) tau_dot.push_back(number(engine));
    for (int k = 0; k < n * n_dims; ++k) x_dot.push_back(number(engine));
    tau_dot = rounded<Scalar>(tau_dot);
    x_dot = rounded<Scalar>(x_dot);
    const auto rate = make_vector<Scalar>("rate", n), by_tau = make_vector<Scalar>("by tau", n);
    const auto by_x = make_matrix<Scalar>("by x", n_dims, n);
    fixture.density->log_density_tangent(ExecutionSpace(), fixture.parameter_vector(), fixture.points(), 1,
                                         to_vector<Scalar>(tau_dot), to_matrix<Scalar>(x_dot, n_dims),
                                         fixture.log_rho, rate);
    fixture.density->log_density_score(ExecutionSpace(), fixture.parameter_vector(), fixture.points(),
                                       fixture.log_rho, by_tau, by_x);
    for (int s = 0; s < n; ++s) {
      const auto direction = x_dot.begin() + s * n_dims;
      const auto along = fixture.rates(s, {}, tau_dot[static_cast<std::size_t>(s)],
                                       std::vector<Real>(direction, direction + n_dims));
      EXPECT_NEAR(on_host(rate)(s), along.mean, fixture.bound_of_rate(s, along)) << s;
      const auto in_time = fixture.rates(s, {}, 1, {});
      EXPECT_NEAR(on_host(by_tau)(s), in_time.mean, fixture.bound_of_rate(s, in_time)) << s;
      for (int i = 0; i < n_dims; ++i) {
        std::vector<Real> unit(static_cast<std::size_t>(n_dims), 0);
        unit[static_cast<std::size_t>(i)] = 1;
        const auto in_x = fixture.rates(s, {}, 0, unit);
        EXPECT_NEAR(on_host(by_x)(i, s), in_x.mean, fixture.bound_of_rate(s, in_x)) << s << " " << i;
      }
    }
  }
}

/// Along a random direction of the parameters of all members. The sum over the entries rounds once for each.
TYPED_TEST(EnsembleDensity, GradientMatchesExactDerivatives) {
  using Scalar = TypeParam;
  for (const DensityCase& test_case : density_cases({2})) {
    SCOPED_TRACE(test_case.name);
    const EnsembleFixture<Scalar> fixture(test_case);
    std::mt19937_64 engine(13);
    std::normal_distribution<double> number;
    std::vector<double> direction;
    for (std::size_t k = 0; k < fixture.parameters.size(); ++k)
      direction.push_back(fixture.parameters[k] == 0 ? 0 : number(engine));
    const std::vector<double> weight = rounded<Scalar>(std::vector<double>(n, 0.7));
    const auto bar = make_vector<Scalar>("gradient", fixture.density->layout().size());
    fixture.density->log_density_gradient(ExecutionSpace(), fixture.parameter_vector(), fixture.points(),
                                          to_vector<Scalar>(weight), fixture.log_rho, bar);
    Real got = 0, sizes = 0, want = 0, bound = 0;
    for (std::size_t k = 0; k < direction.size(); ++k) {
      const Real term = Real(direction[k]) * Real(on_host(bar)(k));
      got += term;
      sizes += std::fabs(term);
    }
    for (int s = 0; s < n; ++s) {
      const auto along = fixture.rates(s, direction, 0, {});
      want += weight.front() * along.mean;
      bound += fixture.bound_of_rate(s, along);
    }
    EXPECT_NEAR(got, want, bound + 100 * n * unit_roundoff<Scalar> * sizes);
    if (sizeof(Scalar) == sizeof(double)) {
      EXPECT_GT(std::fabs(want), bound);
    }
  }
}

/// F_i = sum_k W_k F_i^k, W_k the member's share of the density of x_1..x_{i-1}.
TYPED_TEST(EnsembleDensity, ConditionalDistributionFunctionsAreThoseOfTheMean) {
  using Scalar = TypeParam;
  for (const DensityCase& test_case : density_cases({1, 2, 3})) {
    SCOPED_TRACE(test_case.name);
    const EnsembleFixture<Scalar> fixture(test_case);
    const int n_dims = fixture.n_dims;
    const auto below = make_matrix<Scalar>("below", n_dims, n),
               above = make_matrix<Scalar>("above", n_dims, n);
    fixture.density->log_conditional_cdf(ExecutionSpace(), fixture.parameter_vector(), fixture.points(),
                                         below, above);
    EXPECT_EQ(fixture.density->n_leading(), n_dims);
    for (int s = 0; s < n; ++s) {
      std::vector<Real> prefix(n_members, 1), left, right;
      for (int i = 0; i < n_dims; ++i) {
        Real want_below = 0, want_above = 0, whole = 0;
        for (int k = 0; k < n_members; ++k) {
          const auto parameters = fixture.of_member(extended(fixture.parameters), k);
          const std::vector<Real> x = fixture.x_of(s);
          fixture.reference.conditional_cdf(parameters, fixture.tau_of(s), x.data(), left, right);
          const auto heads = fixture.reference.heads(parameters, fixture.tau_of(s), x.data());
          const auto gamma = fixture.reference.component_weights(parameters, fixture.tau_of(s));
          Real share = 0;
          for (std::size_t c = 0; c < gamma.size(); ++c) {
            Real product = gamma[c];
            for (int j = 0; j < i; ++j)
              product *= ReferenceDensity::density_of(
                  heads[c * static_cast<std::size_t>(n_dims) + static_cast<std::size_t>(j)],
                  x[static_cast<std::size_t>(j)]);
            share += product;
          }
          whole += share;
          want_below += share * left[static_cast<std::size_t>(i)];
          want_above += share * right[static_cast<std::size_t>(i)];
        }
        // Both sides of log F_i: two errors of prefixes, and that of the members' log F_i (see log_density_test.cpp).
        const Real tolerance = 4 * fixture.error_bound(s);
        const Real log_below = std::log(want_below / whole), log_above = std::log(want_above / whole);
        EXPECT_NEAR(on_host(below)(i, s), log_below, tolerance * (1 + std::fabs(log_below))) << s << " " << i;
        EXPECT_NEAR(on_host(above)(i, s), log_above, tolerance * (1 + std::fabs(log_above))) << s << " " << i;
      }
    }
  }
}

/// To the bit, with parameters and gradients in their places among all.
TYPED_TEST(EnsembleDensity, ASelectedMemberIsADensityOfItsOwn) {
  using Scalar = TypeParam;
  for (const DensityCase& test_case : density_cases({2})) {
    SCOPED_TRACE(test_case.name);
    const EnsembleFixture<Scalar> fixture(test_case);
    auto& ensemble = dynamic_cast<Ensemble<Scalar>&>(*fixture.density);
    const int size = fixture.member->layout().size(), n_uniforms = ensemble.uniforms_per_sample();
    ASSERT_EQ(ensemble.layout().size(), n_members * size);
    std::mt19937_64 engine(14);
    std::uniform_real_distribution<double> number(0, 1);
    std::vector<double> uniforms(static_cast<std::size_t>(n * n_uniforms));
    for (double& value : uniforms) value = number(engine);
    const auto all_uniforms = to_matrix<double>(uniforms, n_uniforms);
    const auto own_uniforms =
        Kokkos::subview(all_uniforms, Kokkos::make_pair(0, n_uniforms - 1), Kokkos::ALL);
    const auto weight = to_vector<Scalar>(std::vector<double>(n, 0.5));
    const auto log_rho = make_vector<Scalar>("log rho", n);
    for (int k = 0; k < n_members; ++k) {
      ensemble.select(k);
      const auto own = to_vector<Scalar>(fixture.of_member(fixture.parameters, k));
      const auto all_bar = make_vector<Scalar>("gradient", ensemble.layout().size());
      const auto own_bar = make_vector<Scalar>("gradient of a member", size);
      ensemble.log_density_gradient(ExecutionSpace(), fixture.parameter_vector(), fixture.points(), weight,
                                    fixture.log_rho, all_bar);
      fixture.member->log_density_gradient(ExecutionSpace(), own, fixture.points(), weight, log_rho, own_bar);
      for (int s = 0; s < n; ++s) EXPECT_EQ(on_host(fixture.log_rho)(s), on_host(log_rho)(s));
      for (int at = 0; at < ensemble.layout().size(); ++at)
        ASSERT_EQ(on_host(all_bar)(at), at / size == k ? on_host(own_bar)(at % size) : Scalar(0)) << at;
      const Points<Scalar> drawn = fixture.points(), expected = fixture.points();
      ensemble.sample(ExecutionSpace(), fixture.parameter_vector(), drawn, all_uniforms);
      fixture.member->sample(ExecutionSpace(), own, expected, own_uniforms);
      for (int s = 0; s < n; ++s)
        for (int i = 0; i < fixture.n_dims; ++i) EXPECT_EQ(on_host(drawn.x)(i, s), on_host(expected.x)(i, s));
    }
  }
}

/// Every coordinate given: the mean of e^log_weight over the choice of the member is rho. None given: it is 1. The first
/// given: it is the density of the first.
TEST(Ensemble, CompletionsHaveTheMeanOfTheMarginalDensity) {
  for (const DensityCase& test_case : density_cases({2})) {
    SCOPED_TRACE(test_case.name);
    const EnsembleFixture<double> fixture(test_case);
    Density<double>& density = *fixture.density;
    const int n_uniforms = density.uniforms_per_sample();
    for (const std::vector<int>& given : {std::vector<int>{1, 1}, {1, 0}, {0, 0}}) {
      std::vector<double> mean(n, 0.0);
      for (int k = 0; k < n_members; ++k) {
        std::vector<double> uniforms(static_cast<std::size_t>(n * n_uniforms), 0.4);
        for (int s = 0; s < n; ++s)
          uniforms[static_cast<std::size_t>((s + 1) * n_uniforms - 1)] = (k + 0.5) / n_members;
        const Points<double> points = fixture.points();
        const auto log_weight = make_vector<double>("log weight", n);
        density.complete(ExecutionSpace(), fixture.parameter_vector(), points, on_device<int>(given, "given"),
                         to_matrix<double>(uniforms, n_uniforms), log_weight);
        for (int s = 0; s < n; ++s)
          mean[static_cast<std::size_t>(s)] += std::exp(on_host(log_weight)(s)) / n_members;
      }
      const int n_given = given[0] + given[1];
      std::vector<double> want(n, 1.0);
      if (n_given > 0) {
        const LeadingCoordinates<double> leading(density, n_given);
        density.log_density(ExecutionSpace(), fixture.parameter_vector(), fixture.points(), fixture.log_rho);
        for (int s = 0; s < n; ++s) want[static_cast<std::size_t>(s)] = std::exp(on_host(fixture.log_rho)(s));
      }
      // Where a coordinate of a mixture of products is drawn after a given one, one weight is a product's alone.
      const bool is_exact = test_case.config.family == Family::autoregressive || n_given != 1;
      for (int s = 0; s < n && is_exact; ++s)
        EXPECT_NEAR(mean[static_cast<std::size_t>(s)] / want[static_cast<std::size_t>(s)], 1, 1e-10)
            << s << ", given " << n_given;
    }
  }
}

TEST(Ensemble, StartsFromDifferentMembersAndTheFirstAsAlone) {
  const DensityCase test_case = density_case(Family::autoregressive, MixtureWeights::time_dependent, 2);
  const EnsembleFixture<double> fixture(test_case);
  const InitialRows rows = {2, {0.1, 0.2, -1, 0.7, 0.4, 1.5}};
  const std::vector<double> all = fixture.density->initialise(rows, 5),
                            alone = fixture.member->initialise(rows, 5);
  ASSERT_EQ(all.size(), n_members * alone.size());
  EXPECT_EQ(fixture.of_member(all, 0), alone);
  EXPECT_NE(fixture.of_member(all, 1), alone);
  EXPECT_NE(fixture.of_member(all, 1), fixture.of_member(all, 2));
}

}  // namespace
}  // namespace rhoflux::density
