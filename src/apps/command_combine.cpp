#include "commands.hpp"
#include "common_options.hpp"
#include "model_files.hpp"
#include "provenance.hpp"
#include "rhoflux/checkpoint/combination.hpp"
#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "spread.hpp"

namespace rhoflux::apps {
namespace {

/// Whether members of one ensemble may differ in a key of their decks.
bool may_differ(const std::string& key) {
  const auto is_in = [&](const char* section) { return key.rfind(section, 0) == 0; };
  const bool is_of_model = is_in("data.") || is_in("model.") || is_in("flux.");
  return !is_of_model || key == "data.file" || key == "data.hash" || key == "model.ensemble";
}

void require_same_decks(const checkpoint::NamedCheckpoint& first, const checkpoint::NamedCheckpoint& other) {
  const cli::Deck deck = cli::parse_deck_text(other.checkpoint.deck, "the deck in " + other.name);
  for (const cli::KeyDifference& key : cli::differences_from(first.checkpoint.deck, deck))
    if (!may_differ(key.name))
      fail_input(other.name + ": was trained with " + key.name + " = " + key.now + ", " + first.name +
                 " with " + key.before + "; members of an ensemble must agree in it");
}

/// Replicates of a bootstrap differ by their seeds.
void require_other_seeds(const std::vector<checkpoint::NamedCheckpoint>& parts) {
  for (std::size_t k = 0; k < parts.size(); ++k)
    for (std::size_t before = 0; before < k; ++before)
      if (parts[k].checkpoint.state.seed == parts[before].checkpoint.state.seed)
        fail_input(parts[k].name + " and " + parts[before].name +
                   ": have the same training.seed = " + std::to_string(parts[k].checkpoint.state.seed) +
                   ", so that their rows were weighed alike; replicates of a bootstrap need different seeds");
}

std::vector<checkpoint::NamedCheckpoint> read_parts(const Context& context,
                                                    const std::vector<std::string>& paths) {
  std::vector<checkpoint::NamedCheckpoint> parts;
  for (const std::string& path : paths) parts.push_back({path, load_checkpoint(context, path)});
  return parts;
}

}  // namespace

Arguments combine_arguments() {
  Arguments arguments(
      "combine",
      "Joins models that were trained apart, such as by the jobs of an array, into one ensemble: a "
      "checkpoint whose density and flux are the means of theirs, for every command that takes one. They "
      "must have been trained on the same rows by decks that agree in [data], [model] and [flux], but for "
      "the file's name and model.ensemble, and differ in training.seed. With data.bootstrap the spread over "
      "them is a standard error.");
  arguments.positional_list("CHECKPOINT", file_name(), "the models, two or more")
      .required("output", file_name(), "checkpoint to write");
  add_force(arguments);
  return arguments;
}

int command_combine(const Context& context, const Arguments& arguments) {
  const OutputFile output = {arguments.text("output"), arguments.has("force")};
  const std::vector<std::string>& paths = arguments.texts("CHECKPOINT");
  if (paths.size() < 2) fail_input("combine: needs two checkpoints at least");
  const std::vector<checkpoint::NamedCheckpoint> parts = read_parts(context, paths);
  for (std::size_t k = 1; k < parts.size(); ++k) require_same_decks(parts.front(), parts[k]);
  cli::Deck deck = cli::parse_deck_text(parts.front().checkpoint.deck, "the deck in " + paths.front());
  if (deck.data.bootstrap.is_on()) require_other_seeds(parts);
  checkpoint::Checkpoint result = checkpoint::combined(parts);
  deck.model.n_members = result.model.config.n_members;
  result.deck = cli::to_ini(deck);
  result.provenance = provenance(context);
  mpi::on_root(context.comm, [&] {
    require_absent(output);
    for (const std::string& path : paths) io::require_other_file(output.path, path);
    checkpoint::write_checkpoint(
        output.path, result,
        flux::layout_of(result.model.config, result.model.flux, result.model.units.n_dims()));
  });
  print(context.comm, "wrote " + output.path + ": an ensemble of " + counted(deck.model.n_members, "member"));
  print(context.comm, "spread: " + meaning_of_spread(result));
  return 0;
}

}  // namespace rhoflux::apps
