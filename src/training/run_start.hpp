#pragma once

#include <functional>
#include <optional>
#include <string>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/io/directory_lock.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::training {

/// What a run begins with: at most one of the two.
struct RunStart {
  std::optional<checkpoint::Checkpoint> continued;     ///< the state that it goes on from
  std::optional<checkpoint::Checkpoint> started_from;  ///< another run, of which it takes parameters alone
};

/// The state to continue from, or the run to take parameters from, if any. Says in the log which keys of the deck differ
/// from those of a run that is continued, and whether that has an effect. Nothing is written. Collective. Throws Error
/// (bad input) where the deck does not fit the checkpoint, or checkpoints of another run are in the way.
RunStart find_start(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
                    const std::function<void(const std::string&)>& log);

/// Gives a new run the parameters (the average, if there is one) and the standardisation of another one, which has its
/// dimensions and its model. The time range stays that of the new run.
void take_parameters(checkpoint::Checkpoint& begun, const checkpoint::Checkpoint& from);

/// Locks the checkpoint directory, on the root, if it is there. Collective. Throws Error (bad input) if
/// another run has it.
io::DirectoryLock lock_directory(const RunConfig& config, const mpi::Communicator& comm);

/// Makes and locks the checkpoint directory if it was not there, removes what a killed run left half written
/// and, for a new run, the checkpoints. Collective.
void prepare_directory(const RunConfig& config, const mpi::Communicator& comm, io::DirectoryLock& lock,
                       const std::function<void(const std::string&)>& log);

}  // namespace rhoflux::training
