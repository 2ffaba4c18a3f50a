#include "health_report.hpp"

#include <algorithm>

#include "model_files.hpp"
#include "rhoflux/inference/economy.hpp"

namespace rhoflux::apps {

void print_health(const Context& context, const io::PopulationFile& file,
                  const std::vector<data::HealthFinding::Kind>& known) {
  print_findings(context, data::population_health(file, context.comm), known);
}

void print_findings(const Context& context, const std::vector<data::HealthFinding>& findings,
                    const std::vector<data::HealthFinding::Kind>& known) {
  for (const data::HealthFinding& finding : findings)
    if (std::find(known.begin(), known.end(), finding.kind) == known.end())
      print(context.comm, "warning: " + finding.text);
}

void print_economy(const Context& context, const inference::Inference& inference) {
  if (!has_motion(inference.model())) return;
  mpi::on_root(context.comm, [&] {
    const auto warning = inference::economy_warning(inference::economy_of(inference, 1));
    if (warning) print(context.comm, "warning: " + *warning);
  });
}

}  // namespace rhoflux::apps
