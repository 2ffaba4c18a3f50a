#pragma once

#include <functional>

#include "rhoflux/density/density.hpp"
#include "rhoflux/device/types.hpp"

namespace rhoflux::transport {

/// Writes the drift u (n_dims, n), standardised units per unit of tau, at the points, each of which has a
/// time of its own. Must not keep or change the points. A value that is not finite means: no drift here.
using Drift = std::function<void(const ExecutionSpace& space, const density::Points<double>& points,
                                 const Matrix<double>& drift)>;

}  // namespace rhoflux::transport
