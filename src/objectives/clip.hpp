#pragma once

#include "rhoflux/core/math.hpp"

namespace rhoflux::objectives {

/// h with a bounded pull: h up to `limit`, limit (1 + log(h / limit)) above.
template <class Scalar>
struct Clipped {
  Scalar value, slope;  ///< of h, and d value / dh
  bool acts;
};

/// @param limit 0: none
template <class Scalar>
RHOFLUX_FUNCTION Clipped<Scalar> clip(Scalar h, Scalar limit) {
  if (!(limit > Scalar(0)) || !(h > limit)) return {h, Scalar(1), false};
  return {limit * (Scalar(1) + math::log(h / limit)), limit / h, true};
}

/// Books the cost h of one draw: adds weight h to its score_weight, and h to the sums over draws.
template <class Scalar>
RHOFLUX_FUNCTION void add_sample_cost(const Clipped<Scalar>& h, Scalar weight, Scalar& score_weight,
                                      double& total, double& clipped) {
  score_weight += weight * h.value;
  total += static_cast<double>(h.value);
  clipped += h.acts ? 1 : 0;
}

}  // namespace rhoflux::objectives
