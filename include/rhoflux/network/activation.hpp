#pragma once

#include "rhoflux/core/math.hpp"

namespace rhoflux::network {

/// SiLU a(y) = y sigmoid(y) with its first two derivatives (Elfwing et al. 2018).
template <class Scalar>
struct Silu {
  Scalar value, slope, curvature;
};

template <class Scalar>
RHOFLUX_FUNCTION Silu<Scalar> silu(Scalar y) {
  const Scalar s = math::sigmoid(y);
  const Scalar ds = s * (Scalar(1) - s);
  return {y * s, s + y * ds, ds * (Scalar(2) + y * (Scalar(1) - Scalar(2) * s))};
}

}  // namespace rhoflux::network
