#include "particles.hpp"

#include "model_conditions.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"

namespace rhoflux::apps {

std::unique_ptr<io::PopulationFile> open_population(const Context& context, const std::string& path,
                                                    const checkpoint::ModelDescription& model,
                                                    const std::vector<double>& given) {
  note_input(context, path);
  auto file = std::make_unique<io::PopulationFile>(path, context.comm, choice_of_conditions(model, given));
  const int n_dims = model.units.n_dims();
  if (file->info().n_dims != n_dims)
    fail_input(path + ": /x has " + counted(file->info().n_dims, "coordinate") + ", the model has " +
               std::to_string(n_dims));
  warn_of_names(context, model, *file);
  return file;
}

inference::Snapshot find_particles(const Context& context, const io::PopulationFile& file, io::Split split,
                                   double from, const inference::TimeMatch& match) {
  inference::Snapshot found;
  mpi::on_root(context.comm, [&] {
    found = inference::find_snapshot(file, split, from, match);
    if (found.count > 0) return;
    const std::string times = inference::first_times(file, split);
    fail_input(file.path() + ": has no particles at --from " + time_text(file.info().time, from) +
               " in the split '" + io::to_string(split) + "'" +
               (times.empty() ? ", which is empty" : "; its times are " + times) +
               " (--split names another split, --window W takes what is within W of that time)");
  });
  context.comm.broadcast(&found, sizeof(found));
  return found;
}

inference::TrajectoryOptions integration_options(const Arguments& arguments) {
  inference::TrajectoryOptions options;
  options.steps = static_cast<int>(arguments.whole_number("steps"));
  options.ode.relative_tolerance = arguments.number("tolerance");
  options.ode.absolute_tolerance = 0.1 * options.ode.relative_tolerance;
  options.scheme = arguments.choice<transport::SdeScheme>("scheme");
  options.seed = arguments.seed();
  return options;
}

}  // namespace rhoflux::apps
