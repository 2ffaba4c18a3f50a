#include <cmath>
#include <sstream>

#include "commands.hpp"
#include "health_report.hpp"
#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/io/population.hpp"

namespace rhoflux::apps {
namespace {

/// The first categories of a label.
std::string some_of(std::vector<std::string> categories) {
  constexpr std::size_t most = 12;
  const std::size_t count = categories.size();
  if (count > most) categories.resize(most);
  return joined(categories) + (count > most ? ", .. (" + std::to_string(count) + ")" : "");
}

void describe_population(const io::PopulationFile& file, std::ostream& out) {
  const io::PopulationInfo& info = file.info();
  const std::vector<std::string> times = time_texts(info.time, {info.t_min, info.t_max});
  const std::string unit = info.time_unit.empty() ? "" : ", in " + info.time_unit;
  out << file.path() << ": population data\n  rows       " << info.n_rows << " (" << info.split_count[0]
      << " train, " << info.split_count[1] << " val, " << info.split_count[2] << " test)\n  dimensions "
      << info.n_dims << " (" << joined(info.dim_names) << ")\n  time       " << times[0] << " to " << times[1]
      << unit << "\n  weights    " << (info.has_weight ? "yes" : "no");
  for (const io::LabelColumn& label : info.labels)
    out << "\n  label      " << label.name << ": " << some_of(label.categories);
  for (const io::ConditionColumn& condition : info.conditions)
    out << "\n  condition  " << condition.name << ": "
        << (condition.categories.empty() ? "a number" : some_of(condition.categories));
  if (info.has_growth) out << "\n  growth     a rate for each row";
  if (info.has_id) out << "\n  names      of the rows";
  out << "\n  source     " << info.source << '\n';
}

void describe_provenance(const io::Hdf5Reader& file, std::ostream& out) {
  if (!file.exists("provenance")) return;
  out << "provenance\n";
  for (const auto& [name, text] : file.text_attributes("provenance")) {
    out << "  " << name << ":";
    std::istringstream lines(text);
    int n_lines = 0;
    for (std::string line; std::getline(lines, line); ++n_lines)
      out << (n_lines == 0 ? " " : "\n    ") << line;
    out << '\n';
  }
  if (file.is_dataset("provenance/earlier_runs"))
    out << "  earlier runs, whose checkpoint each next one continued:\n"
        << file.read_string("provenance/earlier_runs") << '\n';
}

/// How the conditions become inputs of the networks.
std::string conditions_text(const ConditionEncoding& conditions) {
  std::string text;
  for (const ConditionVariable& variable : conditions.variables)
    text += "\n  condition  " + variable.name + ": " + variable.allowed() +
            (variable.is_category() ? ", one input each"
                                    : "; input (" + variable.name + " - " + formatted("%.6g", variable.mean) +
                                          ") / " + formatted("%.6g", variable.scale));
  return text;
}

/// Which step best.h5 is of, and why.
std::string kept_text(const checkpoint::TrainingState& state) {
  if (state.best_step == 0) return "  best.h5    none yet\n";
  const std::string step = "  best.h5    of step " + std::to_string(state.best_step);
  if (!std::isfinite(state.best_validation)) return step + ", the newest: there are no validation rows\n";
  const checkpoint::ValidationFigure smallest = state.history.smallest_validation().value_or(
      checkpoint::ValidationFigure{state.best_step, state.best_validation});
  const std::string nll = ", validation nll " + formatted("%g", state.best_validation);
  if (smallest.step == state.best_step) return step + nll + ", the smallest so far\n";
  return step + nll + ", the newest, since the likelihood is not the whole objective; the smallest is " +
         formatted("%g", smallest.nll) + " at step " + std::to_string(smallest.step) + "\n";
}

/// The growth of a model: what it is trained with, and its mass at the times of known masses.
void describe_growth(const checkpoint::Checkpoint& checkpoint, std::ostream& out) {
  const checkpoint::ModelDescription& model = checkpoint.model;
  if (!model.config.grows()) return;
  out << "  growth     " << enum_to_text(model.config.growth) << ", growth_share "
      << model.config.growth_share.to_string() << "\n  mass       ";
  const MassKnots mass = at_data_times(model.flux.mass, model.units);
  if (mass.is_constant()) {
    out << "1 at all times\n";
    return;
  }
  const std::vector<std::string> times = time_texts(model.origin.time, mass.t);
  for (std::size_t k = 0; k < times.size(); ++k)
    out << (k > 0 ? ", " : "") << formatted("%.4g", std::exp(mass.log_mass[k])) << " at t = " << times[k];
  out << '\n';
}

std::string ensemble_text(const density::Config& config) {
  return config.n_members == 1
             ? ""
             : "\n  ensemble   the mean of " + std::to_string(config.n_members) + " densities";
}

void describe_checkpoint(const std::string& path, std::ostream& out) {
  const checkpoint::Checkpoint checkpoint = checkpoint::read_checkpoint(path);
  const checkpoint::ModelDescription& model = checkpoint.model;
  const std::vector<std::string> times =
      time_texts(model.origin.time, {model.units.t_first, model.units.t_last});
  out << path << ": checkpoint after step " << checkpoint.state.step << "\n  dimensions "
      << model.units.n_dims() << " (" << joined(model.dim_names) << ")\n  parameters "
      << flux::layout_of(model.config, model.flux, model.units.n_dims()).count() << " in "
      << enum_to_text(checkpoint.state.precision) << " precision" << ensemble_text(model.config)
      << "\n  time       " << times[0] << " to " << times[1]
      << (model.time_unit.empty() ? "" : ", in " + model.time_unit) << conditions_text(model.conditions)
      << '\n';
  describe_growth(checkpoint, out);
  out << kept_text(checkpoint.state) << "deck\n" << checkpoint.deck << '\n';
}

/// An AnnData file: what `import` can take from it.
void describe_anndata(const io::Hdf5Reader& file, std::ostream& out) {
  out << file.path() << ": AnnData, which 'rhoflux import' makes a population of\n  obs  "
      << joined(file.list("obs")) << '\n';
  if (file.exists("obsm")) out << "  obsm " << joined(file.list("obsm")) << '\n';
  if (file.exists("varm")) out << "  varm " << joined(file.list("varm")) << '\n';
}

void describe_other(const io::Hdf5Reader& file, std::ostream& out) {
  if (file.exists("obs") && file.exists("var") && !file.is_dataset("obs")) {
    describe_anndata(file, out);
    return;
  }
  out << file.path() << ": "
      << (file.has_attribute("/", "kind") ? file.attribute_string("/", "kind")
                                          : "an HDF5 file of another program")
      << '\n';
  for (const std::string& name : file.list("/"))
    if (file.is_dataset(name)) out << "  /" << name << ' ' << io::to_string(file.shape(name)) << '\n';
}

}  // namespace

Arguments info_arguments() {
  Arguments arguments(
      "info",
      "Says what a file is: population data, a checkpoint or an output, with its deck and provenance.");
  arguments.positional("FILE", file_name(), "any HDF5 file");
  return arguments;
}

int command_info(const Context& context, const Arguments& arguments) {
  const std::string path = arguments.text("FILE");
  bool is_population = false;
  mpi::on_root(context.comm, [&] {
    const io::Hdf5Reader file(path);
    is_population = io::is_population(path);
    if (is_population) return;
    std::ostringstream out;
    if (file.has_attribute("/", "kind") && file.attribute_string("/", "kind") == "rhoflux checkpoint")
      describe_checkpoint(path, out);
    else
      describe_other(file, out);
    describe_provenance(file, out);
    print(context.comm, out.str());
  });
  context.comm.broadcast(&is_population, sizeof(is_population));
  if (!is_population) return 0;
  const io::PopulationFile file(path, context.comm);
  mpi::on_root(context.comm, [&] {
    std::ostringstream out;
    describe_population(file, out);
    describe_provenance(io::Hdf5Reader(path), out);
    print(context.comm, out.str());
  });
  print_health(context, file);
  return 0;
}

}  // namespace rhoflux::apps
