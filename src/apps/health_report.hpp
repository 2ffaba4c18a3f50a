#pragma once

#include <vector>

#include "context.hpp"
#include "rhoflux/data/health.hpp"
#include "rhoflux/inference/inference.hpp"

namespace rhoflux::apps {

/// Prints a warning for each thing that is odd about a population, but for those of the kinds in `known`, which
/// are dealt with. Collective.
void print_health(const Context& context, const io::PopulationFile& file,
                  const std::vector<data::HealthFinding::Kind>& known = {});

/// The same of findings that are known already.
void print_findings(const Context& context, const std::vector<data::HealthFinding>& findings,
                    const std::vector<data::HealthFinding::Kind>& known = {});

/// Prints a warning where the motion of a model is far from economical (inference::economy_of). Collective.
void print_economy(const Context& context, const inference::Inference& inference);

}  // namespace rhoflux::apps
