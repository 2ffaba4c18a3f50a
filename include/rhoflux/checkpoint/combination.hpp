#pragma once

#include <string>
#include <vector>

#include "rhoflux/checkpoint/checkpoint.hpp"

namespace rhoflux::checkpoint {

/// A checkpoint and what messages call it.
struct NamedCheckpoint {
  std::string name;
  Checkpoint checkpoint;
};

/// The ensemble (model.md section 12) of models of one shape that were trained apart; of those that are ensembles
/// themselves, all members. It has the parameters that inference uses, and neither history nor optimiser state, so that
/// training can start from it but not continue. Deck and provenance are those of the first.
///
/// Throws Error (bad input) naming the first that does not fit the one before all: another shape, standardisation, time
/// range, names of coordinates or conditions; a member that is in both; parameters that all members of an ensemble share (a
/// divergence-free part, a learned mass), which models that were trained apart have each for itself; too many members.
Checkpoint combined(const std::vector<NamedCheckpoint>& parts);

}  // namespace rhoflux::checkpoint
