#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

/// The precisions that tests run in, and the one that they compare with.
namespace rhoflux::test {

/// Of a test suite that is run in both.
using Scalars = testing::Types<float, double>;

/// Of references and of bounds.
using Real = long double;

/// The largest relative error of one rounding.
template <class Scalar>
constexpr Real unit_roundoff = std::numeric_limits<Scalar>::epsilon() / 2;

/// What Scalar keeps of each number.
template <class Scalar>
std::vector<double> rounded(std::vector<double> values) {
  for (double& value : values) value = static_cast<double>(static_cast<Scalar>(value));
  return values;
}

/// Writes the largest error of a test, in roundings of Scalar, to its report.
template <class Scalar>
void record_worst_error(Real worst) {
  const Real in_roundings = worst / unit_roundoff<Scalar>;
  testing::Test::RecordProperty("worst_error_in_u", std::to_string(static_cast<double>(in_roundings)));
}

inline std::vector<Real> extended(const std::vector<double>& values) {
  return std::vector<Real>(values.begin(), values.end());
}

}  // namespace rhoflux::test
