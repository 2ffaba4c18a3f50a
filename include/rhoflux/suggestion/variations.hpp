#pragma once

#include <string>
#include <vector>

#include "rhoflux/suggestion/suggested_deck.hpp"

namespace rhoflux::suggestion {

/// Keys with other values than those of the suggested deck.
struct Variation {
  std::string name;  ///< what is different, in words; of the suggested deck itself "as suggested"
  std::vector<SuggestedKey> keys;  ///< without reasons
  /// Whether both can be had at once: no key is in both.
  bool goes_with(const Variation& other) const;
};

/// The suggested deck itself, then what most often moves the validation likelihood, in that order: noise, fine structure,
/// changes in time, width, decay, learning rate, logistics; of a mixture of thousands of products noise, their number, changes in
/// time, learning rate. Motion (objective, flux) and growth are as they are.
/// @param keys suggested_keys() of the same portrait
std::vector<Variation> variations(const Portrait& portrait, const std::vector<SuggestedKey>& keys);

/// Both at once.
Variation combined(const Variation& first, const Variation& second);

/// The keys with the values of a variation, each with the reason `why`; a key that the deck does not have comes at the end of its
/// section.
std::vector<SuggestedKey> with_variation(std::vector<SuggestedKey> keys, const Variation& variation,
                                         const std::string& why);

}  // namespace rhoflux::suggestion
