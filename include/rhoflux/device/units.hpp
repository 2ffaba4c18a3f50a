#pragma once

#include "rhoflux/core/units.hpp"
#include "rhoflux/device/types.hpp"

namespace rhoflux {

/// Units as kernels see them.
template <class Scalar>
struct DeviceUnits {
  Vector<Scalar> mean, scale;  ///< (n_dims)
  double t_first = 0, time_span = 1, log_volume = 0;

  DeviceUnits() = default;
  explicit DeviceUnits(const Units& units)
      : mean(on_device<Scalar>(units.mean, "mean")),
        scale(on_device<Scalar>(units.scale, "scale")),
        t_first(units.t_first),
        time_span(units.time_span()),
        log_volume(units.log_volume()) {}
};

}  // namespace rhoflux
