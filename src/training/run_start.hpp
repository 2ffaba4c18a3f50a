#pragma once

#include <functional>
#include <optional>
#include <string>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/io/directory_lock.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::training {

/// The state to continue from, if any. Nothing is written. Collective. Throws Error (bad input) where the
/// deck does not fit the checkpoint, or checkpoints of another run are in the way.
std::optional<checkpoint::Checkpoint> find_start(const RunConfig& config, const data::Sources& sources,
                                                 const mpi::Communicator& comm,
                                                 const std::function<void(const std::string&)>& log);

/// Locks the checkpoint directory, on the root, if it is there. Collective. Throws Error (bad input) if
/// another run has it.
io::DirectoryLock lock_directory(const RunConfig& config, const mpi::Communicator& comm);

/// Makes and locks the checkpoint directory if it was not there, removes what a killed run left half written
/// and, for a new run, the checkpoints. Collective.
void prepare_directory(const RunConfig& config, const mpi::Communicator& comm, io::DirectoryLock& lock,
                       const std::function<void(const std::string&)>& log);

}  // namespace rhoflux::training
