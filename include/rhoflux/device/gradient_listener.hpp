#pragma once

#include "rhoflux/device/types.hpp"

namespace rhoflux {

/// Hears from the adjoint passes which entries of the gradient they have just added to, so that the sum of
/// these over ranks can begin while a pass goes on.
class GradientListener {
 public:
  virtual ~GradientListener() = default;
  /// The kernels that add to these entries have been launched. Two calls have the same range or ranges
  /// without a common entry.
  virtual void on_gradient_added(Range entries) = 0;
};

}  // namespace rhoflux
