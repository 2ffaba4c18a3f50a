#pragma once

#include <vector>

#include "rhoflux/core/units.hpp"

namespace rhoflux {

/// Masses of the population at some times, relative to that at the first time of the model:
/// log M is interpolated linearly between them. Empty: M = 1 at all times.
struct MassKnots {
  std::vector<double>
      t;  ///< ascending, units of the data or model times; the first and the last are the ends of the time range
  std::vector<double> log_mass;  ///< of each; the first is 0

  bool is_constant() const { return t.empty(); }
};

/// The same knots at model times tau, and back.
inline MassKnots at_model_times(MassKnots knots, const Units& units) {
  for (double& t : knots.t) t = units.tau(t);
  return knots;
}
inline MassKnots at_data_times(MassKnots knots, const Units& units) {
  for (double& tau : knots.t) tau = units.time(tau);
  return knots;
}

}  // namespace rhoflux
