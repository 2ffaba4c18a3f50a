#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "common_options.hpp"
#include "labelled_rows.hpp"
#include "model_conditions.hpp"
#include "model_files.hpp"
#include "particles.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/inference/fate.hpp"
#include "rhoflux/inference/weighted_particles.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "row_names.hpp"
#include "spread.hpp"

namespace rhoflux::apps {

namespace {

int copies_of(const Arguments& arguments, const flux::Volatility& volatility) {
  const int fallback = volatility.is_zero() ? 1 : 100;
  const int copies = arguments.has("copies") ? static_cast<int>(arguments.whole_number("copies")) : fallback;
  if (copies > 1 && volatility.is_zero())
    fail_input("--copies " + std::to_string(copies) +
               ": without noise all paths from a particle are the same; give --noise, or one copy");
  return copies;
}

/// What is asked for: times, label and number of paths.
struct Request {
  double from = 0, to = 0;
  std::string label;
  int copies = 1;
  TimeMeaning meaning;  ///< what the times are called
};

inference::TrajectoryOptions path_options(const Arguments& arguments, const Request& request,
                                          const flux::Volatility& volatility) {
  inference::TrajectoryOptions options = integration_options(arguments);
  options.frames = {request.from, request.to};
  options.volatility = volatility;
  return options;
}

/// Standard deviations over the members of an ensemble; empty: it is none. That of the transition it has itself.
struct Spread {
  std::vector<double> probability;          ///< (n, L)
  std::vector<double> growth_factor;        ///< (n)
  std::vector<double> label_growth_factor;  ///< (L_from)
};

/// The particles whose fates are asked for, on the root, and what came out.
struct Result {
  io::PopulationRows particles;
  std::vector<std::int32_t> code;  ///< labels at the start; empty where the file does not have the label
  std::vector<std::string> from;   ///< categories at the start
  inference::Fates fates;
  inference::Transition transition;
  bool has_growth = false;                  ///< paths carry weights
  std::vector<double> label_growth_factor;  ///< of the particles of a label together; NaN: none
  Spread spread = {};
  bool has_spread() const { return !spread.probability.empty(); }
};

/// Writes an array over the particles (n), or over particles and labels (n, L).
void write_particles(io::Hdf5Writer& file, const std::string& name, const std::vector<double>& values,
                     const io::Shape& shape) {
  file.write(name, values, shape);
  file.set_scale(name, 0, "particle");
  if (shape.size() == 2) file.set_scale(name, 1, "category");
}

void write_transition(io::Hdf5Writer& file, const Result& result, std::int64_t labels) {
  const auto n = result.particles.size(), from = static_cast<std::int64_t>(result.from.size());
  file.write_strings("category_from", result.from);
  file.write("label_from", result.code, {n});
  file.set_scale("label_from", 0, "particle");
  const auto write_table = [&](const char* name, const std::vector<double>& values) {
    file.write(name, values, {from, labels});
    file.set_scale(name, 0, "category_from");
    file.set_scale(name, 1, "category");
  };
  write_table("transition", result.transition.probability);
  write_table("transition_error", result.transition.error);
  if (result.has_spread()) write_table("transition_spread", result.transition.spread);
  file.write("transition_count", result.transition.count, {from});
  file.set_scale("transition_count", 0, "category_from");
}

void write_fates(io::Hdf5Writer& file, const io::PopulationFile& population, const Labelled& labelled,
                 const Result& result) {
  const auto n = result.particles.size();
  const auto labels = static_cast<std::int64_t>(labelled.categories.size());
  write_numbered_scale(file, "particle", n);
  file.write_strings("category", labelled.categories);
  file.write_strings("coordinate", population.info().dim_names);
  write_particles(file, "t", result.particles.t, {n});
  file.write("x", result.particles.x, {n, result.particles.n_dims});
  file.set_scale("x", 0, "particle");
  file.set_scale("x", 1, "coordinate");
  write_particles(file, "probability", result.fates.probability, {n, labels});
  write_particles(file, "probability_error", result.fates.error, {n, labels});
  if (result.has_spread())
    write_particles(file, "probability_spread", result.spread.probability, {n, labels});
  if (result.has_growth) {
    write_particles(file, "growth_factor", result.fates.growth_factor, {n});
    write_particles(file, "growth_factor_error", result.fates.growth_factor_error, {n});
    if (result.has_spread()) write_particles(file, "growth_factor_spread", result.spread.growth_factor, {n});
  }
  if (!result.from.empty()) write_transition(file, result, labels);
  write_row_names(file, population, result.particles.file_row, "particle");
}

/// The datasets of write_fates() that are spreads.
std::vector<std::string> names_of_spreads(const Result& result) {
  std::vector<std::string> names;
  if (!result.has_spread()) return names;
  names.emplace_back("probability_spread");
  if (result.has_growth) names.emplace_back("growth_factor_spread");
  if (!result.from.empty()) names.emplace_back("transition_spread");
  return names;
}

nlohmann::ordered_json json_of(const Request& request, const Labelled& labelled, const Result& result) {
  using Json = nlohmann::ordered_json;
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  Json rows = Json::array();
  const std::size_t labels = labelled.categories.size();
  for (std::size_t row = 0; row < result.from.size(); ++row) {
    if (result.transition.count[row] == 0) continue;
    Json to = Json::object();
    for (std::size_t k = 0; k < labels; ++k) {
      Json& of_label = to[labelled.categories[k]];
      of_label = {{"probability", number(result.transition.probability[row * labels + k])},
                  {"error", number(result.transition.error[row * labels + k])}};
      if (result.has_spread()) of_label["spread"] = number(result.transition.spread[row * labels + k]);
    }
    rows.push_back({{"from", result.from[row]}, {"particles", result.transition.count[row]}});
    if (result.has_growth) {
      rows.back()["growth_factor"] = number(result.label_growth_factor[row]);
      if (result.has_spread())
        rows.back()["growth_factor_spread"] = number(result.spread.label_growth_factor[row]);
      rows.back()["effective_count"] = number(result.transition.effective_count[row]);
    }
    rows.back()["to"] = to;
  }
  return {{"from", request.from},
          {"to", request.to},
          {"label", request.label},
          {"label_time", labelled.t},
          {"particles", result.particles.size()},
          {"copies", request.copies},
          {"failed_paths", result.fates.n_failed},
          {"transition", rows}};
}

/// What is going to be done, before it takes its time.
void print_start(const Context& context, const Request& request, const Labelled& labelled,
                 std::int64_t n_particles, const std::string& noise) {
  const std::vector<std::string> times = time_texts(request.meaning, {request.from, request.to, labelled.t});
  print(context.comm, counted(n_particles, "particle") + " from t = " + times[0] + " to " + times[1] +
                          ", g = " + noise + ", " + counted(request.copies, "path") + " each");
  print(context.comm, "labels by the " + std::to_string(labelled.voters) + " nearest of " +
                          counted(static_cast<std::int64_t>(labelled.rows.code.size()), "row") +
                          " at t = " + times[2]);
}

/// Warns of the labels of which few particles have most of the descendants.
void print_degenerate_labels(const Context& context, const Result& result) {
  if (!result.has_growth) return;
  for (std::size_t row = 0; row < result.from.size(); ++row) {
    const std::int64_t count = result.transition.count[row];
    const double effective = result.transition.effective_count[row];
    if (count == 0 || !inference::is_degenerate(effective, count)) continue;
    print(context.comm,
          "warning: of label " + result.from[row] + " few particles carry the weight (effective number " +
              formatted("%.3g", effective) + " of " + counted(count, "particle") +
              "): its probabilities and its number of descendants are uncertain; more particles make them "
              "surer");
  }
}

/// @param meaning of the spread, where there is one
void print_result(const Context& context, const Labelled& labelled, const Result& result, int copies,
                  const std::string& meaning) {
  if (!result.from.empty()) {
    print(context.comm, std::string("probabilities from label to label") +
                            (result.has_growth ? ", each path counted by its weight" : "") +
                            ", +- their standard error over the particles of the label" +
                            (result.has_spread() ? ", in brackets the spread over the members" : ""));
    for (const std::string& line : to_text(result.transition, result.from, labelled.categories))
      print(context.comm, line);
    print_degenerate_labels(context, result);
  }
  if (result.has_spread()) print(context.comm, "spread: " + meaning);
  double sum = 0, count = 0;
  for (const double error : result.fates.error)
    if (std::isfinite(error)) sum += error, count += 1;
  if (copies > 1)
    print(context.comm, "Monte Carlo error of a particle's probability: " + formatted("%.4f", sum / count) +
                            " on average (/probability_error has each)");
  if (result.fates.n_failed > 0)
    print(context.comm, "warning: " + counted(result.fates.n_failed, "path") +
                            " could not be followed to their end and do not count");
}

/// The particles that are followed.
struct Particles {
  const io::PopulationFile& file;
  io::Split split;
  inference::Snapshot start;
  std::string label;
  std::vector<double> condition;  ///< given for all; empty: those of the rows, or a model without
};

/// Follows the paths of all ranks' particles by the model, or by the member of it that is selected; the result is on the
/// root. Collective.
Result fates_by(const Context& context, const Particles& particles, const Labelled& labelled,
                const inference::LabelVote& vote, const inference::TrajectoryIntegrator& integrator,
                int copies) {
  const int n_labels = static_cast<int>(labelled.categories.size());
  const std::int64_t start = particles.start.begin, count = particles.start.count;
  const auto compute = [&](std::int64_t begin, std::int64_t end, const Done& done) {
    const io::PopulationRows rows = particles.file.read_split(particles.split, start + begin, start + end);
    return inference::follow_to_ends(integrator, vote, n_labels, copies, rows.x,
                                     conditions_of(particles.condition, rows.conditions), begin, done)
        .numbers;
  };
  Result result;
  result.has_growth = integrator.has_weights();
  inference::PathEnds ends = {n_labels, copies, {}};
  in_pieces(context.comm, count, compute, [&](std::int64_t, const std::vector<double>& piece) {
    ends.numbers.insert(ends.numbers.end(), piece.begin(), piece.end());
  });
  const std::int64_t of_root = context.comm.is_root() ? count : 0;
  result.particles = particles.file.read_split(particles.split, start, start + of_root);
  for (const io::LabelColumn& column : particles.file.info().labels)
    if (column.name == particles.label) result.from = column.categories;
  if (!context.comm.is_root()) return result;
  result.fates = inference::fates_of(ends);
  if (result.from.empty()) return result;
  result.code = particles.file.label_codes(particles.label, result.particles.file_row);
  const auto n_from = static_cast<int>(result.from.size());
  std::vector<double> weight = result.particles.weight;
  if (result.has_growth) {
    result.label_growth_factor = inference::label_growth_factors(result.fates, result.code, weight, n_from);
    for (std::size_t s = 0; s < weight.size(); ++s) weight[s] *= result.fates.growth_factor[s];
  }
  result.transition = inference::transition_of(result.fates, result.code, weight, n_from);
  result.transition.growth_factor = result.label_growth_factor;
  return result;
}

/// The fates by the model, and of an ensemble by how much those by its members differ. Collective.
Result find_fates(const Context& context, const Particles& particles, const Labelled& labelled,
                  const inference::Inference& inference, const inference::TrajectoryOptions& options,
                  int copies) {
  const inference::LabelVote vote(inference.model().units, labelled.rows, labelled.voters);
  const inference::TrajectoryIntegrator integrator(inference, options);
  Result result = fates_by(context, particles, labelled, vote, integrator, copies);
  const int n_members = inference.n_members();
  if (n_members < 2) return result;
  metrics::Deviations probability, growth_factor, transition, label_growth_factor;
  for (int k = 0; k < n_members; ++k) {
    print(context.comm, "member " + std::to_string(k + 1) + " of " + std::to_string(n_members));
    const flux::MemberScope<double> member(inference.dynamics(), k);
    const Result of_member = fates_by(context, particles, labelled, vote, integrator, copies);
    probability.add(of_member.fates.probability);
    growth_factor.add(of_member.fates.growth_factor);
    transition.add(of_member.transition.probability);
    label_growth_factor.add(of_member.label_growth_factor);
  }
  result.spread = {probability.standard(), growth_factor.standard(), label_growth_factor.standard()};
  result.transition.spread = transition.standard();
  return result;
}

}  // namespace

Arguments fate_arguments() {
  Arguments arguments(
      "fate",
      "For each particle, the probabilities of the labels at which its paths end, and from "
      "label to label, with "
      "their Monte Carlo errors; forwards or backwards in time. An end point gets its label "
      "by the vote of the 15 "
      "nearest labelled rows of the snapshot nearest to --to. Where the model has growth, the "
      "probabilities are those of the descendants: each path counts exp(int r dt).\n"
      "Output (HDF5): /probability (N, L), /probability_error (N, L), /category (L), "
      "/transition (L_from, L), "
      "/transition_error, /t, /x and /source_row of the particles, and of a model with growth "
      "/growth_factor (N), /growth_factor_error (N). Of an ensemble also /probability_spread, "
      "/transition_spread and /growth_factor_spread, the standard deviations over its members, each of "
      "which is followed by itself (twice the time); of a bootstrap they are standard errors.");
  add_checkpoint(arguments);
  arguments.required("from", time(), "time of the particles")
      .required("to", time(), "time of the fates")
      .required("particles", file_name(), "population file; its rows at the start time are followed")
      .required("label", any_text("NAME"), "label of the population, such as cell_type")
      .optional("labelled", file_name(), "population file with the label at the end time",
                "that of --particles");
  add_split(arguments, "all");
  arguments
      .defaulted("window", number("W", 0), "0",
                 "rows within this distance of a time count as rows of that time")
      .optional("copies", whole_number(1, 1000000), "paths from each particle", "100, and 1 without noise");
  add_condition(arguments, "of each particle, /condition of --particles");
  add_noise(arguments);
  arguments.defaulted("steps", whole_number(1, 100000000), "500", "time steps of the SDE");
  add_scheme(arguments, "heun");
  arguments.defaulted("tolerance", number("TOL", 1e-13, 0.1), "1e-6", "relative tolerance of the ODE");
  add_seed(arguments, "the noise");
  arguments.optional("report", file_name(), "write the figures as JSON");
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_fate(const Context& context, const Arguments& arguments) {
  const OutputFile output = {arguments.text("output"), arguments.has("force")};
  const bool has_report = arguments.has("report");
  const OutputFile report = {has_report ? arguments.text("report") : "", output.overwrite};
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  const TimeMeaning& meaning = checkpoint.model.origin.time;
  const double from = arguments.time("from", meaning), to = arguments.time("to", meaning);
  if (from == to) fail_input("--from and --to are the same time");
  require_motion(checkpoint.model, "fate");
  require_time_in_range(checkpoint.model, from, "--from");
  require_time_in_range(checkpoint.model, to, "--to");
  const flux::Volatility volatility = volatility_option(arguments, checkpoint.model);
  const int copies = copies_of(arguments, volatility);
  const std::string label = arguments.text("label");
  const Request request = {from, to, label, copies, meaning};
  const io::Split split = io::parse_split(arguments.text("split"));
  const inference::TimeMatch match = {arguments.number("window"), 1e-9 * checkpoint.model.units.time_span()};
  const std::vector<double> condition = condition_option(context, arguments, checkpoint.model);
  const auto particles = open_population(context, arguments.text("particles"), checkpoint.model, condition);
  warn_of_rows(context, checkpoint.model, *particles, split);
  const inference::Snapshot start = find_particles(context, *particles, split, from, match);
  const auto other = arguments.has("labelled")
                         ? open_chosen(context, arguments.text("labelled"), checkpoint.model,
                                       choice_of_coordinates(checkpoint.model))
                         : nullptr;
  const Labelled labelled = read_labelled(context, other ? *other : *particles, label, to, match);
  mpi::on_root(context.comm, [&] {
    require_absent(output);
    if (has_report) require_absent(report);
  });
  if (!same_time(labelled.t, to) && std::fabs(labelled.t - to) > match.window)
    print(context.comm,
          "warning: no rows have the time " + time_text(meaning, to) +
              " of --to; their labels are those of the nearest, t = " + time_text(meaning, labelled.t));
  print_start(context, request, labelled, start.count, volatility.to_string());
  const Result result = find_fates(context, {*particles, split, start, label, condition}, labelled, inference,
                                   path_options(arguments, request, volatility), copies);
  write_output(context, output, "rhoflux fate", checkpoint, [&](io::Hdf5Writer* file) {
    if (file == nullptr) return;
    file->attribute("/", "label", label);
    file->attribute("/", "from", from);
    file->attribute("/", "to", to);
    file->attribute("/", "label_time", labelled.t);
    file->attribute("/", "noise", volatility.to_string());
    file->attribute("/", "copies", copies);
    write_condition(*file, checkpoint.model, condition);
    if (condition.empty()) write_conditions(*file, checkpoint.model, result.particles.conditions);
    if (result.has_growth)
      file->attribute("/", "weighting",
                      "each path counts exp(int r dt), with the minus sign backwards in time: shares of the "
                      "descendants (backwards: ancestors) of a particle, not of the particle itself");
    write_fates(*file, *particles, labelled, result);
    write_meaning_of_spread(*file, checkpoint, names_of_spreads(result));
  });
  if (context.comm.is_root())
    print_result(context, labelled, result, copies,
                 inference.n_members() > 1 ? meaning_of_spread(checkpoint) : "");
  if (has_report) write_json(context, report, json_of(request, labelled, result));
  return 0;
}

}  // namespace rhoflux::apps
