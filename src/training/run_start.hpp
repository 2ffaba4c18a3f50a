#pragma once

#include <functional>
#include <optional>
#include <string>

#include "rhoflux/training/checkpoint.hpp"
#include "rhoflux/training/sources.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::training {

/// The state to continue from, if any. Nothing is written. Collective. Throws Error (bad input) where the
/// deck does not fit the checkpoint, or checkpoints of another run are in the way.
std::optional<Checkpoint> find_start(const RunConfig& config, const Sources& sources,
                                     const parallel::Communicator& comm,
                                     const std::function<void(const std::string&)>& log);

/// Makes the checkpoint directory and, for a new run, empties it of checkpoints. Collective.
void prepare_directory(const RunConfig& config, const parallel::Communicator& comm);

}  // namespace rhoflux::training
