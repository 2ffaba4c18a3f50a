#pragma once

#include <vector>

#include "context.hpp"
#include "rhoflux/data/health.hpp"

namespace rhoflux::apps {

/// Prints a warning for each thing that is odd about a population, but for those of the kinds in `known`, which
/// are dealt with. Collective.
void print_health(const Context& context, const io::PopulationFile& file,
                  const std::vector<data::HealthFinding::Kind>& known = {});

}  // namespace rhoflux::apps
