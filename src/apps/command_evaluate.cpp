#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "common_options.hpp"
#include "health_report.hpp"
#include "model_conditions.hpp"
#include "model_files.hpp"
#include "particles.hpp"
#include "provenance.hpp"
#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/inference/evaluation.hpp"
#include "rhoflux/inference/figures_json.hpp"
#include "rhoflux/inference/held_out.hpp"
#include "rhoflux/inference/simulated_objective.hpp"

namespace rhoflux::apps {
namespace {

inference::ObjectiveOptions objective_options(const Arguments& arguments) {
  inference::ObjectiveOptions options;
  options.paths = arguments.whole_number("trajectories");
  options.draws = arguments.whole_number("model-samples");
  options.steps = static_cast<int>(arguments.whole_number("steps"));
  options.frames = static_cast<int>(arguments.whole_number("frames"));
  options.scheme = arguments.choice<transport::SdeScheme>("scheme");
  options.start_from_distribution = arguments.text("start") == "distribution";
  options.seed = arguments.seed();
  return options;
}

/// The figures of snapshots as a table, the times with the digits that tell them apart and their names.
void print_times(const Context& context, const inference::Evaluation& result, const TimeMeaning& meaning) {
  std::vector<double> times;
  for (const inference::TimeFigures& figures : result.times) times.push_back(figures.t);
  const std::vector<std::string> texts = time_texts(meaning, times);
  std::size_t width = 10;
  for (const std::string& text : texts) width = std::max(width, text.size());
  const auto padded = [width](const std::string& text) {
    return std::string(width - text.size(), ' ') + text;
  };
  const char* effective = result.is_weighted ? " effective" : "";
  print(context.comm, padded("t") + "    rows" + effective + "   nll (std.)   W1 (std.)   W2 (std.)  points");
  for (std::size_t k = 0; k < texts.size(); ++k) {
    const inference::TimeFigures& figures = result.times[k];
    char line[160], weighted[16] = "";
    if (result.is_weighted) std::snprintf(weighted, sizeof(weighted), " %9.1f", figures.effective_count);
    std::snprintf(line, sizeof(line), " %7lld%s %12.5f %11.4f %11.4f %7lld",
                  static_cast<long long>(figures.count), weighted, figures.nll, figures.w1, figures.w2,
                  static_cast<long long>(figures.w_count));
    print(context.comm, padded(texts[k]) + line);
  }
}

/// The figures of the rows of each condition; W2 of each of its snapshots.
void print_conditions(const Context& context, const inference::Evaluation& result) {
  for (const inference::ConditionFigures& figures : result.conditions) {
    std::vector<double> times;
    for (const inference::ConditionTimeFigures& at : figures.times) times.push_back(at.t);
    const std::vector<std::string> texts = distinct_texts(times);
    std::string line = "condition " + figures.text + ": " + std::to_string(figures.count) + " rows, nll " +
                       formatted("%.5f", figures.nll) + " (std.)";
    for (std::size_t k = 0; k < texts.size(); ++k)
      line += (k == 0 ? "; W1, W2 (std.) " : ", ") + std::string("at t = ") + texts[k] + ": " +
              formatted("%.4f", figures.times[k].w1) + ", " + formatted("%.4f", figures.times[k].w2);
    print(context.comm, line);
  }
}

/// How M(t) fits the rows; says where it cannot be compared.
void print_mass(const Context& context, const std::string& split, const inference::Inference& inference,
                const data::Mass& mass, const inference::MassComparison& comparison) {
  if (!inference.grows()) return;
  if (mass.kind == data::Mass::Kind::none)
    return print(
        context.comm,
        "mass: 1 at all times (data.mass = none), so that there is nothing to compare with numbers of rows");
  if (comparison.times.empty()) return;
  std::vector<double> times;
  for (const inference::MassFigures& figures : comparison.times) times.push_back(figures.t);
  const std::vector<std::string> texts = distinct_texts(times);
  print(context.comm, "mass M(t) of the model against the sums of weights of the rows of split " + split +
                          ", both relative to t = " + texts.front() + ":");
  for (std::size_t k = 1; k < texts.size(); ++k) {
    const inference::MassFigures& figures = comparison.times[k];
    print(context.comm, "  t = " + texts[k] + ": model " + formatted("%.4g", figures.model) + ", data " +
                            formatted("%.4g", figures.data) + ", relative error " +
                            formatted("%+.3f", figures.relative_error) + " (sampling error of the data " +
                            formatted("%.3f", figures.sampling_error) + ")");
  }
  if (!comparison.has_even_shares)
    print(context.comm,
          "note: split " + split +
              " has another share of the rows at one time than at another, so that its numbers do "
              "not tell the mass; --split all or train would");
  if (mass.kind == data::Mass::Kind::given)
    print(context.comm, "note: the mass of the model was given (data.mass = " + mass.to_string() +
                            "), not counted: the numbers of rows may mean something else");
}

void print_data_figures(const Context& context, const std::string& split, const inference::Evaluation& result,
                        const TimeMeaning& meaning) {
  char line[160];
  std::snprintf(line, sizeof(line), "nll %.5f standardised (no log-determinant), %.5f in original units",
                result.nll_standardised, result.nll_original);
  std::string rows = counted(result.count, "row") + " of split " + split;
  if (result.is_weighted)
    rows += " with weight above 0 (effective number " + formatted("%.1f", result.effective_count) + ")";
  print(context.comm, rows + ": " + line);
  switch (result.time_kind) {
    case inference::TimeKind::events:
      print(context.comm, "events in continuous time: no figures by snapshot");
      break;
    case inference::TimeKind::too_many_times:
      print(context.comm, "more than " + counted(inference::EvaluationOptions().max_times, "distinct time") +
                              ": no figures by snapshot");
      break;
    case inference::TimeKind::snapshots:
      print_times(context, result, meaning);
  }
  print_conditions(context, result);
  if (!result.times_without_rows.empty())
    print(context.comm, "note: split " + split + " has no rows at t = " +
                            list_of_times(meaning, result.times_without_rows) + ", where the file has some");
}

inference::Evaluation evaluate_data(const Context& context, const io::PopulationFile& file,
                                    const inference::Inference& inference,
                                    const inference::EvaluationOptions& options) {
  warn_of_rows(context, inference.model(), file, options.split);
  const auto [first, last] = data::time_span(file, context.comm);
  require_time_in_range(inference.model(), first, file.path());
  require_time_in_range(inference.model(), last, file.path());
  return inference::evaluate(inference, file, context.comm, options);
}

/// The times that are held out: those that are given, else those of the checkpoint's deck.
std::vector<double> held_out_times(const Context& context, const Arguments& arguments,
                                   const data::TimeList& of_training, const TimeMeaning& meaning) {
  std::vector<double> learned_without;
  for (const GivenTime& time : of_training.values) learned_without.push_back(time.in(meaning));
  if (!arguments.has("hold-out-times")) {
    if (learned_without.empty())
      fail_input("--hold-out: " + arguments.text("CHECKPOINT") +
                 " was trained without data.hold_out_times; name times with --hold-out-times");
    return learned_without;
  }
  const std::vector<double> times = arguments.times("hold-out-times", meaning);
  for (const double t : times) {
    const auto is_same = [t](double other) { return same_time(other, t); };
    if (std::none_of(learned_without.begin(), learned_without.end(), is_same))
      print(context.comm, "note: t = " + time_text(meaning, t) +
                              " is not among data.hold_out_times of the checkpoint: the model may have been "
                              "trained on rows of that time");
  }
  return times;
}

std::vector<inference::HeldOutFigures> evaluate_held_out(const Context& context, const Arguments& arguments,
                                                         const io::PopulationFile& file,
                                                         const data::TimeList& of_training,
                                                         const inference::Inference& inference,
                                                         const inference::EvaluationOptions& options) {
  inference::HeldOutOptions held_out;
  held_out.times = held_out_times(context, arguments, of_training, inference.model().origin.time);
  held_out.seed = options.seed;
  held_out.max_points = options.max_transport_points;
  held_out.condition = options.condition;
  held_out.progress = options.progress;
  for (const double t : held_out.times) require_time_in_range(inference.model(), t, file.path());
  return inference::compare_held_out(inference, file, context.comm, held_out);
}

/// The objective that a checkpoint was trained on, but for the likelihood of its data.
inference::ObjectiveEvaluation evaluate_objective(const Context& context,
                                                  const checkpoint::Checkpoint& checkpoint,
                                                  const std::string& name,
                                                  const inference::Inference& inference,
                                                  const inference::ObjectiveOptions& options) {
  cli::Deck deck = cli::parse_deck_text(checkpoint.deck, "the deck in " + name);
  deck.data.file.clear();
  for (const std::string& path : data::input_files(deck.data, deck.objective)) note_input(context, path);
  data::read_tables(deck.objective, context.comm);
  deck.data.hold_out_times.values.clear();
  deck.data.time_range = {};  // that of the model; its ends may be names that the data know
  deck.data.conditions.names.clear();
  deck.data.hold_out_conditions.conditions.clear();
  const ConditionEncoding& conditions = inference.conditions();
  if (!options.condition.empty()) deck.objective.conditions = conditions.grid_of(options.condition.data());
  const data::Sources sources = data::open_sources(deck.data, deck.objective, context.comm);
  deck.objective.require_dimension(inference.n_dims());
  return inference::evaluate_objective(inference, deck.objective, sources, context.comm, options);
}

}  // namespace

Arguments evaluate_arguments() {
  Arguments arguments(
      "evaluate",
      "With --data: negative log-likelihood of a split, overall and by time, and for snapshots the "
      "Wasserstein distances W1 and W2 (exact optimal transport, standardised units) to as many samples of "
      "the model; of a model with growth the relative error of its mass too.\n"
      "Without, or with --objective too: the objective of the model's deck, by exact samples of the model "
      "and along simulated trajectories of dX = u dt + g dW, and their difference.");
  add_checkpoint(arguments);
  arguments.optional("data", file_name(), "population file (HDF5)");
  add_split(arguments);
  add_transport_points(arguments);
  arguments
      .flag("hold-out",
            "how near the model comes to the rows of --data, of all splits, at the times that were held out "
            "of its "
            "training (data.hold_out_times), beside optimal transport between the times around them and the "
            "least that a model can reach")
      .optional("hold-out-times", times(), "the same at these times", "--hold-out alone");
  arguments.flag("objective", "the objective too, where --data is given")
      .defaulted("trajectories",
                 whole_number(2 * inference::paths_per_block, 1 << 20, inference::paths_per_block), "1024",
                 "simulated trajectories")
      .defaulted("steps", whole_number(1, 10000000), "1000", "time steps of the trajectories")
      .defaulted("frames", whole_number(2, 100000), "101",
                 "times at which the costs along trajectories are taken, both ends included")
      .defaulted("start",
                 choice({{"distribution",
                          "from samples of the endpoint distribution objective.initial_law where it is "
                          "Gaussian, else as model"},
                         {"model", "from samples of the model"}}),
                 "distribution", "where the trajectories start")
      .defaulted("model-samples", whole_number(1024, 1 << 24, 1024), "16384", "exact samples of the model")
      .renamed("paths", "trajectories")
      .renamed("draws", "model-samples")
      .renamed_value("start", "law", "distribution");
  add_condition(arguments, "of each row, /condition of --data; of the objective those of the training");
  add_scheme(arguments, "euler");
  add_noise(arguments);
  add_seed(arguments, "samples and trajectories");
  add_json_output(arguments);
  add_force(arguments);
  return arguments;
}

int command_evaluate(const Context& context, const Arguments& arguments) {
  inference::EvaluationOptions options;
  options.split = io::parse_split(arguments.text("split"));
  options.seed = arguments.seed();
  options.max_transport_points = arguments.whole_number("transport-points");
  options.progress.print = [&](const std::string& line) { print(context.comm, line); };
  inference::ObjectiveOptions objective = objective_options(arguments);
  const bool has_output = arguments.has("output");
  const bool wants_held_out = arguments.has("hold-out") || arguments.has("hold-out-times");
  if (wants_held_out && !arguments.has("data"))
    fail_input("--hold-out: there is no --data, whose rows at the held-out times are to be compared");
  const OutputFile output = {has_output ? arguments.text("output") : "", arguments.has("force")};
  if (has_output) mpi::on_root(context.comm, [&] { require_absent(output); });
  const std::string name = arguments.text("CHECKPOINT");
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, name);
  const inference::Inference inference(checkpoint);
  options.condition = condition_option(context, arguments, checkpoint.model);
  objective.condition = options.condition;
  objective.volatility = volatility_option(arguments, checkpoint.model);
  nlohmann::ordered_json figures = nlohmann::ordered_json::object();
  if (arguments.has("data")) {
    const auto file = open_population(context, arguments.text("data"), inference.model(), options.condition);
    const data::Config of_training = cli::parse_deck_text(checkpoint.deck, "the deck in " + name).data;
    const inference::Evaluation result = evaluate_data(context, *file, inference, options);
    print_data_figures(context, arguments.text("split"), result, checkpoint.model.origin.time);
    print_mass(context, arguments.text("split"), inference, of_training.mass, result.mass);
    figures = inference::json_of(result);
    if (wants_held_out) {
      const std::vector<inference::HeldOutFigures> held_out =
          evaluate_held_out(context, arguments, *file, of_training.hold_out_times, inference, options);
      for (const std::string& line : inference::to_text(held_out, checkpoint.model.origin.time))
        print(context.comm, line);
      figures["held_out"] = inference::json_of(held_out);
    }
    print_economy(context, inference);
  }
  if (!arguments.has("data") || arguments.has("objective")) {
    const inference::ObjectiveEvaluation result =
        evaluate_objective(context, checkpoint, name, inference, objective);
    for (const std::string& line : inference::to_text(result)) print(context.comm, line);
    figures["objective"] = inference::json_of(result);
  }
  if (has_output) write_json(context, output, figures);
  return 0;
}

}  // namespace rhoflux::apps
