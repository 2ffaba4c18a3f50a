#pragma once

#include <string>
#include <vector>

#include "rhoflux/suggestion/portrait.hpp"

namespace rhoflux::suggestion {

/// What the user says that rows do not tell.
struct Wishes {
  std::string directory;  ///< of the checkpoints
  bool counts_are_mass =
      false;  ///< the numbers of rows are the sizes of the population, which grows or shrinks
};

/// Where a run on these data puts its checkpoints unless somebody says otherwise: output/ and the name of the file.
std::string directory_for(const std::string& data_path);

/// One key of a suggested deck and why it has this value.
struct SuggestedKey {
  std::string section, name, value, reason;
};

/// The keys of a deck for these data; those that are left out keep their defaults. The rules and where they come from are in
/// docs/suggest.md. Bad input where counts_are_mass and there are no snapshots whose rows could be counted.
std::vector<SuggestedKey> suggested_keys(const Portrait& portrait, const Wishes& wishes);

/// The deck of some keys as text, each with its reason as a comment. It has been read back: cli::parse_deck_text() takes it.
/// @param remark lines of comments for the heading, each with its line end; may be empty
std::string deck_of(const Portrait& portrait, const Wishes& wishes, const std::vector<SuggestedKey>& keys,
                    const std::string& remark = "");

/// That of suggested_keys().
std::string suggested_deck(const Portrait& portrait, const Wishes& wishes);

}  // namespace rhoflux::suggestion
