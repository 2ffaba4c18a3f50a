#pragma once

#include <limits>

#include "rhoflux/core/math.hpp"

namespace rhoflux {

template <class Scalar>
RHOFLUX_FUNCTION Scalar maximum(const Scalar* values, int n) {
  Scalar largest = std::numeric_limits<Scalar>::lowest();
  RHOFLUX_SIMD_MAX(largest)
  for (int l = 0; l < n; ++l) largest = values[l] > largest ? values[l] : largest;
  return largest;
}

/// log sum_l e^{values_l}.
template <class Scalar>
RHOFLUX_FUNCTION Scalar log_sum_exp(const Scalar* values, int n) {
  if (n == 1) return values[0];  // what follows gives, to the bit
  const Scalar largest = maximum(values, n);
  Scalar sum = 0;
  RHOFLUX_SIMD_SUM(sum)
  for (int l = 0; l < n; ++l) sum += math::exp(values[l] - largest);
  return largest + math::log(sum);
}

/// log sum_k e^{term(k)}, k = 0..n-1.
template <class Scalar, class Term>
RHOFLUX_FUNCTION Scalar log_sum_exp_of(int n, const Term& term) {
  Scalar largest = term(0);
  for (int k = 1; k < n; ++k) {
    const Scalar value = term(k);
    largest = value > largest ? value : largest;
  }
  Scalar sum = 0;
  for (int k = 0; k < n; ++k) sum += math::exp(term(k) - largest);
  return largest + math::log(sum);
}

}  // namespace rhoflux
