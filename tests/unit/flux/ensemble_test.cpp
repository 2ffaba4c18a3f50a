#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "unit/flux/reference_flux.hpp"

namespace rhoflux::flux {
namespace {

using namespace test;

constexpr int n_members = 3;

std::vector<DynamicsCase> ensembles(const std::vector<int>& dimensions) {
  std::vector<DynamicsCase> cases = dynamics_cases(dimensions);
  for (DynamicsCase& each : cases) each.density.n_members = n_members;
  return cases;
}

/// The parameters of member k with those of the divergence-free part and the mass, which are of all.
std::vector<Real> of_member(const DynamicsFixture<double>& fixture, int k) {
  const auto n_shared = static_cast<std::ptrdiff_t>(fixture.dynamics.layout().size() -
                                                    fixture.dynamics.density().layout().size());
  const std::vector<Real> all = extended(fixture.parameters);
  const std::ptrdiff_t size = fixture.dynamics.density().layout().size() / n_members;
  std::vector<Real> own(all.begin() + k * size, all.begin() + (k + 1) * size);
  own.insert(own.end(), all.end() - n_shared, all.end());
  return own;
}

/// u and r of the mean of populations n_k = M rho_k that move with u_k: sum_k w_k u_k and sum_k w_k r_k.
struct Motion {
  std::vector<Real> drift;
  Real growth = 0;
};
Motion expected(const DynamicsFixture<double>& fixture, int s) {
  Motion result = {std::vector<Real>(static_cast<std::size_t>(fixture.n_dims), 0)};
  Real whole = 0;
  const std::vector<Real> x = fixture.x_of(s);
  for (int k = 0; k < n_members; ++k) {
    const std::vector<Real> parameters = of_member(fixture, k);
    const Real rho = std::exp(fixture.reference.density().log_rho(parameters, fixture.tau_of(s), x.data()));
    const std::vector<Real> u = fixture.reference.drift(parameters, fixture.tau_of(s), x, fixture.diffusion);
    for (std::size_t i = 0; i < u.size(); ++i) result.drift[i] += rho * u[i];
    result.growth += rho * fixture.reference.growth(parameters, fixture.tau_of(s), x);
    whole += rho;
  }
  for (Real& value : result.drift) value /= whole;
  result.growth /= whole;
  return result;
}

/// Each parameter is of one part; a member's are those of a model alone but for what members share.
TEST(EnsembleFlux, PartsAreTheMembersAndWhatTheyShare) {
  std::vector<DynamicsCase> cases = ensembles({2});
  for (const DynamicsCase& alone : dynamics_cases({2})) cases.push_back(alone);
  int n_with_shared = 0;
  for (const DynamicsCase& test_case : cases) {
    SCOPED_TRACE(test_case.name);
    const DynamicsFixture<double> fixture(test_case, 4, 3);
    const std::vector<Range> parts = fixture.dynamics.parts();
    int end = 0;
    for (const Range& part : parts) {
      EXPECT_EQ(part.begin, end);
      end = part.end;
    }
    EXPECT_EQ(end, fixture.dynamics.layout().size());
    if (test_case.density.n_members == 1) {
      EXPECT_EQ(parts.size(), 1u);
      continue;
    }
    ASSERT_GE(parts.size(), static_cast<std::size_t>(n_members));
    const int size = density::make_density<double>(test_case.density.of_a_member(), 2, {1})->layout().size();
    for (std::size_t k = 0; k < n_members; ++k) EXPECT_EQ(parts[k].size(), size);
    const bool has_shared = fixture.dynamics.layout().size() > n_members * size;
    EXPECT_EQ(parts.size(), static_cast<std::size_t>(n_members) + (has_shared ? 1 : 0));
    n_with_shared += has_shared ? 1 : 0;
  }
  EXPECT_GT(n_with_shared, 0);
}

/// The accuracy that is claimed for one model, 1e-6 of |u|.
TEST(EnsembleFlux, DriftAndGrowthAreTheMeansOfTheMembers) {
  Real worst = 0;
  for (const DynamicsCase& test_case : ensembles({1, 2, 3})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, 4, 21);
    ASSERT_EQ(fixture.dynamics.n_members(), n_members);
    fixture.evaluate();
    for (int s = 0; s < fixture.n; ++s) {
      const Motion want = expected(fixture, s);
      Real size = 0;
      for (const Real u : want.drift) size += u * u;
      size = std::sqrt(size);
      for (int i = 0; i < fixture.n_dims; ++i) {
        const Real error =
            std::fabs(on_host(fixture.motion.drift)(i, s) - want.drift[static_cast<std::size_t>(i)]) / size;
        EXPECT_LT(error, 1e-6L) << s << " " << i;
        worst = std::max(worst, error);
      }
      EXPECT_NEAR(on_host(fixture.motion.growth)(s), want.growth, 1e-6L * (1 + std::fabs(want.growth)));
    }
  }
  std::printf("largest relative error %.1Le\n", worst);
}

TEST(EnsembleFlux, ResidualIsSmallForRandomWeights) {
  double worst = 0;
  for (const DynamicsCase& test_case : ensembles({1, 3})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, 128, 22);
    std::mt19937_64 engine(23);
    std::uniform_real_distribution<double> time(0, 1), state(-2, 2);
    std::vector<double> tau, x;
    constexpr double knot = 0.4;  // of the mass, where r jumps
    for (int p = 0; p < 60; ++p) {
      double at = time(engine);
      while (std::fabs(at - knot) < 0.01) at = time(engine);
      tau.push_back(at);
      for (int i = 0; i < fixture.n_dims; ++i) x.push_back(state(engine));
    }
    const metrics::Residual residual = residual_of(fixture, tau, x);
    EXPECT_LT(residual.largest, residual_bound);
    EXPECT_GT(residual.largest_rate, 0);
    worst = std::max(worst, residual.largest);
  }
  std::printf("largest relative residual %.1e\n", worst);
}

/// Draws in the same pass are those of the density, at which the motion is that of `evaluate`.
TEST(EnsembleFlux, MotionAtSamplesIsThatAtTheirStates) {
  for (const DynamicsCase& test_case : ensembles({2})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, 16, 24);
    const int n_uniforms = fixture.dynamics.density().uniforms_per_sample();
    std::mt19937_64 engine(25);
    std::uniform_real_distribution<double> number(0, 1);
    std::vector<double> numbers(static_cast<std::size_t>(n_uniforms * fixture.n));
    for (double& value : numbers) value = number(engine);
    const auto uniforms = to_matrix<double>(numbers, n_uniforms);
    const density::Points<double> drawn = fixture.points(), expected = fixture.points();
    fixture.dynamics.evaluate_at_samples(ExecutionSpace(), fixture.parameter_vector(), drawn, uniforms,
                                         fixture.motion);
    const auto at_samples = on_host(fixture.motion.drift);
    fixture.dynamics.density().sample(ExecutionSpace(), fixture.parameter_vector(), expected, uniforms);
    fixture.dynamics.evaluate(ExecutionSpace(), fixture.parameter_vector(), expected, fixture.motion);
    for (int s = 0; s < fixture.n; ++s)
      for (int i = 0; i < fixture.n_dims; ++i) {
        EXPECT_EQ(on_host(drawn.x)(i, s), on_host(expected.x)(i, s));
        EXPECT_EQ(at_samples(i, s), on_host(fixture.motion.drift)(i, s));
      }
  }
}

/// A selected member moves as a model of its own, to the bit, adjoints included.
TEST(EnsembleFlux, ASelectedMemberMovesAsAlone) {
  for (const DynamicsCase& test_case : ensembles({2})) {
    SCOPED_TRACE(test_case.name);
    DynamicsFixture<double> fixture(test_case, 8, 26);
    DynamicsCase alone = test_case;
    alone.density.n_members = 1;
    DynamicsFixture<double> member(alone, 8, 26);
    member.x = fixture.x;
    member.tau = fixture.tau;
    const auto ones = make_matrix<double>("drift adjoint", 2, 8);
    Kokkos::deep_copy(ones, 1.0);
    const auto half = make_vector<double>("log density adjoint", 8);
    Kokkos::deep_copy(half, 0.5);
    const auto gradient_of = [&](DynamicsFixture<double>& of) {
      const auto parameters_bar = make_vector<double>("gradient", of.dynamics.layout().size());
      const auto x_bar = make_matrix<double>("x adjoint", 2, 8);
      of.evaluate();
      of.dynamics.adjoint(ExecutionSpace(), of.parameter_vector(), of.points(), of.motion,
                          {ones, half, half, half}, StateKind::sampled, parameters_bar, x_bar);
      return on_host(parameters_bar);
    };
    EXPECT_THROW(gradient_of(fixture), std::logic_error);
    for (int k = 0; k < n_members; ++k) {
      const MemberScope<double> scope(fixture.dynamics, k);
      member.parameters.clear();
      for (const Real value : of_member(fixture, k)) member.parameters.push_back(static_cast<double>(value));
      const auto got = gradient_of(fixture), want = gradient_of(member);
      for (int s = 0; s < 8; ++s)
        for (int i = 0; i < 2; ++i)
          EXPECT_EQ(on_host(fixture.motion.drift)(i, s), on_host(member.motion.drift)(i, s));
      const int size = member.dynamics.density().layout().size(),
                n_before = fixture.dynamics.density().layout().size();
      for (int at = 0; at < fixture.dynamics.layout().size(); ++at) {
        const bool is_shared = at >= n_before, is_own = !is_shared && at / size == k;
        const int place = is_shared ? size + at - n_before : at % size;
        ASSERT_EQ(got(at), is_shared || is_own ? want(place) : 0.0) << at;
      }
    }
    EXPECT_NO_THROW(fixture.evaluate());
  }
}

}  // namespace
}  // namespace rhoflux::flux
