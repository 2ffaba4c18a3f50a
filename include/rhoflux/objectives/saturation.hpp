#pragma once

#include "rhoflux/core/math.hpp"

namespace rhoflux::objectives {

/// h with a bounded pull: h up to c, c (1 + log(h / c)) above, so that the order of costs is kept.
template <class Scalar>
struct Saturated {
  Scalar value, slope;  ///< of h, and d value / dh
  bool is_saturated;
};

/// @param limit c; 0: none
template <class Scalar>
RHOFLUX_FUNCTION Saturated<Scalar> saturate(Scalar h, Scalar limit) {
  if (!(limit > Scalar(0)) || !(h > limit)) return {h, Scalar(1), false};
  return {limit * (Scalar(1) + math::log(h / limit)), limit / h, true};
}

/// Adds the cost h of one sample: weight h to its score_weight, mass h to `total`, and 1 to `saturated` where it
/// is. @param weight with the mass in it @param mass see MassWeight
template <class Scalar>
RHOFLUX_FUNCTION void add_sample_cost(const Saturated<Scalar>& h, Scalar weight, Scalar& score_weight,
                                      double& total, double& saturated, Scalar mass = Scalar(1)) {
  score_weight += weight * h.value;
  total += static_cast<double>(mass * h.value);
  saturated += h.is_saturated ? 1 : 0;
}

}  // namespace rhoflux::objectives
