#pragma once

#include <string>
#include <vector>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::apps {

/// What the spread over the members of an ensemble is, a standard error or not, by the deck of its training; one line.
std::string meaning_of_spread(const checkpoint::Checkpoint& checkpoint);

/// Gives datasets of spreads the attribute `meaning`.
void write_meaning_of_spread(io::Hdf5Writer& file, const checkpoint::Checkpoint& checkpoint,
                             const std::vector<std::string>& datasets);

}  // namespace rhoflux::apps
