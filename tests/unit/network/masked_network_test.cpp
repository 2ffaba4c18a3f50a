#include "rhoflux/network/masked_network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/random_numbers.hpp"
#include "unit/network/dual.hpp"
#include "unit/network/masked_network_fixture.hpp"
#include "unit/network/reference_network.hpp"

namespace rhoflux::network {
namespace {

using namespace test;
using namespace masked;

template <class Scalar>
class Masked : public testing::Test {};
TYPED_TEST_SUITE(Masked, Scalars);

/// The bound of the rounding errors is that of ReferenceNetwork::error_bounds.
TYPED_TEST(Masked, ForwardMatchesADenseNetworkWithExplicitMasks) {
  using Scalar = TypeParam;
  const Real u = unit_roundoff<Scalar>;
  double worst = 0;
  for (const NetworkConfig& config : configurations()) {
    SCOPED_TRACE(config.name);
    Fixture<Scalar> fixture(config);
    const Arguments arguments = random_arguments<Scalar>(config, fixture.layout, 1);
    const auto parameters = extended(arguments.parameters), x = extended(arguments.x);
    fixture.evaluate(arguments, 0);
    const auto outputs = fixture.outputs();
    for (int s = 0; s < n; ++s) {
      const auto sample = static_cast<std::size_t>(s);
      const Real tau = arguments.tau[sample];
      const Real* x_s = coordinates_of(x, s, fixture.n_coordinates);
      const auto want = fixture.reference.outputs(parameters, tau, x_s);
      const auto bounds = fixture.reference.error_bounds(parameters, tau, x_s, u);
      ASSERT_EQ(want.size(), outputs[sample].size());
      for (std::size_t row = 0; row < want.size(); ++row) {
        EXPECT_NEAR(outputs[sample][row], want[row], bounds[row]);
        worst = std::max(worst, std::fabs(static_cast<double>(outputs[sample][row] - want[row])));
      }
    }
  }
  this->RecordProperty("worst_error", std::to_string(worst / static_cast<double>(u)));
}

/// Values and derivatives along the directions (tau_dot, x_dot) of every sample, exact to extended precision.
std::vector<std::vector<Real>> reference_with_tangents(const ReferenceNetwork& reference,
                                                       const Arguments& arguments, int n_coordinates) {
  std::vector<std::vector<Real>> result(static_cast<std::size_t>(columns));
  std::vector<Dual<Real>> parameters;
  for (const double value : arguments.parameters) parameters.push_back(Real(value));
  for (int j = 0; j < n_tangents; ++j)
    for (int s = 0; s < n; ++s) {
      const auto column = static_cast<std::size_t>(j * n + s);
      const Dual<Real> tau(arguments.tau[static_cast<std::size_t>(s)], arguments.tau_dot[column]);
      std::vector<Dual<Real>> x;
      for (int k = 0; k < n_coordinates; ++k)
        x.emplace_back(arguments.x[static_cast<std::size_t>(s * n_coordinates + k)],
                       arguments.x_dot[static_cast<std::size_t>((j * n + s) * n_coordinates + k)]);
      for (const Dual<Real>& output : reference.outputs(parameters, tau, x.data())) {
        if (j == 0) result[static_cast<std::size_t>(s)].push_back(output.value);
        result[static_cast<std::size_t>((1 + j) * n + s)].push_back(output.dot);
      }
    }
  return result;
}

/// A tangent goes through the same sums as a value, whose error bound is B, with features larger by their
/// frequency, at most 8. B takes every rounding at its worst, which leaves room for those of the slopes.
TYPED_TEST(Masked, TangentsMatchTheDerivativesOfTheReference) {
  using Scalar = TypeParam;
  const Real u = unit_roundoff<Scalar>;
  Real worst = 0;
  for (const NetworkConfig& config : configurations()) {
    SCOPED_TRACE(config.name);
    Fixture<Scalar> fixture(config);
    const Arguments arguments = random_arguments<Scalar>(config, fixture.layout, 2);
    const auto parameters = extended(arguments.parameters), x = extended(arguments.x);
    fixture.evaluate(arguments, n_tangents);
    const auto outputs = fixture.outputs();
    const auto want = reference_with_tangents(fixture.reference, arguments, fixture.n_coordinates);
    for (int column = 0; column < columns; ++column) {
      const auto c = static_cast<std::size_t>(column);
      const auto bounds = fixture.reference.error_bounds(
          parameters, arguments.tau[c % n], coordinates_of(x, column % n, fixture.n_coordinates), u);
      for (std::size_t row = 0; row < bounds.size(); ++row) {
        EXPECT_NEAR(outputs[c][row], want[c][row], 8 * bounds[row]) << "column " << column << " row " << row;
        worst = std::max(worst, std::fabs(outputs[c][row] - want[c][row]) / (8 * bounds[row]));
      }
    }
  }
  this->RecordProperty("worst_error_over_bound", std::to_string(static_cast<double>(worst)));
}

/// h = 1e-5: the third derivative, at most 8^3 times outputs of order 1, leaves 1e-10 * 500 / 6 = 1e-8;
/// rounding 1e-14 / 1e-5.
TEST(MaskedTangent, MatchesCentralDifferencesOfTheForward) {
  constexpr double h = 1e-5;
  for (const NetworkConfig& config : configurations()) {
    SCOPED_TRACE(config.name);
    Fixture<double> fixture(config);
    const Arguments arguments = random_arguments<double>(config, fixture.layout, 3);
    fixture.evaluate(arguments, n_tangents);
    const auto tangents = fixture.outputs();
    const auto moved = [&](int j, double step) {
      Arguments result = arguments;
      const std::size_t n_x = arguments.x.size();
      for (std::size_t s = 0; s < n; ++s)
        result.tau[s] += step * arguments.tau_dot[static_cast<std::size_t>(j * n) + s];
      for (std::size_t k = 0; k < n_x; ++k)
        result.x[k] += step * arguments.x_dot[static_cast<std::size_t>(j) * n_x + k];
      fixture.evaluate(result, 0);
      return fixture.outputs();
    };
    for (int j = 0; j < n_tangents; ++j) {
      const auto up = moved(j, h), down = moved(j, -h);
      for (std::size_t s = 0; s < n; ++s)
        for (std::size_t row = 0; row < up[s].size(); ++row)
          EXPECT_NEAR(tangents[static_cast<std::size_t>((1 + j) * n) + s][row],
                      (up[s][row] - down[s][row]) / (2 * h), 2e-8);
    }
  }
}

/// Changing x_k, to NaN even, moves no bit of the outputs of the stages before k, and moves those after.
TYPED_TEST(Masked, OutputsDoNotSeeLaterCoordinates) {
  using Scalar = TypeParam;
  for (const NetworkConfig& config : configurations()) {
    SCOPED_TRACE(config.name);
    Fixture<Scalar> fixture(config);
    const Arguments arguments = random_arguments<Scalar>(config, fixture.layout, 4);
    fixture.evaluate(arguments, n_tangents);
    const auto before = fixture.outputs();
    for (int k = 1; k < config.n_stages; ++k)
      for (const double change : {0.5, std::numeric_limits<double>::quiet_NaN()}) {
        Arguments changed = arguments;
        for (int s = 0; s < n; ++s)
          changed.x[static_cast<std::size_t>(s * fixture.n_coordinates + k - 1)] += change;
        fixture.evaluate(changed, n_tangents);
        const auto after = fixture.outputs();
        const auto first_moved = static_cast<std::size_t>(k * config.outputs_per_stage);
        for (std::size_t column = 0; column < columns; ++column)
          for (std::size_t row = 0; row < before[column].size(); ++row) {
            SCOPED_TRACE("x_" + std::to_string(k) + ", output " + std::to_string(row));
            if (row < first_moved) {
              ASSERT_EQ(after[column][row], before[column][row]);
            } else if (column < n) {
              ASSERT_NE(after[column][row], before[column][row]);
            }
          }
      }
  }
}

/// Every output of a sample changes with its conditions and with those of no other sample.
TYPED_TEST(Masked, OutputsSeeTheConditionsOfTheirOwnSample) {
  using Scalar = TypeParam;
  for (const NetworkConfig& config : configurations()) {
    if (config.n_conditions == 0) continue;
    SCOPED_TRACE(config.name);
    Fixture<Scalar> fixture(config);
    const Arguments arguments = random_arguments<Scalar>(config, fixture.layout, 9);
    fixture.evaluate(arguments, n_tangents);
    const auto before = fixture.outputs();
    const auto conditions = equal_conditions<Scalar>(config.n_conditions, n);
    const auto changed = Kokkos::create_mirror_view(conditions);
    Kokkos::deep_copy(changed, conditions);
    changed(0, 2) += Scalar(0.5);
    Kokkos::deep_copy(conditions, changed);
    fixture.evaluate(arguments, n_tangents, conditions);
    const auto after = fixture.outputs();
    for (std::size_t column = 0; column < columns; ++column)
      for (std::size_t row = 0; row < before[column].size(); ++row) {
        if (column % n != 2) {
          ASSERT_EQ(after[column][row], before[column][row]);
        } else if (column < n) {
          ASSERT_NE(after[column][row], before[column][row]);
        }
      }
  }
}

/// At four times a quarter of a period apart, any linear combination of 1, sin and cos adds up to 0 with
/// alternating signs. Hidden units of degree 0 bend it.
TEST(MaskedDegrees, OutputsOfTheFirstStageAreNonlinearInTheTimeFeatures) {
  NetworkConfig config = configurations().front();
  config.time = {2, 3.0, 3.0};
  Fixture<double> fixture(config);
  Arguments arguments = random_arguments<double>(config, fixture.layout, 5);
  const double quarter = std::acos(-1.0) / 6;
  for (std::size_t s = 0; s < 4; ++s) arguments.tau[s] = 0.1 + quarter * static_cast<double>(s);
  fixture.evaluate(arguments, 0);
  const auto outputs = fixture.outputs();
  const auto value = [&](std::size_t s, std::size_t row) { return outputs[s][row]; };
  for (std::size_t row = 0; row < static_cast<std::size_t>(config.outputs_per_stage); ++row)
    EXPECT_GT(std::fabs(value(0, row) - value(1, row) + value(2, row) - value(3, row)), 1e-3);
}

TEST(MaskedNetwork, WithoutDerivativesItGivesTheSameOutputs) {
  NetworkConfig config = configurations().front();
  Fixture<double> fixture(config);
  config.passes = Passes::forward;
  Fixture<double> forward_only(config);
  const Arguments at = random_arguments<double>(config, fixture.layout, 14);
  fixture.evaluate(at, n_tangents);
  forward_only.evaluate(at, n_tangents);
  EXPECT_EQ(fixture.outputs(), forward_only.outputs());
  EXPECT_EQ(forward_only.network.outputs_bar().size(), 0u);
}

/// A uniform number on [-a, a] has variance a^2 / 3, and the mean of m squares of it the relative standard
/// error 0.9 / sqrt(m); five of them are allowed.
TEST(MaskedNetwork, InitialWeightsHaveTheirVarianceAndBiasesAreZero) {
  NetworkConfig config = configurations()[1];
  Fixture<double> fixture(config);
  std::vector<double> parameters(static_cast<std::size_t>(fixture.layout.size()), 7.0);
  fixture.network.initialise(parameters, 42);
  for (const ParameterBlock& block : fixture.layout.blocks()) {
    SCOPED_TRACE(block.name);
    const auto begin = parameters.begin() + block.offset, end = begin + block.size();
    if (block.offset == fixture.first_block) {
      for (auto value = begin; value != end; ++value) EXPECT_EQ(*value, 7.0);
    } else if (block.columns == 1 && block.name.find("bias") != std::string::npos) {
      for (auto value = begin; value != end; ++value) EXPECT_EQ(*value, 0.0);
    } else {
      const bool last = block.name.find("layer2") != std::string::npos;
      const double want = (last ? 0.01 : 1.0) * 2.0 / block.columns;
      double variance = 0;
      for (auto value = begin; value != end; ++value) variance += *value * *value / block.size();
      EXPECT_NEAR(variance, want, 5 * 0.9 / std::sqrt(static_cast<double>(block.size())) * want);
    }
  }
  std::vector<double> again(parameters.size(), 7.0), other(parameters.size(), 7.0);
  fixture.network.initialise(again, 42);
  fixture.network.initialise(other, 43);
  EXPECT_EQ(again, parameters);
  EXPECT_NE(other, parameters);
}

TEST(MaskedNetwork, OutputBiasOffsetPointsAtTheBlock) {
  Fixture<double> fixture(configurations().front());
  for (int stage = 0; stage < fixture.config.n_stages; ++stage) {
    const std::string name = "made/layer3/degree" + std::to_string(stage) + "/bias";
    int offset = -1;
    for (const ParameterBlock& block : fixture.layout.blocks())
      if (block.name == name) offset = block.offset;
    EXPECT_EQ(fixture.network.output_bias_offset(stage), offset);
  }
}

/// Each call in its place passes, out of its place it is refused.
TEST(MaskedOrder, CallsOutOfOrderAreRefused) {
  NetworkConfig config = configurations().front();
  ASSERT_GE(config.n_stages, 3);
  Fixture<double> fixture(config);
  MaskedNetwork<double>& network = fixture.network;
  const Arguments at = random_arguments<double>(config, fixture.layout, 3);
  const auto parameters = to_vector<double>(at.parameters);
  const auto tau = to_vector<double>(at.tau), bar = make_vector<double>("bar", fixture.layout.size());
  const auto x = to_matrix<double>(at.x, fixture.n_coordinates);
  const auto x_bar = make_matrix<double>("x bar", fixture.n_coordinates, n);
  const ExecutionSpace& space = fixture.space;
  EXPECT_THROW(network.evaluate(space, parameters, 0), std::logic_error) << "before begin";
  network.begin(space, {n, 0}, tau, {});
  EXPECT_THROW(network.feed(space, 1, row_of(x, 0), {}), std::logic_error) << "before stage 0";
  EXPECT_THROW(network.evaluate(space, parameters, 1), std::logic_error) << "a stage skipped";
  EXPECT_THROW(network.adjoint_stage(space, parameters, bar, 0, {}), std::logic_error) << "nothing evaluated";
  network.evaluate(space, parameters, 0);
  EXPECT_THROW(network.evaluate(space, parameters, 1), std::logic_error) << "not fed";
  EXPECT_THROW(network.feed(space, 2, row_of(x, 1), {}), std::logic_error) << "a coordinate skipped";
  network.feed(space, 1, row_of(x, 0), {});
  network.evaluate(space, parameters, 1);
  EXPECT_THROW(network.evaluate(space, parameters, 1), std::logic_error) << "twice";
  Kokkos::deep_copy(network.outputs_bar(), 0.0);
  EXPECT_THROW(network.adjoint_stage(space, parameters, bar, 0, {}), std::logic_error)
      << "the last stage first";
  EXPECT_THROW(network.coordinate_adjoint(space, 1, row_of(x_bar, 0), {}), std::logic_error) << "too early";
  network.adjoint_stage(space, parameters, bar, 1, with_inputs());
  EXPECT_NO_THROW(network.coordinate_adjoint(space, 1, row_of(x_bar, 0), {}));
  EXPECT_THROW(network.time_adjoint(space, tau, {}), std::logic_error) << "stage 0 is missing";
  EXPECT_NO_THROW(network.adjoint_stage(space, parameters, bar, 0, with_inputs()));
  EXPECT_THROW(network.feed_dense(space, x, {}), std::logic_error) << "after evaluate(0)";
}

}  // namespace
}  // namespace rhoflux::network
