#include <memory>

#include "commands.hpp"
#include "common_options.hpp"
#include "health_report.hpp"
#include "model_files.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/suggestion/suggested_deck.hpp"
#include "trials.hpp"

namespace rhoflux::apps {
namespace {

/// The population without the times that are held out.
std::unique_ptr<io::PopulationFile> open_for_suggestion(const Context& context, const Arguments& arguments,
                                                        const std::string& path) {
  data::TimeList held_out;
  if (arguments.has("hold-out-times")) {
    const TimeMeaning meaning = io::PopulationFile(path, context.comm).info().time;
    for (const double t : arguments.times("hold-out-times", meaning)) held_out.values.push_back({t});
  }
  return data::open_population(path, held_out, context.comm);
}

}  // namespace

Arguments suggest_arguments() {
  Arguments arguments(
      "suggest",
      "Writes a deck for a population, each key with its reason, from what the data are: rows, "
      "coordinates, snapshots or events, gaps in time, fine structure, ties. Change what you know better.");
  arguments.positional("DATA", file_name(), "the population file (HDF5)")
      .required("output", file_name(), "the deck to write")
      .optional("directory", file_name(), "checkpoint.directory of the deck",
                "output/ and the name of the data")
      .optional("try", whole_number(2, 64),
                "improves it by so many short runs on the validation rows, each on one rank: the suggested "
                "deck and variations of "
                "it, of which the better half goes on for twice the steps until one is left",
                "no run is made")
      .optional("hold-out-times", times(),
                "data.hold_out_times of the deck: rows at these times are to be predicted, not learned, and "
                "the deck is chosen by the others",
                "the times without training rows")
      .flag("counts-are-mass",
            "the numbers of rows of the snapshots are the sizes of the population, which grows or shrinks");
  add_force(arguments);
  return arguments;
}

int command_suggest(const Context& context, const Arguments& arguments) {
  const std::string path = arguments.text("DATA"), output = arguments.text("output");
  mpi::on_root(context.comm, [&] { require_absent({output, arguments.has("force")}); });
  const std::unique_ptr<io::PopulationFile> file = open_for_suggestion(context, arguments, path);
  const suggestion::Wishes wishes = {
      arguments.has("directory") ? arguments.text("directory") : suggestion::directory_for(path),
      arguments.has("counts-are-mass")};
  const suggestion::Portrait portrait = suggestion::portrait_of(*file, context.comm);
  print_findings(context, portrait.findings);
  std::string deck = suggestion::suggested_deck(portrait, wishes);
  if (arguments.has("try")) {
    const TrialPlan plan = {portrait, wishes, static_cast<int>(arguments.whole_number("try")),
                            output + ".trials"};
    const TrialResult result = run_trials(context, plan);
    if (result.is_stopped) {
      print(context.comm, "stopped before the trials were done; nothing is written");
      return static_cast<int>(ExitCode::stopped);
    }
    for (const std::string& line : to_text(result)) print(context.comm, line);
    deck = deck_of_best(plan, result);
  }
  mpi::on_root(context.comm, [&] { write_text({output, arguments.has("force")}, deck); });
  print(context.comm, output + ": a deck for " + path + "; train with: rhoflux train " + output);
  return 0;
}

}  // namespace rhoflux::apps
