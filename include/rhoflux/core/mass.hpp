#pragma once

#include <vector>

namespace rhoflux {

/// Masses of the population at some times, relative to that at the first time of the model, in the units of the data:
/// log M is interpolated linearly between them. Empty: M = 1 at all times.
struct MassKnots {
  std::vector<double> t;         ///< ascending; the first and the last are the ends of the time range
  std::vector<double> log_mass;  ///< of each; the first is 0

  bool is_constant() const { return t.empty(); }
};

}  // namespace rhoflux
