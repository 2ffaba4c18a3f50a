#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/units.hpp"
#include "rhoflux/density/config.hpp"
#include "rhoflux/flux/config.hpp"

namespace rhoflux::checkpoint {

/// What inference needs to know of a model besides its parameters.
struct ModelDescription {
  density::Config config;
  Units units;
  std::vector<std::string> dim_names;
  std::string time_unit;
  flux::Config flux;
};

}  // namespace rhoflux::checkpoint
