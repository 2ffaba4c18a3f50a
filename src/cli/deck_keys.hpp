#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rhoflux/cli/deck.hpp"

namespace rhoflux::cli {

/// One key of the deck. The table of all of them is the one place where deck and configuration structs meet.
struct Key {
  std::string section;
  std::string name;
  std::string allowed;      ///< type and range, for help and messages; the range is enforced by validate()
  std::string unit;         ///< empty: none
  std::string explanation;  ///< one line
  std::function<void(Deck&, const std::string&)> set;
  std::function<std::string(const Deck&)> get;

  std::string full_name() const { return section + "." + name; }
};

/// Every key, those of a section together, in the order in which decks are written.
const std::vector<Key>& all_keys();

/// Null if there is no such `section.key`.
const Key* find_key(const std::string& full_name);

std::vector<std::string> section_names();
bool is_section(const std::string& name);

}  // namespace rhoflux::cli
