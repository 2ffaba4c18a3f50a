#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rhoflux/data/config.hpp"
#include "rhoflux/density/config.hpp"
#include "rhoflux/flux/config.hpp"
#include "rhoflux/objectives/config.hpp"
#include "rhoflux/training/config.hpp"

namespace rhoflux::cli {

/// The input deck: every setting of a training run, each field with its default.
struct Deck {
  data::Config data;
  density::Config model;
  flux::Config flux;
  objectives::Config objective;
  training::TrainingConfig training;
  training::CheckpointConfig checkpoint;
  training::OutputConfig output;

  /// Throws Error (bad input) if a required key is missing, or a value or a combination of values is not
  /// allowed. The message begins with `section.key = value`.
  void validate() const;
};

/// One `--section.key=value` of the command line, as {"section.key", "value"}.
using Override = std::pair<std::string, std::string>;

/// Splits `--section.key=value`. Empty for an argument that is no override (it has no dot in its name);
/// throws Error (bad input) for `--section.key` without `=value`.
std::optional<Override> parse_override(const std::string& argument);

/// The text of a deck file. Throws Error (bad input) if it cannot be read or is not text.
std::string read_deck_text(const std::string& path);

/// Defaults, then the text of a deck, then the overrides; checked by Deck::validate().
/// @param name what messages call the text, usually its path
/// Throws Error (bad input) naming `name:line` or the command-line option, the key, what is wrong with it and
/// what is allowed. Pure: with the same text, every rank gets the same deck or the same message.
Deck parse_deck_text(const std::string& text, const std::string& name,
                     const std::vector<Override>& overrides = {});

/// parse_deck_text() of a file.
Deck read_deck(const std::string& path, const std::vector<Override>& overrides = {});

/// The resolved deck, all keys, as a deck that parse_deck_text() reads back to the same values, bit for bit.
std::string to_ini(const Deck& deck);

/// A key whose values in two decks differ; a value that is empty is not given.
struct KeyDifference {
  std::string name;  ///< "section.key"
  std::string before, now;
};

/// The keys of a deck whose values are not those of an earlier resolved deck. What that deck lacks has its default, what
/// this program does not know, or cannot read any more, does not count.
std::vector<KeyDifference> differences_from(const std::string& earlier, const Deck& deck);

/// A key of the deck as help texts present it.
struct KeyText {
  std::string name;     ///< "section.key"
  std::string allowed;  ///< type and range
  std::string unit;     ///< empty: none
  std::string explanation;
  std::string fallback;              ///< the default; empty: none
  std::vector<std::string> choices;  ///< the values, where these are fixed words
  bool is_text = false;              ///< any text, such as the name of a file
};

/// Every key in the order in which decks are written.
std::vector<KeyText> key_texts();

/// Every key with its type, default, unit, allowed values and a line of explanation (`rhoflux train
/// --help-deck`).
std::string help_deck();

}  // namespace rhoflux::cli
