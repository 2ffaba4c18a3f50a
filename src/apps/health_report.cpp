#include "health_report.hpp"

#include <algorithm>

#include "commands.hpp"

namespace rhoflux::apps {

void print_health(const Context& context, const io::PopulationFile& file,
                  const std::vector<data::HealthFinding::Kind>& known) {
  for (const data::HealthFinding& finding : data::population_health(file, context.comm))
    if (std::find(known.begin(), known.end(), finding.kind) == known.end())
      print(context.comm, "warning: " + finding.text);
}

}  // namespace rhoflux::apps
