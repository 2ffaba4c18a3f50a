#include "spread.hpp"

#include "rhoflux/cli/deck.hpp"

namespace rhoflux::apps {

std::string meaning_of_spread(const checkpoint::Checkpoint& checkpoint) {
  const data::Bootstrap bootstrap =
      cli::parse_deck_text(checkpoint.deck, "the deck of the checkpoint").data.bootstrap;
  const std::string of_members =
      "sample standard deviation over the " + std::to_string(checkpoint.model.config.n_members) + " members";
  if (!bootstrap.is_on())
    return of_members +
           ", which differ by the starts of their training alone: no standard error, for the members "
           "learned from the same rows (data.bootstrap = none)";
  return "standard error by the bootstrap over " +
         (bootstrap.kind == data::Bootstrap::Kind::rows ? std::string("rows") : "each " + bootstrap.label) +
         ": " + of_members + " (data.bootstrap = " + bootstrap.to_string() + ")";
}

void write_meaning_of_spread(io::Hdf5Writer& file, const checkpoint::Checkpoint& checkpoint,
                             const std::vector<std::string>& datasets) {
  if (datasets.empty()) return;
  const std::string meaning = meaning_of_spread(checkpoint);
  for (const std::string& name : datasets) file.attribute(name, "meaning", meaning);
}

}  // namespace rhoflux::apps
