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
#include "unit/network/reference_network.hpp"

namespace rhoflux::network {
namespace {

using namespace test;

constexpr int n = 9, n_tangents = 2, columns = n * (1 + n_tangents);

std::vector<NetworkConfig> configurations() {
  const auto make = [](const char* name, int n_stages, FourierConfig time, FourierConfig coordinate,
                       std::vector<int> hidden, int outputs, int n_conditions = 0) {
    NetworkConfig config;
    config.name = name;
    config.n_stages = n_stages;
    config.time = time;
    config.coordinate = coordinate;
    config.n_conditions = n_conditions;
    config.hidden = hidden;
    config.outputs_per_stage = outputs;
    config.max_columns = columns + 5;
    return config;
  };
  const FourierConfig time{6, 0.5, 8.0}, none{0, 0.5, 8.0};
  const FourierConfig value{0, 0.7, 5.0, RawValue::included}, features{4, 0.7, 5.0, RawValue::included};
  return {make("made", 4, time, features, {13, 10, 17}, 5),
          make("whole vectors", 3, time, value, {96, 112}, 4),
          make("time alone", 1, time, features, {12, 9}, 7),
          make("without time", 3, none, features, {11, 8}, 3),
          make("biases alone", 1, none, features, {}, 6),
          make("two stages", 2, time, value, {8}, 1),
          make("one unit a degree", 5, time, value, {5, 5}, 2),
          make("conditions", 3, time, features, {12, 9}, 4, 2),
          make("conditions alone", 1, none, features, {7}, 5, 3)};
}

/// Arguments of the network function and a direction among them; all numbers are such that Scalar has them.
struct Arguments {
  std::vector<double> parameters, tau, tau_dot, x, x_dot;
};

template <class Scalar>
Arguments random_arguments(const NetworkConfig& config, const ParameterLayout& layout, unsigned seed) {
  std::mt19937_64 engine(seed);
  const int n_coordinates = std::max(1, config.n_stages - 1);
  Arguments arguments;
  arguments.parameters = rounded<Scalar>(random_parameters(layout, engine));
  arguments.tau = rounded<Scalar>(random_numbers(n, 0, 1, seed + 1));
  arguments.tau_dot = rounded<Scalar>(random_numbers(n * n_tangents, -1, 1, seed + 2));
  arguments.x = rounded<Scalar>(random_numbers(n * n_coordinates, -2, 2, seed + 3));
  arguments.x_dot = rounded<Scalar>(random_numbers(n * n_tangents * n_coordinates, -1, 1, seed + 4));
  return arguments;
}

/// The network with its reference.
template <class Scalar>
struct Fixture {
  explicit Fixture(const NetworkConfig& config_in)
      : config(config_in),
        first_block(layout.add("something else", 5, 1)),
        network(config, layout),
        reference(config, layout),
        n_coordinates(std::max(1, config.n_stages - 1)),
        n_outputs(config.n_stages * config.outputs_per_stage) {}

  void evaluate(const Arguments& arguments, int tangents) {
    evaluate(arguments, tangents, equal_conditions<Scalar>(config.n_conditions, n));
  }
  void evaluate(const Arguments& arguments, int tangents, const Matrix<Scalar>& conditions) {
    parameters = to_vector<Scalar>(arguments.parameters);
    const auto tau = to_vector<Scalar>(arguments.tau), tau_dot = to_vector<Scalar>(arguments.tau_dot);
    const auto x = to_matrix<Scalar>(arguments.x, n_coordinates);
    const auto x_dot = to_matrix<Scalar>(arguments.x_dot, n_coordinates);
    network.begin(space, {n, tangents}, tau, tau_dot, conditions);
    network.evaluate(space, parameters, 0);
    for (int stage = 1; stage < config.n_stages; ++stage) {
      network.feed(space, stage, row_of(x, stage - 1), row_of(x_dot, stage - 1));
      network.evaluate(space, parameters, stage);
    }
    space.fence();
  }

  /// Outputs of the last evaluation, (n_outputs) by column.
  std::vector<std::vector<double>> outputs() const {
    const auto host = on_host(network.outputs());
    std::vector<std::vector<double>> result;
    for (int column = 0; column < columns; ++column) {
      result.emplace_back();
      for (int row = 0; row < n_outputs; ++row)
        result.back().push_back(static_cast<double>(host(row, column)));
    }
    return result;
  }

  void set_outputs_bar(const std::vector<double>& values) {
    const auto host = Kokkos::create_mirror_view(network.outputs_bar());
    Kokkos::deep_copy(host, std::numeric_limits<Scalar>::quiet_NaN());
    for (int column = 0; column < columns; ++column)
      for (int row = 0; row < n_outputs; ++row)
        host(row, column) = static_cast<Scalar>(values[static_cast<std::size_t>(column * n_outputs + row)]);
    Kokkos::deep_copy(network.outputs_bar(), host);
  }

  NetworkConfig config;
  ParameterLayout layout;
  int first_block;
  MaskedNetwork<Scalar> network;
  ReferenceNetwork reference;
  int n_coordinates, n_outputs;
  ExecutionSpace space;
  Vector<Scalar> parameters;
};

AdjointScope with_inputs() {
  AdjointScope scope;
  scope.inputs = true;
  return scope;
}

const Real* coordinates_of(const std::vector<Real>& x, int s, int n_coordinates) {
  return x.data() + s * n_coordinates;
}

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

/// The adjoint identity for every parameter block, tau, x and their tangents: <w, J d> of the reference,
/// values and tangent columns together, against <J^T w, d> of `adjoint`.
template <class Scalar>
void check_adjoint(const NetworkConfig& config, Real relative_bound, Real& worst) {
  SCOPED_TRACE(config.name);
  Fixture<Scalar> fixture(config);
  const Arguments at = random_arguments<Scalar>(config, fixture.layout, 6);
  const Arguments d = random_arguments<double>(config, fixture.layout, 7);
  const int n_coordinates = fixture.n_coordinates, n_outputs = fixture.n_outputs;
  const std::vector<double> w = rounded<Scalar>(random_numbers(columns * n_outputs, -1, 1, 8));
  fixture.evaluate(at, n_tangents);
  fixture.set_outputs_bar(w);
  // Adjoints are added to what is there.
  const auto parameters_bar = make_vector<Scalar>("parameters bar", fixture.layout.size());
  const auto tau_bar = make_vector<Scalar>("tau bar", n),
             tau_dot_bar = make_vector<Scalar>("", n * n_tangents);
  const auto x_bar = make_matrix<Scalar>("x bar", n_coordinates, n),
             x_dot_bar = make_matrix<Scalar>("x_dot bar", n_coordinates, n * n_tangents);
  Kokkos::deep_copy(parameters_bar, Scalar(0.5));
  Kokkos::deep_copy(tau_bar, Scalar(0.5));
  Kokkos::deep_copy(tau_dot_bar, Scalar(0.5));
  Kokkos::deep_copy(x_bar, Scalar(0.5));
  Kokkos::deep_copy(x_dot_bar, Scalar(0.5));
  fixture.network.adjoint(fixture.space, fixture.parameters, parameters_bar, with_inputs());
  fixture.network.inputs_adjoint(fixture.space, tau_bar, tau_dot_bar, x_bar, x_dot_bar);
  fixture.space.fence();

  // The derivative along one part of d at a time; the size of the terms for the bound.
  const auto forward = [&](const std::vector<double>* parameter_part, bool inputs, bool tangents) {
    using D = Dual<Dual<Real>>;
    const auto number = [](double value, double value_dot, double value_d, double mixed) {
      return D(Dual<Real>(value, value_dot), Dual<Real>(value_d, mixed));
    };
    std::vector<D> parameters;
    for (std::size_t k = 0; k < at.parameters.size(); ++k)
      parameters.push_back(
          number(at.parameters[k], 0, parameter_part == nullptr ? 0 : (*parameter_part)[k], 0));
    Real sum = 0;
    for (int j = 0; j < n_tangents; ++j)
      for (int s = 0; s < n; ++s) {
        const auto sample = static_cast<std::size_t>(s), column = static_cast<std::size_t>(j * n + s);
        const D tau = number(at.tau[sample], at.tau_dot[column], inputs ? d.tau[sample] : 0,
                             tangents ? d.tau_dot[column] : 0);
        std::vector<D> x;
        for (int k = 0; k < n_coordinates; ++k) {
          const auto value = static_cast<std::size_t>(s * n_coordinates + k);
          const auto dot = static_cast<std::size_t>((j * n + s) * n_coordinates + k);
          x.push_back(
              number(at.x[value], at.x_dot[dot], inputs ? d.x[value] : 0, tangents ? d.x_dot[dot] : 0));
        }
        const auto outputs = fixture.reference.outputs(parameters, tau, x.data());
        for (int row = 0; row < n_outputs; ++row) {
          const auto r = static_cast<std::size_t>(row);
          if (j == 0) sum += w[static_cast<std::size_t>(s * n_outputs + row)] * outputs[r].dot.value;
          sum += w[static_cast<std::size_t>(((1 + j) * n + s) * n_outputs + row)] * outputs[r].dot.dot;
        }
      }
    return sum;
  };
  const auto compare = [&](const std::string& name, Real want, Real got, Real size) {
    EXPECT_NEAR(want, got, relative_bound * size) << name;
    if (size > 0) worst = std::max(worst, std::fabs(want - got) / size);
  };

  const auto bar = on_host(parameters_bar);
  std::vector<bool> is_parameter(at.parameters.size(), false);
  for (const ParameterBlock& block : fixture.layout.blocks()) {
    std::vector<double> part(at.parameters.size(), 0.0);
    Real product = 0, size = 0;
    for (int k = block.offset; k < block.offset + block.size(); ++k) {
      const auto index = static_cast<std::size_t>(k);
      part[index] = d.parameters[index];
      is_parameter[index] = true;
      const Real entry = static_cast<Real>(bar(k)) - Real(0.5);
      product += entry * part[index];
      size += (std::fabs(entry) + Real(0.5)) * std::fabs(part[index]);
    }
    compare(block.name, forward(&part, false, false), product, size);
    const bool empty = block.size() == 0 || block.offset == fixture.first_block;
    EXPECT_EQ(product == 0, empty) << block.name;
  }
  for (std::size_t k = 0; k < is_parameter.size(); ++k)
    if (!is_parameter[k]) {
      EXPECT_EQ(bar(k), Scalar(0.5)) << "the gap at " << k << " was written";
    }

  const auto host_tau = on_host(tau_bar), host_tau_dot = on_host(tau_dot_bar);
  const auto host_x = on_host(x_bar), host_x_dot = on_host(x_dot_bar);
  Real inputs = 0, inputs_size = 0, tangents = 0, tangents_size = 0;
  const auto add = [](Real entry, Real direction, Real& product, Real& size) {
    product += (entry - Real(0.5)) * direction;
    size += (std::fabs(entry) + Real(0.5)) * std::fabs(direction);
  };
  for (int column = 0; column < n * n_tangents; ++column) {
    const auto c = static_cast<std::size_t>(column);
    if (column < n) add(host_tau(column), d.tau[c], inputs, inputs_size);
    add(host_tau_dot(column), d.tau_dot[c], tangents, tangents_size);
    for (int k = 0; k + 1 < config.n_stages; ++k) {
      const auto index = static_cast<std::size_t>(column * n_coordinates + k);
      if (column < n) add(host_x(k, column), d.x[index], inputs, inputs_size);
      add(host_x_dot(k, column), d.x_dot[index], tangents, tangents_size);
    }
  }
  compare("inputs", forward(nullptr, true, false), inputs, inputs_size);
  compare("tangents of the inputs", forward(nullptr, false, true), tangents, tangents_size);
}

/// A sum of products along the paths through at most 4 layers of at most 112 visible units, forward and back:
/// the roundings of each sum add up like a random walk, sqrt(112) u, and the 8 of them to at most 90 u of the
/// size of the gradient's terms.
TYPED_TEST(Masked, AdjointIsTheTransposeOfTheDerivativeWithTangents) {
  const Real u = unit_roundoff<TypeParam>;
  Real worst = 0;
  for (const NetworkConfig& config : configurations()) check_adjoint<TypeParam>(config, 90 * u, worst);
  record_worst_error<TypeParam>(worst);
}

/// J = sum w outputs^2 / 2 with w > 0, its gradient by `adjoint`, and for each parameter block the remainder
/// |J(p + h d) - J(p) - h <g, d>|, added up over a few random d: a right gradient makes it fall as h^2, a
/// wrong one as h. J is summed in double, so that the smaller step leaves the remainder well above rounding.
template <class Scalar>
void check_slopes(const NetworkConfig& config, double step, double tolerance) {
  SCOPED_TRACE(config.name);
  Fixture<Scalar> fixture(config);
  const Arguments at = random_arguments<Scalar>(config, fixture.layout, 9);
  const std::vector<double> w = rounded<Scalar>(random_numbers(columns * fixture.n_outputs, 0.5, 1.5, 10));
  const auto objective = [&](const Arguments& arguments) {
    fixture.evaluate(arguments, n_tangents);
    const auto outputs = fixture.outputs();
    double sum = 0;
    for (std::size_t column = 0; column < columns; ++column)
      for (std::size_t row = 0; row < outputs[column].size(); ++row) {
        const double value = outputs[column][row];
        sum += 0.5 * w[column * outputs[column].size() + row] * value * value;
      }
    return sum;
  };
  const double start = objective(at);
  std::vector<double> bar;
  const auto outputs = fixture.outputs();
  for (std::size_t column = 0; column < columns; ++column)
    for (const double value : outputs[column]) bar.push_back(w[bar.size()] * value);
  fixture.set_outputs_bar(bar);
  const auto parameters_bar = make_vector<Scalar>("parameters bar", fixture.layout.size());
  fixture.network.adjoint(fixture.space, fixture.parameters, parameters_bar, {});
  const auto gradient = on_host(parameters_bar);

  std::mt19937_64 engine(11);
  std::normal_distribution<double> normal;
  for (const ParameterBlock& block : fixture.layout.blocks()) {
    if (block.size() == 0 || block.offset == fixture.first_block) continue;
    double remainders[2] = {0, 0};
    for (int trial = 0; trial < 6; ++trial) {
      std::vector<double> direction;
      for (int k = 0; k < block.size(); ++k)
        direction.push_back(normal(engine) / std::sqrt(static_cast<double>(block.size())));
      for (const int halving : {0, 1}) {
        Arguments moved = at;
        double slope = 0;  // along the step that Scalar can take
        for (int k = 0; k < block.size(); ++k) {
          const auto index = static_cast<std::size_t>(block.offset + k);
          const double target =
              at.parameters[index] + step / (1 + halving) * direction[static_cast<std::size_t>(k)];
          moved.parameters[index] = static_cast<double>(static_cast<Scalar>(target));
          slope += static_cast<double>(gradient(block.offset + k)) *
                   (moved.parameters[index] - at.parameters[index]);
        }
        remainders[halving] += std::fabs(objective(moved) - start - slope);
      }
    }
    EXPECT_NEAR(std::log2(remainders[0] / remainders[1]), 2.0, tolerance) << block.name;
  }
}

/// The next term of the expansion bends the slope by about the step over log 2 times a ratio of derivatives
/// of order 1; rounding, 1e-13 of J, is far below the remainder of order step^2 = 1e-6.
TEST(MaskedTaylor, SlopeIsTwoForEveryBlockInDouble) {
  for (const NetworkConfig& config : configurations()) check_slopes<double>(config, 1e-3, 0.02);
}

/// Rounding, 1e-6 of J, leaves a larger step: 0.1 gives remainders of order 1e-2, and a slope bent by 0.1 or
/// so.
TEST(MaskedTaylor, SlopeIsTwoForEveryBlockInFloat) {
  for (const NetworkConfig& config : configurations()) check_slopes<float>(config, 0.1, 0.3);
}

TYPED_TEST(Masked, PartsOfTheAdjointCanBeLeftOut) {
  using Scalar = TypeParam;
  Fixture<Scalar> fixture(configurations().front());
  const Arguments at = random_arguments<Scalar>(fixture.config, fixture.layout, 12);
  const std::vector<double> w = random_numbers(columns * fixture.n_outputs, -1, 1, 13);
  const auto gradient = [&](bool parameters_too, bool inputs_too) {
    fixture.evaluate(at, n_tangents);
    fixture.set_outputs_bar(w);
    const auto bar = make_vector<Scalar>("parameters bar", parameters_too ? fixture.layout.size() : 0);
    const auto inputs = make_vector<Scalar>("inputs bar", n * (1 + fixture.n_coordinates));
    const Vector<Scalar> tau_bar = Kokkos::subview(inputs, Kokkos::make_pair(0, n));
    const Matrix<Scalar> x_bar(inputs.data() + n, static_cast<std::size_t>(fixture.n_coordinates), n);
    AdjointScope scope;
    scope.inputs = inputs_too;
    fixture.network.adjoint(fixture.space, fixture.parameters, bar, scope);
    if (inputs_too) fixture.network.inputs_adjoint(fixture.space, tau_bar, {}, x_bar, {});
    std::vector<Scalar> result;
    const auto host = on_host(bar), host_inputs = on_host(inputs);
    for (std::size_t k = 0; k < host.extent(0); ++k) result.push_back(host(k));
    for (std::size_t k = 0; inputs_too && k < host_inputs.extent(0); ++k) result.push_back(host_inputs(k));
    return result;
  };
  const auto both = gradient(true, true);
  const auto parameters = gradient(true, false), inputs = gradient(false, true);
  EXPECT_EQ(both.size(), parameters.size() + inputs.size());
  EXPECT_TRUE(std::equal(parameters.begin(), parameters.end(), both.begin()));
  EXPECT_TRUE(std::equal(inputs.rbegin(), inputs.rend(), both.rbegin()));
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
