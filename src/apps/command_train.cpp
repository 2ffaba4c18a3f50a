#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>

#include "commands.hpp"
#include "health_report.hpp"
#include "model_files.hpp"
#include "provenance.hpp"
#include "rhoflux/checkpoint/checkpoint_directory.hpp"
#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/data/bootstrap.hpp"
#include "rhoflux/data/mass.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/io/file_hash.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/parallel/batch_partition.hpp"
#include "rhoflux/suggestion/suggested_deck.hpp"
#include "rhoflux/training/rank_use.hpp"
#include "rhoflux/training/trainer.hpp"
#include "run_config.hpp"

namespace rhoflux::apps {
namespace {

/// Time by region as lowest, mean and highest over the ranks, and peak memory; what the ranks lost by waiting for each other.
void print_end_report(const mpi::Communicator& comm, std::int64_t batch) {
  std::map<std::string, double> means;
  const auto statistics = [&](double value, const std::string& region) {
    double lowest = value, highest = value, sum = value;
    comm.min(&lowest, 1);
    comm.max(&highest, 1);
    comm.sum(&sum, 1);
    means[region] = sum / comm.size();
    char text[96];
    std::snprintf(text, sizeof(text), "%10.3f %10.3f %10.3f", lowest, means[region], highest);
    return std::string(text);
  };
  print(comm, "region                          min        mean        max  over ranks");
  for (const RegionTimes::Entry& entry : RegionTimes::instance().entries()) {
    char name[40];
    std::snprintf(name, sizeof(name), "%-22s s ", entry.name.c_str());
    print(comm, name + statistics(entry.seconds, entry.name));
  }
  print(comm, "peak memory            MiB" + statistics(peak_memory_bytes() / 1048576.0, "peak memory"));
  std::vector<double> gradient;
  for (const RegionTimes::Entry& entry : RegionTimes::instance().entries())
    if (entry.name == "gradient") gradient.push_back(entry.seconds);
  gradient = comm.all_gather(gradient);
  if (!gradient.empty()) {
    const std::string slowest = training::report_of_slowest_rank(gradient, [&](int rank) {
      char name[MPI_MAX_PROCESSOR_NAME] = {};
      int length = 0;
      MPI_Get_processor_name(name, &length);
      std::string host = name;
      comm.broadcast(host, rank);
      return host;
    });
    if (!slowest.empty()) print(comm, slowest);
  }
  const std::string warning =
      training::warning_of_costly_sums(comm.size(), batch, means["gradient"], means["reduce gradient"]);
  if (!warning.empty()) print(comm, warning);
}

training::RunConfig run_config(const cli::Deck& deck, const Arguments& arguments, const Context& context) {
  training::RunConfig config = run_config_of(deck, context);
  config.restart = arguments.text("restart");
  if (config.restart != "auto" && config.restart != "none" && context.comm.is_root() &&
      std::filesystem::is_regular_file(config.restart))
    config.provenance.emplace_back("continued_from",
                                   io::sha256_of_file(config.restart) + "  " + config.restart);
  if (arguments.has("start-from")) {
    config.start_from = arguments.text("start-from");
    if (context.comm.is_root() && std::filesystem::is_regular_file(config.start_from))
      config.provenance.emplace_back("started_from",
                                     io::sha256_of_file(config.start_from) + "  " + config.start_from);
  }
  config.changes_since = [&deck](const std::string& before) {
    std::vector<training::KeyChange> changes;
    for (const cli::KeyDifference& key : cli::differences_from(before, deck))
      changes.push_back({key.name, key.before, key.now});
    return changes;
  };
  config.force = arguments.has("force");
  config.limits.max_hours = arguments.number("max-hours");
  config.limits.stop_after = arguments.whole_number("stop-after");
  return config;
}

}  // namespace

Arguments train_arguments() {
  Arguments arguments("train",
                      "Trains the density and the flux of the model that the deck describes. Exit code 75: "
                      "stopped early after a checkpoint, run again with --restart auto.",
                      "[--section.key=value ...]");
  arguments
      .positional("DECK", file_name(),
                  "the input deck, a text file (see --help-deck), or a population file (HDF5), for which one "
                  "is suggested")
      .flag("check", "read the deck and the data, report, and stop")
      .flag("help-deck", "print every key of a deck with its default and meaning")
      .defaulted(
          "restart",
          choice_or_file({{"none", "start anew"},
                          {"auto",
                           "continue from the newest good checkpoint of checkpoint.directory, or start "
                           "if there is none"}}),
          "none", "where to start, or the checkpoint to continue from")
      .optional(
          "start-from", file_name(),
          "begin a new run with the parameters and the standardisation of this checkpoint, e.g. for other "
          "data; its model must be that of the deck")
      .optional(
          "replicates", whole_number(2, density::max_members),
          "train an ensemble of this many, each on a bootstrap replicate of the training rows (those of "
          "data.bootstrap, or single rows), so that outputs have standard errors")
      .defaulted("max-hours", number("HOURS", 0), "0", "stop with a checkpoint after this time; 0: no limit")
      .defaulted("stop-after", whole_number(0), "0",
                 "stop with a checkpoint after this many steps; 0: no limit")
      .flag("force", "with --restart none: remove the checkpoints that are in the directory")
      .takes_deck_overrides();
  return arguments;
}

namespace {

/// A deck, its text and where that comes from.
struct GivenDeck {
  cli::Deck deck;
  std::string text;
  bool is_suggested = false;  ///< made now, from a population given in its place
};

/// The deck of a text with what the command line sets of it.
cli::Deck parse_deck(const std::string& text, const std::string& name, const Arguments& arguments) {
  std::vector<cli::Override> overrides = arguments.overrides();
  if (!arguments.has("replicates")) return cli::parse_deck_text(text, name, overrides);
  overrides.emplace_back("model.ensemble", arguments.text("replicates"));
  cli::Deck deck = cli::parse_deck_text(text, name, overrides);
  if (deck.data.bootstrap.is_on()) return deck;
  deck.data.bootstrap.kind = data::Bootstrap::Kind::rows;
  deck.validate();
  return deck;
}

/// Where `train` writes the deck that it has made itself.
std::string suggested_path(const std::string& directory) {
  return directory + "/suggested.cfg";
}

/// The value of an override, the last of several; or `otherwise`.
std::string overridden(const Arguments& arguments, const std::string& name, std::string otherwise) {
  for (const auto& [key, value] : arguments.overrides())
    if (key == name) otherwise = value;
  return otherwise;
}

/// The population that a deck is suggested for, without the times that are held out of the run.
std::unique_ptr<io::PopulationFile> open_for_suggestion(const Context& context, const Arguments& arguments) {
  const std::string key = "data.hold_out_times", value = overridden(arguments, key, "none");
  data::TimeList held_out;
  try {
    held_out = data::TimeList::parse(value);
  } catch (const Error& error) {
    fail_input(key + " = " + value + ": " + error.what());
  }
  return data::open_population(arguments.text("DECK"), held_out, context.comm);
}

/// The deck for a population that is given in place of one: that of the run to be continued, or a new one.
GivenDeck deck_for_population(const Context& context, const Arguments& arguments) {
  const std::string path = arguments.text("DECK");
  const std::string directory =
      overridden(arguments, "checkpoint.directory", suggestion::directory_for(path));
  GivenDeck given;
  bool continues = false;
  mpi::on_root(context.comm, [&] {
    continues = arguments.text("restart") != "none" && std::filesystem::exists(suggested_path(directory));
    if (continues) given.text = cli::read_deck_text(suggested_path(directory));
  });
  context.comm.broadcast(&continues, sizeof(continues));
  if (continues) {
    context.comm.broadcast(given.text);
    given.deck = parse_deck(given.text, suggested_path(directory), arguments);
    if (given.deck.data.file != path)
      fail_input(suggested_path(directory) + " is a deck for " + given.deck.data.file + ", not for " + path +
                 "; give another --checkpoint.directory");
    print(context.comm, path + " is a population: the deck of its run is " + suggested_path(directory));
    return given;
  }
  const auto file = open_for_suggestion(context, arguments);
  given.text = suggestion::suggested_deck(suggestion::portrait_of(*file, context.comm), {directory, false});
  given.deck = parse_deck(given.text, "the suggested deck", arguments);
  given.is_suggested = true;
  print(context.comm, path + " is a population: a deck for it will be " + suggested_path(directory) +
                          " (rhoflux suggest writes it alone)");
  return given;
}

GivenDeck read_deck(const Context& context, const Arguments& arguments) {
  const std::string path = arguments.text("DECK");
  GivenDeck given;
  bool is_population = false;
  mpi::on_root(context.comm, [&] {
    is_population = io::is_population(path);
    if (!is_population) given.text = cli::read_deck_text(path);
  });
  context.comm.broadcast(&is_population, sizeof(is_population));
  if (is_population) return deck_for_population(context, arguments);
  context.comm.broadcast(given.text);
  given.deck = parse_deck(given.text, path, arguments);
  return given;
}

/// What --check says where nothing is wrong.
void print_check(const Context& context, const std::string& deck_path, const data::Sources& sources,
                 const parallel::BatchPartition& partition) {
  const std::string data = sources.data ? sources.data->path() : "its endpoint distributions";
  print(context.comm, deck_path + ": the deck and " + data + " are good; a step has " +
                          counted(partition.batch(), "sample") + ", summed in " +
                          counted(partition.n_lanes(), "part") + " on " +
                          counted(context.comm.size(), "rank") +
                          (context.threads > 1 ? " of " + counted(context.threads, "thread") : ""));
}

/// Warns of what is odd about the data, but for what the deck deals with.
void print_data_health(const Context& context, const cli::Deck& deck, const data::Sources& sources) {
  if (!sources.data) return;
  using Kind = data::HealthFinding::Kind;
  std::vector<Kind> known;
  if (deck.training.jitter > 0) known.push_back(Kind::few_values);
  if (deck.model.grows()) known.push_back(Kind::changing_numbers);
  if (deck.data.standardise.kind != data::Standardise::Kind::deviation) known.push_back(Kind::far_rows);
  print_health(context, *sources.data, known);
}

/// Rows of one time make a density; all that is about motion needs two.
void require_motion_for_terms(const cli::Deck& deck, const data::Sources& sources, const Context& context) {
  if (!sources.data || deck.data.time_range.is_given) return;
  const data::TimeSpan span = data::time_span(*sources.data, context.comm);
  if (span.last > span.first) return;
  for (const objectives::TermRow& row : deck.objective.registry().rows())
    if (row.kind != objectives::TermKind::data_likelihood && deck.objective.is_active(row.name))
      fail_input(
          "objective." + row.name + ": all rows of " + sources.data->path() + " have the time " +
          time_text(sources.data->info().time, span.first) +
          ", so that only a density can be learned; this term is about motion, which needs rows of two times "
          "at least (or data.time_range)");
}

void require_growth_rates(const cli::Deck& deck, const data::Sources& sources) {
  if (deck.objective.is_active("growth_rates") && sources.data && !sources.data->info().has_growth)
    fail_input("objective.growth_rates: the rows of " + sources.data->path() +
               " have no growth rates (there is no dataset 'growth'; import has --growth-column)");
}

/// The mass that a model with growth is held to, and where it is not known.
void print_mass(const Context& context, const cli::Deck& deck, const data::Sources& sources) {
  if (!deck.model.grows()) return;
  const Units units = data::measure(sources, deck.data, context.comm);
  const auto [mass, warning] = data::known_mass(deck.data, sources, units, context.comm);
  std::vector<std::string> masses;
  for (std::size_t k = 0; k < mass.t.size(); ++k)
    masses.push_back(formatted("%.4g", std::exp(mass.log_mass[k])) +
                     " at t = " + time_text(sources.time, mass.t[k]));
  print(context.comm, "growth: growth_share = " + deck.model.growth_share.to_string() + "; mass " +
                          (masses.empty() ? "1 at all times" : joined(masses)) +
                          " (data.mass = " + deck.data.mass.to_string() + ")");
  if (!warning.empty()) print(context.comm, "warning: " + warning);
}

/// Warns where a bootstrap has few units. Throws Error (bad input) where the data do not have them.
void print_bootstrap(const Context& context, const cli::Deck& deck, const data::Sources& sources) {
  if (!deck.data.bootstrap.is_on() || !sources.data) return;
  const data::BootstrapUnits units =
      data::read_bootstrap_units(deck.data.bootstrap, *sources.data, context.comm);
  const std::string warning = data::warning_of_few_units(deck.data.bootstrap, units, sources.time);
  if (!warning.empty()) print(context.comm, "warning: " + warning);
}

/// Whether the model that was kept moves more than it must.
void print_economy_of_run(const Context& context, const std::string& directory) {
  const std::string best = checkpoint::best_path(directory);
  bool exists = false;
  mpi::on_root(context.comm, [&] { exists = std::filesystem::exists(best); });
  context.comm.broadcast(&exists, sizeof(exists));
  if (exists) print_economy(context, inference::Inference(checkpoint::read_checkpoint(best)));
}

/// Which coordinates of the data the model has, where they were chosen.
void print_coordinates(const Context& context, const data::Sources& sources) {
  if (sources.coordinates_chosen_from.empty()) return;
  print(context.comm, "coordinates " + joined(sources.dim_names) + " of " +
                          joined(sources.coordinates_chosen_from) +
                          " (data.coordinates), in this order in the distributions, potentials and base "
                          "drifts of the deck too");
}

}  // namespace

int command_train(const Context& context, const Arguments& arguments) {
  const GivenDeck given = read_deck(context, arguments);
  cli::Deck deck = given.deck;
  if (!arguments.has("check"))
    for (const std::string& path : data::input_files(deck.data, deck.objective))
      note_input(context, path, deck.data.hash);
  data::read_tables(deck.objective, context.comm);
  const data::Sources sources = data::open_sources(deck.data, deck.objective, context.comm);
  deck.model.n_conditions = sources.n_condition_rows();
  const parallel::BatchPartition partition =
      training::partition_of(deck.training, deck.objective, context.threads, context.comm);
  (void)flux::layout_of(deck.model, deck.flux, sources.n_dims);
  require_growth_rates(deck, sources);
  print_coordinates(context, sources);
  print_mass(context, deck, sources);
  print_bootstrap(context, deck, sources);
  require_motion_for_terms(deck, sources, context);
  if (arguments.has("check")) {
    (void)data::measure(sources, deck.data, context.comm);
    const std::string memory =
        training::check_memory(run_config(deck, arguments, context), sources, context.comm);
    print_check(context, arguments.text("DECK"), sources, partition);
    print_data_health(context, deck, sources);
    print(context.comm, memory);
    if (const std::string warning =
            training::warning_of_small_shares(context.comm.size(), deck.training.batch);
        !warning.empty())
      print(context.comm, warning);
    return 0;
  }
  print(context.comm, version_text());
  print_data_health(context, deck, sources);
  const auto log = [&](const std::string& line) { print(context.comm, line); };
  training::RunConfig config = run_config(deck, arguments, context);
  if (given.is_suggested)
    config.has_directory = [&] { write_text({suggested_path(deck.checkpoint.directory), true}, given.text); };
  const training::RunEnd end = training::train(config, sources, context.comm, log);
  print_end_report(context.comm, deck.training.batch);
  if (end != training::RunEnd::stopped) print_economy_of_run(context, deck.checkpoint.directory);
  print(context.comm, "results are in " + deck.checkpoint.directory);
  return static_cast<int>(end == training::RunEnd::stopped ? ExitCode::stopped : ExitCode::success);
}

}  // namespace rhoflux::apps
