#pragma once

#include <vector>

#include "rhoflux/density/logistic_mixture.hpp"

namespace rhoflux::density {

/// The parameters of one mixture of logistics, in memory of their own.
template <class Scalar>
struct Parameters {
  explicit Parameters(int size) : logit(size), location(size), log_scale(size) {}
  Mixture<Scalar> view() {
    return {logit.data(), location.data(), log_scale.data(), static_cast<int>(logit.size())};
  }
  std::vector<Scalar> logit, location, log_scale;
};

}  // namespace rhoflux::density
