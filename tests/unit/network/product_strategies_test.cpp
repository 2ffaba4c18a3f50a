// The products of whole layers, zeros included, against those of the blocks: the same function and the same adjoints.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "rhoflux/network/masked_network.hpp"
#include "unit/network/reference_network.hpp"

namespace rhoflux::network {
namespace {

using test::on_host;
using test::random_parameters;
using test::to_matrix;
using test::to_vector;

constexpr int n_tangents = 1, n_dims = 4, n_coordinates = n_dims - 1;

std::vector<double> numbers(std::size_t count, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(count);
  for (double& value : values) value = uniform(engine);
  return values;
}

enum class Order { by_stage, at_once };

/// What a strategy gives, column by column.
struct Results {
  std::vector<double> outputs, parameters_bar, x_bar, x_dot_bar, tau_bar;
};

template <class View>
std::vector<double> flat(const View& view) {
  const auto host = on_host(view);
  std::vector<double> values;
  for (std::size_t column = 0; column < host.extent(1); ++column)
    for (std::size_t row = 0; row < host.extent(0); ++row) values.push_back(host(row, column));
  return values;
}

/// A small network, and one whose products are cut into pieces.
struct Size {
  int n;
  std::vector<int> hidden;
};
const Size small = {37, {13, 10, 17}}, large = {columns_of_large_product / 2, {272, 144}};

NetworkConfig configuration(ProductStrategy products, const Size& size) {
  NetworkConfig config;
  config.name = "network";
  config.n_stages = n_dims;
  config.time = {6, 0.5, 8.0};
  config.coordinate = {4, 0.7, 5.0, RawValue::included};
  config.n_conditions = 2;
  config.hidden = size.hidden;
  config.outputs_per_stage = 5;
  config.max_columns = size.n * (2 + n_tangents);
  config.products = products;
  return config;
}

/// Value, tangents, one more tangent and adjoint of the first n_stages stages.
Results run(ProductStrategy products, Order order, int n_stages, const Size& size) {
  const int n = size.n;
  const ExecutionSpace space;
  ParameterLayout layout;
  MaskedNetwork<double> network(configuration(products, size), layout);
  std::mt19937_64 engine(3);
  const auto parameters = to_vector<double>(random_parameters(layout, engine));
  const auto bar = to_vector<double>(numbers(static_cast<std::size_t>(layout.size()), 4));
  const auto tau = to_vector<double>(numbers(static_cast<std::size_t>(n), 5)),
             tau_dot = to_vector<double>(numbers(static_cast<std::size_t>(n), 6));
  const auto x = to_matrix<double>(numbers(static_cast<std::size_t>(n * n_coordinates), 7), n_coordinates);
  const auto x_dot =
      to_matrix<double>(numbers(static_cast<std::size_t>(n * n_coordinates), 8), n_coordinates);
  network.begin(space, {n, n_tangents}, tau, tau_dot, test::equal_conditions<double>(2, n));
  if (order == Order::at_once) network.evaluate_all(space, parameters, n_stages, x, x_dot);
  for (int stage = 0; stage < n_stages && order == Order::by_stage; ++stage) {
    if (stage > 0) network.feed(space, stage, row_of(x, stage - 1), row_of(x_dot, stage - 1));
    network.evaluate(space, parameters, stage);
  }
  network.extend(space, parameters, {}, x_dot);
  const int n_columns = n * (2 + n_tangents), n_outputs = n_dims * 5;
  const auto given =
      to_matrix<double>(numbers(static_cast<std::size_t>(n_columns) * n_outputs, 9), n_outputs);
  Kokkos::deep_copy(network.outputs_bar(), given);
  const AdjointScope scope = {true, true};
  if (order == Order::at_once) network.adjoint(space, parameters, bar, scope);
  for (int stage = n_stages - 1; stage >= 0 && order == Order::by_stage; --stage)
    network.adjoint_stage(space, parameters, bar, stage, scope);
  const auto x_bar = make_matrix<double>("x_bar", n_coordinates, n);
  const auto x_dot_bar = make_matrix<double>("x_dot_bar", n_coordinates, 2 * n);
  const auto tau_bar = make_matrix<double>("tau_bar", 1, n);
  network.inputs_adjoint(space, row_of(tau_bar, 0), {}, x_bar, x_dot_bar);
  space.fence();
  Results results;
  const Matrix<double> rows = rows_of(network.outputs(), {0, n_stages * 5});
  results.outputs = flat(rows);
  const Matrix<double> as_matrix(bar.data(), bar.extent(0), 1);
  results.parameters_bar = flat(as_matrix);
  results.x_bar = flat(x_bar);
  results.x_dot_bar = flat(x_dot_bar);
  results.tau_bar = flat(tau_bar);
  return results;
}

/// Largest difference over the largest number. Both are sums of the same products in another order; the longest, over
/// `large.n` samples, is apart by less than sqrt(2 * 8192) units in the last place.
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0, apart = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    largest = std::max(largest, std::abs(a[k]));
    apart = std::max(apart, std::abs(a[k] - b[k]));
  }
  return apart / largest;
}

void expect_same(const Results& a, const Results& b, const std::string& what) {
  constexpr double tolerance = 1e-13;
  EXPECT_LT(difference(a.outputs, b.outputs), tolerance) << what;
  EXPECT_LT(difference(a.parameters_bar, b.parameters_bar), tolerance) << what;
  EXPECT_LT(difference(a.x_bar, b.x_bar), tolerance) << what;
  EXPECT_LT(difference(a.x_dot_bar, b.x_dot_bar), tolerance) << what;
  EXPECT_LT(difference(a.tau_bar, b.tau_bar), tolerance) << what;
}

TEST(ProductStrategies, AgreeOnValuesTangentsAndAdjoints) {
  for (const int n_stages : {n_dims, 2}) {
    const Results blocks = run(ProductStrategy::blocks, Order::by_stage, n_stages, small);
    const std::string stages = std::to_string(n_stages) + " stages";
    expect_same(blocks, run(ProductStrategy::blocks, Order::at_once, n_stages, small),
                "blocks at once, " + stages);
    expect_same(blocks, run(ProductStrategy::dense, Order::by_stage, n_stages, small),
                "dense by stage, " + stages);
    expect_same(blocks, run(ProductStrategy::dense, Order::at_once, n_stages, small),
                "dense at once, " + stages);
  }
}

TEST(ProductStrategies, AgreeWhereLargeProductsAreCut) {
  const Results blocks = run(ProductStrategy::blocks, Order::by_stage, n_dims, large);
  expect_same(blocks, run(ProductStrategy::dense, Order::by_stage, n_dims, large), "dense by stage");
  expect_same(blocks, run(ProductStrategy::dense, Order::at_once, n_dims, large), "dense at once");
}

}  // namespace
}  // namespace rhoflux::network
