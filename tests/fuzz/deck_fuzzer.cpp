// Decks: whatever the text, parsing gives a deck or an Error of bad input; a deck that was accepted is
// written and read back to the same text.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The first line is an override of the command line too.
  std::vector<rhoflux::cli::Override> overrides;
  rhoflux::cli::Deck deck;
  try {
    if (const auto found = rhoflux::cli::parse_override(text.substr(0, text.find('\n'))))
      overrides.push_back(*found);
    deck = rhoflux::cli::parse_deck_text(text, "deck", overrides);
  } catch (const rhoflux::Error& error) {
    if (error.code() != rhoflux::ExitCode::bad_input) std::abort();
    return 0;
  }
  const std::string written = rhoflux::cli::to_ini(deck);
  if (rhoflux::cli::to_ini(rhoflux::cli::parse_deck_text(written, "written")) != written) std::abort();
  return 0;
}
