#pragma once

#include <optional>
#include <string>

#include "rhoflux/inference/inference.hpp"

namespace rhoflux::inference {

/// How much more a model moves than it must, in model units, from its samples at nine times t_0 .. t_8 over its range,
/// model.md (8.7):
///
///   energy = int E|v|^2 dt of the velocity v of the ODE,
///   least = sum_k W2^2(rho at t_k, rho at t_k+1) / (t_k+1 - t_k),
///
/// the energy of the most economical motion through these marginals (Benamou & Brenier 2000). 256 samples each, so
/// that W2 has an error of its own, which makes `least` larger: the ratio is low rather than high. The same holds with growth,
/// which spares motion.
struct Economy {
  double energy = 0, least = 0;
  double ratio() const { return energy / least; }
};

/// Evaluates on the calling rank alone. @param seed of the samples
Economy economy_of(const Inference& inference, std::uint64_t seed);

/// A warning where the motion is far from economical (a ratio above 10), with the reason and the keys that help.
std::optional<std::string> economy_warning(const Economy& economy);

}  // namespace rhoflux::inference
