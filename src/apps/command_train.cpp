#include <cstdio>
#include <filesystem>
#include <iostream>

#include "arguments.hpp"
#include "provenance.hpp"
#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/io/file_hash.hpp"
#include "rhoflux/parallel/gradient_reduction.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::apps {
namespace {

/// Takes the deck overrides (--section.key=value) out of the arguments.
std::vector<cli::Override> take_overrides(std::vector<std::string>& arguments) {
  std::vector<cli::Override> overrides;
  std::vector<std::string> rest;
  for (const std::string& argument : arguments) {
    if (const auto found = cli::parse_override(argument))
      overrides.push_back(*found);
    else
      rest.push_back(argument);
  }
  arguments = rest;
  return overrides;
}

/// Time by region as least, mean and most over the ranks, and peak memory.
void print_end_report(const mpi::Communicator& comm) {
  const auto statistics = [&](double value) {
    double least = value, most = value, sum = value;
    comm.min(&least, 1);
    comm.max(&most, 1);
    comm.sum(&sum, 1);
    char text[96];
    std::snprintf(text, sizeof(text), "%10.3f %10.3f %10.3f", least, sum / comm.size(), most);
    return std::string(text);
  };
  print(comm, "region                          min        mean        max  over ranks");
  for (const RegionTimes::Entry& entry : RegionTimes::instance().entries()) {
    char name[40];
    std::snprintf(name, sizeof(name), "%-22s s ", entry.name.c_str());
    print(comm, name + statistics(entry.seconds));
  }
  print(comm, "peak memory            MiB" + statistics(peak_memory_bytes() / 1048576.0));
}

training::RunConfig run_config(const cli::Deck& deck, const Arguments& arguments, const Context& context) {
  training::RunConfig config;
  config.data = deck.data;
  config.model = deck.model;
  config.flux = deck.flux;
  config.objective = deck.objective;
  config.training = deck.training;
  config.checkpoint = deck.checkpoint;
  config.output = deck.output;
  config.deck = cli::to_ini(deck);
  config.provenance = provenance(context);
  config.restart = arguments.text("restart");
  if (config.restart != "auto" && config.restart != "none" && context.comm.is_root() &&
      std::filesystem::is_regular_file(config.restart))
    config.provenance.emplace_back("continued_from",
                                   io::sha256_of_file(config.restart) + "  " + config.restart);
  config.force = arguments.has("force");
  config.limits.max_hours = arguments.get<double>("max-hours");
  config.limits.stop_after = static_cast<std::int64_t>(arguments.count("stop-after"));
  return config;
}

}  // namespace

int command_train(const Context& given) {
  Context context = given;
  const std::vector<cli::Override> overrides = take_overrides(context.arguments);
  Arguments arguments(
      "rhoflux train DECK [--section.key=value ...] [options]",
      "Trains the density that the deck describes. Exit code 75: stopped early after a checkpoint, run "
      "again with --restart auto.",
      {"DECK"});
  arguments.add()("check", "read the deck and the data, report, and stop")(
      "help-deck", "print every key of a deck with its default and meaning")(
      "restart", po::value<std::string>()->default_value("none"),
      "auto: continue from the newest good checkpoint, or start if there is none; none; or a checkpoint "
      "FILE")("max-hours", po::value<double>()->default_value(0.0),
              "stop with a checkpoint after this time; 0: no limit")(
      "stop-after", po::value<std::int64_t>()->default_value(0),
      "stop with a checkpoint after this many steps; 0: no limit")(
      "force", "with --restart none: remove the checkpoints that are in the directory");
  for (const std::string& argument : context.arguments) {
    if (argument != "--help-deck") continue;
    print(context.comm, cli::help_deck());
    return 0;
  }
  if (!arguments.parse(context)) return 0;
  const double max_hours = arguments.get<double>("max-hours");
  if (!(max_hours >= 0)) fail_input("--max-hours " + std::to_string(max_hours) + ": must be 0 or more");
  (void)arguments.count("stop-after");
  std::string text;
  mpi::on_root(context.comm, [&] { text = cli::read_deck_text(arguments.text("DECK")); });
  context.comm.broadcast(text);
  cli::Deck deck = cli::parse_deck_text(text, arguments.text("DECK"), overrides);
  if (!arguments.has("check"))
    for (const std::string& path : data::input_files(deck.data, deck.objective))
      note_input(context, path, deck.data.hash);
  data::read_tables(deck.objective, context.comm);
  const data::Sources sources = data::open_sources(deck.data, deck.objective, context.comm);
  const parallel::BatchPartition partition(context.comm, deck.training.batch,
                                           deck.training.reproducible ? deck.training.reproducible_lanes : 0,
                                           deck.objective.samples_per_block());
  (void)flux::layout_of(deck.model, deck.flux, sources.n_dims);
  if (arguments.has("check")) {
    (void)data::measure(sources, deck.data, context.comm);
    print(context.comm,
          arguments.text("DECK") + ": the deck and " + (sources.data ? sources.data->path() : "its laws") +
              " are good; " + std::to_string(partition.n_lanes()) + " parts of a batch of " +
              std::to_string(partition.batch()) + " on " + std::to_string(context.comm.size()) + " ranks");
    return 0;
  }
  print(context.comm, version_text());
  const auto log = [&](const std::string& line) { print(context.comm, line); };
  const training::RunEnd end =
      training::train(run_config(deck, arguments, context), sources, context.comm, log);
  print_end_report(context.comm);
  print(context.comm, "results are in " + deck.checkpoint.directory);
  return static_cast<int>(end == training::RunEnd::stopped ? ExitCode::stopped : ExitCode::success);
}

}  // namespace rhoflux::apps
