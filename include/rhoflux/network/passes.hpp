#pragma once

namespace rhoflux {

/// The passes that a workspace is made for. The adjoint needs what the forward pass leaves behind.
enum class Passes { forward, forward_and_adjoint };

}  // namespace rhoflux
