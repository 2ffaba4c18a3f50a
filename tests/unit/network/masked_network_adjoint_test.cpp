#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
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
class MaskedAdjoint : public testing::Test {};
TYPED_TEST_SUITE(MaskedAdjoint, Scalars);

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
TYPED_TEST(MaskedAdjoint, AdjointIsTheTransposeOfTheDerivativeWithTangents) {
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

TYPED_TEST(MaskedAdjoint, PartsOfTheAdjointCanBeLeftOut) {
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

}  // namespace
}  // namespace rhoflux::network
