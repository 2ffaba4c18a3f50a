#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "rhoflux/network/masked_network.hpp"
#include "support/random_numbers.hpp"
#include "unit/network/reference_network.hpp"

/// Networks of all kinds beside their references, and numbers to put into them.
namespace rhoflux::network::masked {

using namespace rhoflux::test;

inline constexpr int n = 9, n_tangents = 2, columns = n * (1 + n_tangents);

inline std::vector<NetworkConfig> configurations() {
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

inline AdjointScope with_inputs() {
  AdjointScope scope;
  scope.inputs = true;
  return scope;
}

inline const Real* coordinates_of(const std::vector<Real>& x, int s, int n_coordinates) {
  return x.data() + s * n_coordinates;
}

}  // namespace rhoflux::network::masked
