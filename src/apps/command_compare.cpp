#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "common_options.hpp"
#include "labelled_rows.hpp"
#include "model_conditions.hpp"
#include "model_files.hpp"
#include "particles.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/inference/model_comparison.hpp"

namespace rhoflux::apps {
namespace {

using inference::Agreement;

/// The particles that are followed by both models, and where to.
struct EndRequest {
  double from = 0, to = 0;
  inference::Snapshot start;
  std::string label;  ///< empty: none
};

/// --from, --to and --label, which belong together; none: nothing is followed. Collective.
std::optional<EndRequest> end_request(const Context& context, const Arguments& arguments,
                                      const inference::ModelPair& models, const io::PopulationFile& file,
                                      io::Split split) {
  if (!arguments.has("from") && !arguments.has("to")) {
    if (arguments.has("label")) fail_input("--label: needs --from and --to, the times of the ends");
    return std::nullopt;
  }
  if (!arguments.has("from") || !arguments.has("to")) fail_input("--from and --to: one needs the other");
  const checkpoint::ModelDescription& model = models.first().model();
  EndRequest request;
  request.from = arguments.time("from", model.origin.time);
  request.to = arguments.time("to", model.origin.time);
  if (arguments.has("label")) request.label = arguments.text("label");
  if (request.from == request.to) fail_input("--from and --to are the same time");
  for (const inference::Inference* of : {&models.first(), &models.second()}) {
    require_motion(of->model(), "compare");
    require_time_in_range(of->model(), request.from, "--from");
    require_time_in_range(of->model(), request.to, "--to");
  }
  request.start = find_particles(context, file, split, request.from, {0, 1e-9 * model.units.time_span()});
  return request;
}

void print_rows(const Context& context, const inference::RowComparison& found) {
  for (const Agreement& of : found.quantities) {
    const auto number = [](double value) { return formatted("%.4g", value); };
    print(context.comm, of.name + ": RMS difference " + number(of.difference) +
                            (of.is_vector ? "; RMS length " + number(of.first_size) + " and " +
                                                number(of.second_size) + " (standardised units)"
                                          : "; mean " + number(of.first_mean) + " and " +
                                                number(of.second_mean) + ", standard deviation " +
                                                number(of.first_size) + " and " + number(of.second_size)));
  }
  if (found.left_out > 0)
    print(context.comm,
          "warning: " + counted(found.left_out, "row") + " with values that are not finite are left out");
}

void print_ends(const Context& context, const EndRequest& request, const inference::EndComparison& found,
                bool grows, const TimeMeaning& meaning) {
  const std::vector<std::string> times = time_texts(meaning, {request.from, request.to});
  print(context.comm, "ends of " + counted(found.count, "particle") + " from t = " + times[0] + " to " +
                          times[1] + " (g = 0): RMS distance " + formatted("%.4g", found.distance) +
                          " between the models, " + formatted("%.4g", found.displacement) +
                          " from start to end (standardised units)");
  if (grows)
    print(context.comm, "log weight there: RMS difference " + formatted("%.4g", found.log_weight_difference) +
                            ", standard deviation " + formatted("%.4g", found.log_weight_size));
  if (!request.label.empty())
    print(context.comm, std::to_string(found.other_labels) + " of " +
                            counted(found.count - found.left_out, "particle") + " end at another " +
                            request.label);
  if (found.left_out > 0)
    print(context.comm,
          "warning: " + counted(found.left_out, "particle") +
              " cannot be followed by one of the models and are left out; 'rhoflux transport' says why");
}

nlohmann::ordered_json json_of(const inference::RowComparison& found) {
  nlohmann::ordered_json quantities = nlohmann::ordered_json::array();
  for (const Agreement& of : found.quantities) {
    nlohmann::ordered_json one = {{"name", of.name},
                                  {"difference", of.difference},
                                  {"first_size", of.first_size},
                                  {"second_size", of.second_size}};
    if (!of.is_vector) {
      one["first_mean"] = of.first_mean;
      one["second_mean"] = of.second_mean;
    }
    quantities.push_back(one);
  }
  return {{"rows", found.count}, {"left_out", found.left_out}, {"quantities", quantities}};
}

nlohmann::ordered_json json_of(const EndRequest& request, const inference::EndComparison& found) {
  nlohmann::ordered_json object = {{"from", request.from},
                                   {"to", request.to},
                                   {"particles", found.count},
                                   {"left_out", found.left_out},
                                   {"distance", found.distance},
                                   {"displacement", found.displacement},
                                   {"log_weight_difference", found.log_weight_difference},
                                   {"log_weight_size", found.log_weight_size}};
  if (!request.label.empty()) {
    object["label"] = request.label;
    object["other_labels"] = found.other_labels;
  }
  return object;
}

}  // namespace

Arguments compare_arguments() {
  Arguments arguments(
      "compare",
      "By how much two models of the same coordinates differ at the rows of a population: log density, "
      "score, velocity (drift u of dX = u dt + g dW) and growth rate; with --from and --to, where particles "
      "end by each of them, and with --label, how many end at another label. The coordinates may stand in "
      "another order in the second model (data.coordinates), and are found by their names. What two seeds "
      "of one deck differ by tells how much of a difference is chance.");
  add_checkpoint(arguments);
  arguments.positional("OTHER", file_name(), "the checkpoint of the second model")
      .required("data", file_name(), "population file (HDF5)");
  add_split(arguments);
  add_condition(arguments, "of each row, /condition of --data");
  add_noise(arguments);
  arguments.optional("from", time(), "time of particles that are followed by the ODE (g = 0) of both models")
      .optional("to", time(), "time of their ends")
      .optional("label", any_text("NAME"),
                "label of the population: an end gets that of the 15 nearest rows (fewer where a label is "
                "rare) of the time nearest to --to");
  arguments.defaulted("tolerance", number("TOL", 1e-13, 0.1), "1e-6", "relative tolerance of the ODE");
  add_json_output(arguments);
  add_force(arguments);
  return arguments;
}

int command_compare(const Context& context, const Arguments& arguments) {
  const bool has_output = arguments.has("output");
  const OutputFile output = {has_output ? arguments.text("output") : "", arguments.has("force")};
  if (has_output) mpi::on_root(context.comm, [&] { require_absent(output); });
  const inference::Inference first(load_checkpoint(context, arguments.text("CHECKPOINT")));
  const inference::Inference second(load_checkpoint(context, arguments.text("OTHER")));
  const inference::ModelPair models(first, second);
  const std::vector<double> condition = condition_option(context, arguments, first.model());
  const flux::Volatility volatility = volatility_option(arguments, first.model());
  const io::Split split = io::parse_split(arguments.text("split"));
  const std::string path = arguments.text("data");
  const auto file = open_population(context, path, first.model(), condition);
  warn_of_rows(context, first.model(), *file, split);
  for (const double t : {file->info().t_min, file->info().t_max}) {
    require_time_in_range(first.model(), t, arguments.text("CHECKPOINT") + ", rows of " + path);
    require_time_in_range(second.model(), t, arguments.text("OTHER") + ", rows of " + path);
  }
  if (file->info().count(split) == 0)
    fail_input(path + ": has no rows in the split '" + io::to_string(split) +
               "'; give another one with --split train, val, test or all");
  const std::optional<EndRequest> request = end_request(context, arguments, models, *file, split);
  std::optional<Labelled> labelled;
  std::unique_ptr<inference::LabelVote> vote;
  if (request && !request->label.empty()) {
    labelled = read_labelled(context, *file, request->label, request->to, {});
    vote = std::make_unique<inference::LabelVote>(first.model().units, labelled->rows, labelled->voters);
  }
  const inference::RowComparison found =
      inference::compare_at_rows(models, *file, split, context.comm, volatility, condition);
  print(context.comm, counted(found.count, "row") + " of split " + io::to_string(split) +
                          ", g = " + volatility.to_string() + "; coordinates " +
                          joined(first.model().dim_names) + ", and " + joined(second.model().dim_names));
  print_rows(context, found);
  nlohmann::ordered_json figures = json_of(found);
  if (request) {
    inference::TrajectoryOptions options;
    options.frames = {request->from, request->to};
    options.ode.relative_tolerance = arguments.number("tolerance");
    options.ode.absolute_tolerance = 0.1 * options.ode.relative_tolerance;
    const inference::EndComparison ends =
        inference::compare_ends(models, *file, split, request->start.begin, request->start.count,
                                context.comm, options, condition, vote.get());
    print_ends(context, *request, ends, first.grows() || second.grows(), first.model().origin.time);
    figures["ends"] = json_of(*request, ends);
  }
  if (has_output) write_json(context, output, figures);
  return 0;
}

}  // namespace rhoflux::apps
