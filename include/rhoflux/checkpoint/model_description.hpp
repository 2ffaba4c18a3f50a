#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/core/units.hpp"
#include "rhoflux/density/config.hpp"
#include "rhoflux/flux/config.hpp"
#include "rhoflux/io/population.hpp"

namespace rhoflux::checkpoint {

/// Where the training data came from, as the population says; empty where there was none.
struct DataOrigin {
  TimeMeaning time;                   ///< labels and dates that times stand for
  io::TextAttributes import_choices;  ///< columns, basis and dimensions of the imported file
  /// Names of all coordinates of the data, of which those of the model were chosen; empty: it has all, in their order.
  std::vector<std::string> coordinates = {};
};

/// What inference needs to know of a model besides its parameters.
struct ModelDescription {
  density::Config config;
  Units units;
  std::vector<std::string> dim_names;
  std::string time_unit;
  flux::Config flux;
  DataOrigin origin;
  ConditionEncoding conditions = {};  ///< empty: the model has none
};

}  // namespace rhoflux::checkpoint
