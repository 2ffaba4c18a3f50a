#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_conditions.hpp"
#include "model_files.hpp"
#include "particles.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/times.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/inference/figures_json.hpp"
#include "rhoflux/inference/snapshots.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/inference/transport_report.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "row_names.hpp"
#include "transport_paths.hpp"

namespace rhoflux::apps {
namespace {

constexpr std::uint64_t start_stream = 2000;  ///< of the model samples that particles start from

/// Where the particles start, and what they are compared with.
struct Source {
  std::unique_ptr<io::PopulationFile> particles;
  ComparedPopulation data;
  io::Split split = io::Split::test;
  inference::Snapshot start, end;
  std::int64_t count = 0;
  double from = 0, to = 0;        ///< the times given, or those of the snapshots that they name
  std::vector<double> condition;  ///< given for all particles; empty: those of the rows, or a model without
};

Source open_source(const Context& context, const Arguments& arguments, const inference::Inference& inference,
                   double from, double to) {
  const checkpoint::ModelDescription& model = inference.model();
  Source source;
  source.condition = arguments.has("count") ? required_condition(context, arguments, model)
                                            : condition_option(context, arguments, model);
  source.from = from;
  source.to = to;
  source.split = io::parse_split(arguments.text("split"));
  const bool has_particles = arguments.has("particles");
  if (has_particles == (arguments.has("count"))) fail_input("give either --particles FILE or --count N");
  const inference::TimeMatch match = {arguments.number("window"), 1e-9 * inference.model().units.time_span()};
  if (arguments.has("count")) source.count = arguments.whole_number("count");
  if (has_particles) {
    source.particles = open_population(context, arguments.text("particles"), model, source.condition);
    warn_of_rows(context, model, *source.particles, source.split);
    source.start = find_particles(context, *source.particles, source.split, from, match);
    source.count = source.start.count;
    source.from = source.start.t;
  }
  if (has_particles || arguments.has("data")) {
    source.data =
        open_compared(context, arguments.has("data") ? arguments.text("data") : arguments.text("particles"),
                      model, source.condition);
    mpi::on_root(context.comm,
                 [&] { source.end = inference::find_snapshot(*source.data.file, source.split, to, match); });
    context.comm.broadcast(&source.end, sizeof(source.end));
    source.to = source.end.t;
  }
  if (source.from == source.to) fail_input("--from and --to name the same snapshot");
  return source;
}

/// Points that stand for the data at the end time with equal weights, on the root; collective.
std::vector<double> data_at_end(const mpi::Communicator& comm, const Source& source) {
  if (source.end.count == 0) return {};
  const std::int64_t begin = comm.is_root() ? source.end.begin : 0;
  io::PopulationRows rows =
      source.data.file->read_split(source.split, begin, begin + (comm.is_root() ? source.end.count : 0));
  source.data.leave_out_others(rows);
  const inference::CountedRows counted = inference::counted_rows(rows);
  return counted.size() == 0 ? std::vector<double>() : inference::equal_mass_points(counted, counted.size());
}

inference::TrajectoryOptions trajectory_options(const Arguments& arguments, double from, double to) {
  inference::TrajectoryOptions options = integration_options(arguments);
  const std::int64_t n_frames = arguments.whole_number("frames");
  for (std::int64_t k = 0; k < n_frames; ++k)
    options.frames.push_back(from + (to - from) * static_cast<double>(k) / static_cast<double>(n_frames - 1));
  return options;
}

/// Transports the particles of the source and writes their paths; collective, the sums are those of the root.
PathSums write_paths(const Context& context, const OutputFile& output,
                     const checkpoint::Checkpoint& checkpoint, const inference::Inference& inference,
                     const Source& source, const inference::TrajectoryOptions& options,
                     const std::string& method, bool resampled) {
  const inference::TrajectoryIntegrator integrator(inference, options);
  // The root writes, and weighs.
  const std::int64_t of_root = context.comm.is_root() ? source.count : 0;
  io::PopulationRows rows;
  if (source.particles)
    rows = source.particles->read_split(source.split, source.start.begin, source.start.begin + of_root);
  const auto own_rows = [&](std::int64_t begin, std::int64_t end) {
    return source.particles ? source.particles->read_split(source.split, source.start.begin + begin,
                                                           source.start.begin + end)
                            : io::PopulationRows();
  };
  const auto conditions = [&](std::int64_t begin, std::int64_t end) {
    return conditions_of(source.condition, own_rows(begin, end).conditions);
  };
  const auto start = [&](std::int64_t begin, std::int64_t end) {
    if (source.particles) return own_rows(begin, end).x;
    const inference::ConditionScope scope(inference, source.condition);
    return inference.sample_at(options.frames.front(), begin, end, options.seed, start_stream);
  };
  PathSums sums;
  write_output(context, output, "rhoflux transport", checkpoint, [&](io::Hdf5Writer* file) {
    if (file != nullptr) {
      const auto n_frames = static_cast<std::int64_t>(options.frames.size());
      file->attribute("/", "noise", options.volatility.to_string());
      file->attribute("/", "method", method);
      write_condition(*file, checkpoint.model, source.condition);
      if (source.condition.empty()) write_conditions(*file, checkpoint.model, rows.conditions);
      file->write("t", options.frames, {n_frames});
      file->create_dataset<double>("x", {n_frames, source.count, inference.n_dims()});
      write_numbered_scale(*file, "particle", source.count);
      create_weights(*file, {n_frames, source.count}, integrator.has_weights(), resampled);
      file->write_strings("coordinate", checkpoint.model.dim_names);
      file->set_scale("x", 0, "t");
      file->set_scale("x", 1, "particle");
      file->set_scale("x", 2, "coordinate");
      if (source.particles) write_row_names(*file, *source.particles, rows.file_row, "particle");
    }
    sums = resampled ? write_resampled_paths(context, file, integrator,
                                             {source.count, options.seed, start, conditions}, rows.weight)
                     : write_whole_paths(context, file, integrator,
                                         {source.count, options.seed, start, conditions}, rows.weight);
    if (file != nullptr) file->attribute("/", "failed", sums.n_failed);
  });
  return sums;
}

/// Conditions of as many samples as there are particles that arrived, those of the particles; the given one, if there is.
std::vector<double> conditions_of_samples(const std::vector<double>& given, const PathSums& sums,
                                          const inference::CountedRows& rows, std::int64_t n) {
  if (sums.condition.empty()) return given;
  inference::CountedRows conditions = rows;
  conditions.n_dims = static_cast<int>(sums.condition.size() / sums.last_weight.size());
  conditions.x = sums.condition;
  return metrics::thinned(inference::equal_mass_points(conditions, rows.size()),
                          static_cast<std::size_t>(conditions.n_dims), static_cast<std::size_t>(n));
}

/// On the root, where `sums` and `data` are.
inference::TransportReport make_report(const inference::Inference& inference,
                                       const inference::TrajectoryOptions& options, const PathSums& sums,
                                       const std::vector<double>& condition, const std::vector<double>& data,
                                       std::int64_t max_points) {
  inference::TransportReport report;
  report.from = options.frames.front();
  report.to = options.frames.back();
  report.volatility = options.volatility.to_string();
  report.count = static_cast<std::int64_t>(sums.last_weight.size());
  report.failed = sums.n_failed;
  if (report.count == 0) {  // no particle, no figures
    report.mean_squared_displacement = report.ks = std::numeric_limits<double>::quiet_NaN();
    return report;
  }
  const inference::ConditionScope scope(inference, conditions_of(condition, sums.condition));
  report.mean_squared_displacement = sums.squared_displacement / sums.weight;
  if (options.volatility.is_zero()) report.kinetic_energy = sums.energy / sums.weight;
  report.ks_at_start = inference::model_ks(inference, sums.first, sums.first_weight, report.from);
  if (inference.dynamics().grows()) {
    const inference::ParticleFamilies particles = {sums.last_weight, sums.family};
    report.ks = inference::model_ks(inference, sums.last, particles, report.to);
    report.weights = {inference::relative_mass(sums.first_weight, particles),
                      inference::model_mass(inference, report.from, report.to),
                      inference::effective_number(particles)};
  } else {
    report.ks = inference::model_ks(inference, sums.last, sums.last_weight, report.to);
  }
  report.ks_bound = inference::model_ks_bound(inference.n_dims());
  if (!data.empty()) {
    const inference::CountedRows rows =
        inference::counted_rows({inference.n_dims(),
                                 std::vector<double>(sums.last_weight.size(), report.to),
                                 sums.last,
                                 sums.last_weight,
                                 {},
                                 {},
                                 {}});
    const std::int64_t n_samples =
        std::min({static_cast<std::int64_t>(data.size()) / inference.n_dims(), rows.size(), max_points});
    const inference::ConditionScope of_samples(inference,
                                               conditions_of_samples(condition, sums, rows, n_samples));
    report.distances =
        inference::distances_to_data(inference, data, inference::equal_mass_points(rows, rows.size()),
                                     report.to, max_points, options.seed);
  }
  return report;
}

/// Names the particles that could not be followed, the first ones by what a user knows of them; on the root.
void print_failures(const Source& source, const PathSums& sums, bool resampled, const TimeMeaning& meaning) {
  if (sums.n_failed == 0) return;
  std::cerr << "rhoflux: error: " << sums.n_failed << " of " << source.count
            << " particles cannot be followed to the end; "
            << (resampled ? "they die there, copies of others take their places"
                          : "/x has NaN for them from there on, and the paths of all others")
            << "\n";
  for (const inference::FailedParticle& failed : sums.first_failed) {
    std::cerr << "  particle " << failed.particle;
    if (source.particles && !resampled)
      std::cerr << " (row " << source.start.begin + failed.particle << " of the split '"
                << io::to_string(source.split) << "' of " << source.particles->path() << ")";
    std::cerr << " " << inference::to_text(failed, meaning) << "\n";
  }
  const auto unnamed = sums.n_failed - static_cast<std::int64_t>(sums.first_failed.size());
  if (unnamed > 0) std::cerr << "  and " << unnamed << " more\n";
  std::cerr << std::flush;
}

}  // namespace

Arguments transport_arguments() {
  Arguments arguments(
      "transport",
      "Transports particles with the drift of the model, from data or from fresh samples of the model, "
      "forwards or backwards in time: by the ODE dX = u dt for g = 0, by the SDE dX = u dt + g dW otherwise, "
      "with the drift u that goes with that g, so that the marginals are those of the model for any g.\n"
      "Output (HDF5): /t (S), /x (S, N, D), in the units of the data. A particle that cannot be followed to "
      "the end is "
      "NaN from there on and named; the exit code is 3 then, after everything has been written. Of a model "
      "with "
      "growth, particles carry weights: /log_weight (S, N), the integral of the growth rate (backwards: "
      "minus it).",
      "(--particles FILE | --count N)");
  add_checkpoint(arguments);
  arguments.required("from", time(), "time of the start")
      .required("to", time(), "time of the end")
      .optional("particles", file_name(), "population file; its rows at the start time are transported")
      .optional("count", whole_number(1), "transport this many fresh samples of the model instead");
  add_split(arguments);
  arguments
      .defaulted(
          "window", number("W", 0), "0",
          "rows within this distance of a time count as rows of that time; 0: rows at the time that it "
          "names in the file, float32 rounding apart")
      .optional("data", file_name(),
                "population file to compare with at the end (with --condition, its rows of that condition)",
                "that of --particles")
      .defaulted("noise", volatility(), "0",
                 "volatility g, constant or linear between knots t:g, in units of the data / sqrt(time)")
      .defaulted("steps", whole_number(1, 100000000), "500", "time steps of the SDE");
  add_condition(arguments,
                "of each particle, /condition of --particles; --count needs it for a model with conditions");
  add_scheme(arguments, "heun");
  arguments.defaulted("tolerance", number("TOL", 1e-13, 0.1), "1e-6", "relative tolerance of the ODE")
      .defaulted("frames", whole_number(2, 100000), "11", "saved times, both ends included")
      .flag(
          "resample",
          "births and deaths at the saved times instead of weights that differ (systematic resampling; of a "
          "model with growth): /ancestor (S, N), the particle of the frame before, and /origin (S, N), that "
          "of the first frame");
  add_transport_points(arguments);
  add_seed(arguments, "samples and noise");
  arguments.optional("report", file_name(), "write the figures as JSON");
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_transport(const Context& context, const Arguments& arguments) {
  const OutputFile output = {arguments.text("output"), arguments.has("force")};
  const bool has_report = arguments.has("report");
  const OutputFile report_file = {has_report ? arguments.text("report") : "", output.overwrite};
  const std::int64_t max_points = arguments.whole_number("transport-points");
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  const TimeMeaning& meaning = checkpoint.model.origin.time;
  const double from = arguments.time("from", meaning), to = arguments.time("to", meaning);
  if (from == to) fail_input("--from and --to are the same time");
  require_motion(checkpoint.model, "transport");
  require_time_in_range(checkpoint.model, from, "--from");
  require_time_in_range(checkpoint.model, to, "--to");
  const bool resampled = arguments.has("resample");
  if (resampled && !inference.dynamics().grows())
    fail_input(
        "--resample: particles of this model carry no weights; it needs a model with growth = weights");
  const Source source = open_source(context, arguments, inference, from, to);
  inference::TrajectoryOptions options = trajectory_options(arguments, source.from, source.to);
  options.volatility = volatility_option(arguments, checkpoint.model);
  mpi::on_root(context.comm, [&] {
    require_absent(output);
    if (has_report) require_absent(report_file);
  });
  const std::string method =
      options.volatility.is_zero() ? "ODE, Dormand-Prince 5(4)" : "SDE, " + arguments.text("scheme");
  const PathSums sums =
      write_paths(context, output, checkpoint, inference, source, options, method, resampled);
  const std::vector<double> data = data_at_end(context.comm, source);
  inference::TransportReport report;
  if (context.comm.is_root()) {
    report = make_report(inference, options, sums, source.condition, data, max_points);
    report.resampled = resampled;
    if (!source.data.condition.empty())
      report.data_condition = checkpoint.model.conditions.text_of(source.condition.data());
    for (const std::string& line : inference::to_text(report, meaning)) print(context.comm, line);
  }
  if (has_report) write_json(context, report_file, inference::json_of(report));
  std::int64_t n_failed = sums.n_failed;
  if (context.comm.is_root()) print_failures(source, sums, resampled, meaning);
  context.comm.broadcast(&n_failed, sizeof(n_failed));
  return static_cast<int>(n_failed > 0 ? ExitCode::numerical_failure : ExitCode::success);
}

}  // namespace rhoflux::apps
