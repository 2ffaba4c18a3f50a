#pragma once

#include <functional>

#include "rhoflux/density/density.hpp"
#include "rhoflux/device/types.hpp"

namespace rhoflux::transport {

/// What changes along the path of a particle, per unit of tau; views of the caller.
struct PathRates {
  Matrix<double> drift;        ///< (n_dims, n) u, standardised units per unit of tau
  Vector<double> growth = {};  ///< (n) growth rate r, births minus deaths; empty: not wanted
};

/// Writes the rates at the points, each of which has a time of its own. Must not keep or change the points. A value that
/// is not finite means: no drift here.
using Drift = std::function<void(const ExecutionSpace& space, const density::Points<double>& points,
                                 const PathRates& rates)>;

}  // namespace rhoflux::transport
