#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "rhoflux/core/error.hpp"

/// Small dense matrices (n, n) on the host, row by row.
namespace rhoflux {

/// A matrix given as one number (times the identity), n numbers (a diagonal) or n * n; empty where `given`
/// has another length.
inline std::vector<double> square_matrix(const std::vector<double>& given, std::size_t n) {
  if (given.size() == n * n) return given;
  if (given.size() != 1 && given.size() != n) return {};
  std::vector<double> matrix(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) matrix[i * n + i] = given[given.size() == 1 ? 0 : i];
  return matrix;
}

/// The n_given numbers (1, n or n * n) that gave a matrix, see square_matrix.
inline std::vector<double> given_numbers(const std::vector<double>& matrix, std::size_t n,
                                         std::size_t n_given) {
  if (n_given == n * n) return matrix;
  std::vector<double> given;
  for (std::size_t i = 0; i < n_given; ++i) given.push_back(matrix[i * n + i]);
  return given;
}

/// L, lower triangular, with L L^T = the symmetric `matrix` (Cholesky). Throws Error (bad input) where that
/// is not positive definite.
inline std::vector<double> cholesky_factor(const std::vector<double>& matrix, std::size_t n) {
  std::vector<double> factor(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = matrix[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= factor[i * n + k] * factor[j * n + k];
      if (i == j && !(sum > 0)) fail_input("a covariance is not positive definite");
      factor[i * n + j] = i == j ? std::sqrt(sum) : sum / factor[j * n + j];
    }
  }
  return factor;
}

/// The inverse of a lower triangular matrix.
inline std::vector<double> inverse_of_lower(const std::vector<double>& lower, std::size_t n) {
  std::vector<double> inverse(n * n, 0.0);
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = j; i < n; ++i) {
      double sum = i == j ? 1 : 0;
      for (std::size_t k = j; k < i; ++k) sum -= lower[i * n + k] * inverse[k * n + j];
      inverse[i * n + j] = sum / lower[i * n + i];
    }
  return inverse;
}

}  // namespace rhoflux
