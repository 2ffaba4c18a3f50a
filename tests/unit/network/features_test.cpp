#include "rhoflux/network/features.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "rhoflux/core/math.hpp"
#include "support/random_numbers.hpp"
#include "unit/network/reference_network.hpp"

namespace rhoflux::network {
namespace {

using namespace test;

template <class Scalar>
class Fourier : public testing::Test {};
TYPED_TEST_SUITE(Fourier, Scalars);

constexpr int n = 37, n_tangents = 3, first_row = 2;
const FourierConfig time_config{8, 0.5, 16.0};
const FourierConfig coordinate_config{6, 0.7, 9.0, RawValue::included};

Real frequency(const FourierConfig& config, int k) {
  const int count = config.n_features / 2;
  return config.frequency_min *
         std::pow(static_cast<Real>(config.frequency_max) / config.frequency_min, Real(k) / Real(count - 1));
}

TEST(Frequencies, AreGeometricFromTheLeastToTheLargest) {
  const std::vector<double> turns = frequencies_in_turns(time_config);
  ASSERT_EQ(turns.size(), 4u);
  const double ratio = std::cbrt(16.0 / 0.5);
  for (int k = 0; k < 4; ++k)
    EXPECT_NEAR(2 * math::pi * turns[static_cast<std::size_t>(k)], 0.5 * std::pow(ratio, k), 1e-13);
  EXPECT_EQ(frequencies_in_turns({2, 3.0, 7.0}).size(), 1u);
  EXPECT_DOUBLE_EQ(frequencies_in_turns({2, 3.0, 7.0}).front(), 3.0 / (2 * math::pi));
  EXPECT_TRUE(frequencies_in_turns({0, 3.0, 7.0, RawValue::included}).empty());
}

/// Strided values, as a coordinate of (n_dims, n) points is: entry s at s * stride.
template <class Scalar>
struct Evaluation {
  Evaluation(const FourierConfig& config, const std::vector<double>& v, const std::vector<double>& v_dot,
             int stride_in)
      : features(config),
        stride(stride_in),
        values(to_vector<Scalar>(spread(v, stride))),
        tangents(to_vector<Scalar>(spread(v_dot, stride))),
        rows(make_matrix<Scalar>("features", first_row + config.size() + 1, n * (1 + n_tangents))) {
    Kokkos::deep_copy(rows, Scalar(-77));
    features.forward(ExecutionSpace(), {n, n_tangents}, strided(values), strided(tangents), block(rows));
  }
  static std::vector<double> spread(const std::vector<double>& values, int stride) {
    std::vector<double> result(values.size() * static_cast<std::size_t>(stride), 1e9);
    for (std::size_t k = 0; k < values.size(); ++k) result[k * static_cast<std::size_t>(stride)] = values[k];
    return result;
  }
  /// Every stride-th entry.
  StridedVector<Scalar> strided(const Vector<Scalar>& spread_out) const {
    const auto count = spread_out.extent(0) / static_cast<std::size_t>(stride);
    return StridedVector<Scalar>(spread_out.data(),
                                 Kokkos::LayoutStride(count, static_cast<std::size_t>(stride)));
  }
  /// The rows of the features in a larger matrix.
  Matrix<Scalar> block(const Matrix<Scalar>& all) const {
    return rows_of(all, {first_row, first_row + features.size()});
  }
  FourierFeatures<Scalar> features;
  int stride;
  Vector<Scalar> values, tangents;
  Matrix<Scalar> rows;
};

/// The phase w v is rounded in the frequency, in turns, and in the product, u = eps/2 each, and the sine is
/// good to 5 u: an error of at most (2 |w v| + 5) u. A tangent w v_dot cos carries three products more.
TYPED_TEST(Fourier, ForwardAndTangentsMatchTheStandardFunctions) {
  using Scalar = TypeParam;
  const Real u = unit_roundoff<Scalar>;
  for (const FourierConfig& config : {time_config, coordinate_config}) {
    const std::vector<double> v = rounded<Scalar>(random_numbers(n, -5.0, 5.0, 1));
    const std::vector<double> v_dot = rounded<Scalar>(random_numbers(n * n_tangents, -1.0, 1.0, 2));
    const Evaluation<Scalar> evaluation(config, v, v_dot, 3);
    const auto rows = on_host(evaluation.rows);
    const int count = config.n_features / 2, first = first_row + (config.includes_value() ? 1 : 0);
    for (int s = 0; s < n; ++s) {
      const auto value = static_cast<Real>(v[static_cast<std::size_t>(s)]);
      for (int k = 0; k < count; ++k) {
        const Real w = frequency(config, k), phase = w * value;
        const Real bound = (2 * std::fabs(phase) + 5) * u;
        EXPECT_NEAR(rows(first + k, s), std::sin(phase), bound);
        EXPECT_NEAR(rows(first + count + k, s), std::cos(phase), bound);
        for (int j = 0; j < n_tangents; ++j) {
          const int column = (1 + j) * n + s;
          const Real rate = w * v_dot[static_cast<std::size_t>(j * n + s)];
          const Real rate_bound = std::fabs(rate) * (bound + 4 * u);
          EXPECT_NEAR(rows(first + k, column), rate * std::cos(phase), rate_bound);
          EXPECT_NEAR(rows(first + count + k, column), -rate * std::sin(phase), rate_bound);
        }
      }
      if (config.includes_value()) {
        EXPECT_EQ(rows(first_row, s), static_cast<Scalar>(value));
        for (int j = 0; j < n_tangents; ++j)
          EXPECT_EQ(rows(first_row, (1 + j) * n + s),
                    static_cast<Scalar>(v_dot[static_cast<std::size_t>(j * n + s)]));
      }
      for (int j = 0; j <= n_tangents; ++j) {
        EXPECT_EQ(rows(first_row - 1, j * n + s), Scalar(-77)) << "a row before the block was written";
        EXPECT_EQ(rows(first_row + config.size(), j * n + s), Scalar(-77))
            << "a row after the block was written";
      }
    }
  }
}

/// Central differences of step h have the error h^2 w^3 / 6 and, from rounding, (2 w |v| + 5) eps / h: with
/// h = 1e-5 and w |v| <= 80, 1e-7 and 2e-9.
TEST(FourierTangent, MatchesCentralDifferencesOfTheForward) {
  constexpr double h = 1e-5;
  const std::vector<double> v = random_numbers(n, -5.0, 5.0, 3),
                            v_dot = random_numbers(n * n_tangents, -1.0, 1.0, 4);
  for (const FourierConfig& config : {time_config, coordinate_config}) {
    const auto rows = on_host(Evaluation<double>(config, v, v_dot, 1).rows);
    for (int j = 0; j < n_tangents; ++j) {
      std::vector<double> up = v, down = v;
      for (int s = 0; s < n; ++s) {
        const auto k = static_cast<std::size_t>(s);
        up[k] += h * v_dot[static_cast<std::size_t>(j * n + s)];
        down[k] -= h * v_dot[static_cast<std::size_t>(j * n + s)];
      }
      const auto rows_up = on_host(Evaluation<double>(config, up, v_dot, 1).rows);
      const auto rows_down = on_host(Evaluation<double>(config, down, v_dot, 1).rows);
      for (int row = first_row; row < first_row + config.size(); ++row)
        for (int s = 0; s < n; ++s)
          EXPECT_NEAR(rows(row, (1 + j) * n + s), (rows_up(row, s) - rows_down(row, s)) / (2 * h), 2e-7);
    }
  }
}

TYPED_TEST(Fourier, WithoutTangentsGivenTheyAreZero) {
  using Scalar = TypeParam;
  const FourierFeatures<Scalar> features(coordinate_config);
  const Vector<Scalar> values = to_vector<Scalar>(random_numbers(n, -2.0, 2.0, 5));
  const Matrix<Scalar> rows = make_matrix<Scalar>("rows", coordinate_config.size(), 2 * n);
  Kokkos::deep_copy(rows, Scalar(5));
  features.forward(ExecutionSpace(), {n, 1}, values, {}, rows);
  const auto host = on_host(rows);
  for (int row = 0; row < coordinate_config.size(); ++row)
    for (int s = 0; s < n; ++s) EXPECT_EQ(host(row, n + s), Scalar(0));
}

/// <w, J d> with J the derivative of (features, features_dot) in (v, v_dot), from extended precision, equals
/// <J^T w, d> from `adjoint`. Every one of the terms, at most w^2 |v_dot| <= 256 large, is good to
/// (2 w |v| + 10) u, 170 u; 1000 random terms add up to less than their number.
TYPED_TEST(Fourier, AdjointIsTheTransposeOfTheDerivative) {
  using Scalar = TypeParam;
  constexpr int stride = 2;
  const Real u = unit_roundoff<Scalar>;
  for (const FourierConfig& config : {time_config, coordinate_config}) {
    const std::vector<double> v = rounded<Scalar>(random_numbers(n, -5.0, 5.0, 6));
    const std::vector<double> v_dot = rounded<Scalar>(random_numbers(n * n_tangents, -1.0, 1.0, 7));
    const std::vector<double> d = random_numbers(n, -1.0, 1.0, 8),
                              d_dot = random_numbers(n * n_tangents, -1.0, 1.0, 9);
    const Evaluation<Scalar> evaluation(config, v, v_dot, stride);
    const int n_rows = static_cast<int>(evaluation.rows.extent(0));
    const std::vector<double> w =
        rounded<Scalar>(random_numbers(n_rows * n * (1 + n_tangents), -1.0, 1.0, 10));
    const Matrix<Scalar> rows_bar = to_matrix<Scalar>(w, n_rows);
    // Adjoints are added to what is there.
    const Vector<Scalar> v_bar = make_vector<Scalar>("v bar", n * stride);
    const Vector<Scalar> v_dot_bar = make_vector<Scalar>("v dot bar", n * n_tangents * stride);
    Kokkos::deep_copy(v_bar, Scalar(0.5));
    Kokkos::deep_copy(v_dot_bar, Scalar(0.25));
    evaluation.features.adjoint(ExecutionSpace(), {n, n_tangents}, evaluation.block(evaluation.rows),
                                evaluation.block(rows_bar), evaluation.strided(v_bar),
                                evaluation.strided(v_dot_bar));

    Real forward = 0, backward = 0, size = 0;
    const auto w_at = [&](int row, int column) {
      return static_cast<Real>(w[static_cast<std::size_t>(column * n_rows + row)]);
    };
    const int count = config.n_features / 2, first = first_row + (config.includes_value() ? 1 : 0);
    const auto add = [&](Real term) {
      forward += term;
      size += std::fabs(term);
    };
    const auto host_v_bar = on_host(v_bar), host_v_dot_bar = on_host(v_dot_bar);
    for (int s = 0; s < n; ++s) {
      const Real value = v[static_cast<std::size_t>(s)], value_d = d[static_cast<std::size_t>(s)];
      if (config.includes_value()) add(w_at(first_row, s) * value_d);
      backward += (static_cast<Real>(host_v_bar(s * stride)) - Real(0.5)) * value_d;
      EXPECT_EQ(host_v_bar(s * stride + 1), Scalar(0.5));
      for (int k = 0; k < count; ++k) {
        const Real rate = frequency(config, k), sine = std::sin(rate * value),
                   cosine = std::cos(rate * value);
        add(w_at(first + k, s) * rate * cosine * value_d);
        add(-w_at(first + count + k, s) * rate * sine * value_d);
      }
      for (int j = 0; j < n_tangents; ++j) {
        const int column = (1 + j) * n + s;
        const Real dot = v_dot[static_cast<std::size_t>(j * n + s)];
        const Real dot_d = d_dot[static_cast<std::size_t>(j * n + s)];
        if (config.includes_value()) add(w_at(first_row, column) * dot_d);
        backward += (static_cast<Real>(host_v_dot_bar((j * n + s) * stride)) - Real(0.25)) * dot_d;
        for (int k = 0; k < count; ++k) {
          const Real rate = frequency(config, k), sine = std::sin(rate * value),
                     cosine = std::cos(rate * value);
          add(w_at(first + k, column) * rate * (cosine * dot_d - rate * sine * dot * value_d));
          add(-w_at(first + count + k, column) * rate * (sine * dot_d + rate * cosine * dot * value_d));
        }
      }
    }
    EXPECT_NEAR(forward, backward, 170 * u * size);
    EXPECT_GT(std::fabs(forward), 1e4 * 170 * std::numeric_limits<double>::epsilon() * size);
  }
}

}  // namespace
}  // namespace rhoflux::network
