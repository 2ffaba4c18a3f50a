#include "particles.hpp"

#include "model_conditions.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/core/times.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::apps {

std::unique_ptr<io::PopulationFile> open_chosen(const Context& context, const std::string& path,
                                                const checkpoint::ModelDescription& model,
                                                const io::PopulationChoice& choice) {
  note_input(context, path);
  auto file = std::make_unique<io::PopulationFile>(path, context.comm, choice);
  const int n_dims = model.units.n_dims();
  if (file->info().n_dims != n_dims)
    fail_input(path + ": /x has " + counted(file->info().n_dims, "coordinate") + ", the model has " +
               std::to_string(n_dims));
  warn_of_names(context, model, *file);
  return file;
}

std::unique_ptr<io::PopulationFile> open_population(const Context& context, const std::string& path,
                                                    const checkpoint::ModelDescription& model,
                                                    const std::vector<double>& given) {
  return open_chosen(context, path, model, choice_of_conditions(model, given));
}

namespace {

/// Whether a file has any of the conditions of the model; the same on every rank.
bool has_conditions(const Context& context, const std::string& path,
                    const checkpoint::ModelDescription& model) {
  bool found = false;
  mpi::on_root(context.comm, [&] {
    const io::Hdf5Reader file(path);
    for (const ConditionVariable& variable : model.conditions.variables)
      found = found || file.exists("condition/" + variable.name);
  });
  context.comm.broadcast(&found, sizeof(found));
  return found;
}

/// The number that stands for a value of the model in a column of a file; NaN: a category that the file does not have.
double value_in_file(const std::string& path, const io::ConditionColumn& column,
                     const ConditionVariable& variable, double value) {
  if (variable.is_category() == column.categories.empty())
    fail_input(path + ", 'condition/" + column.name + "': is " +
               (column.categories.empty() ? "a number" : "a category") + "; the model has " + column.name +
               " (" + variable.allowed() + ")");
  if (!variable.is_category()) return value;
  ConditionVariable of_file;
  of_file.categories = column.categories;
  return of_file.place_of(variable.text_of(value));
}

}  // namespace

void ComparedPopulation::leave_out_others(io::PopulationRows& rows) const {
  const std::size_t width = condition.size();
  if (width == 0) return;
  for (std::size_t row = 0; row < rows.weight.size(); ++row)
    for (std::size_t v = 0; v < width; ++v)
      if (!same_time(rows.conditions[row * width + v], condition[v])) rows.weight[row] = 0;
}

ComparedPopulation open_compared(const Context& context, const std::string& path,
                                 const checkpoint::ModelDescription& model,
                                 const std::vector<double>& given) {
  ComparedPopulation compared;
  const ConditionEncoding& encoding = model.conditions;
  if (given.empty() || !has_conditions(context, path, model)) {
    compared.file = open_population(context, path, model, given);
    if (!given.empty())
      print(context.comm, "note: " + path + " has no conditions: all its rows count as rows of " +
                              encoding.text_of(given.data()));
    return compared;
  }
  // With the categories of the file, which may have others than the model.
  io::PopulationChoice choice = choice_of_coordinates(model);
  for (const ConditionVariable& variable : encoding.variables) choice.conditions.push_back(variable.name);
  compared.file = open_chosen(context, path, model, choice);
  for (std::size_t v = 0; v < given.size(); ++v)
    compared.condition.push_back(
        value_in_file(path, compared.file->conditions()[v], encoding.variables[v], given[v]));
  return compared;
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
