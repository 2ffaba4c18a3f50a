#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/mpi/communicator.hpp"
#include "rhoflux/objectives/config.hpp"
#include "rhoflux/parallel/batch_partition.hpp"
#include "rhoflux/training/config.hpp"
#include "rhoflux/training/stop_request.hpp"

namespace rhoflux::training {

/// A key of the deck whose value is not that of the run before.
struct KeyChange {
  std::string name;         ///< "section.key"
  std::string before, now;  ///< empty: not given
};

/// All that defines a training run.
struct RunConfig {
  data::Config data;
  density::Config model;
  flux::Config flux;
  objectives::Config objective;
  TrainingConfig training;
  CheckpointConfig checkpoint;
  OutputConfig output;
  std::string deck;  ///< resolved deck, stored in every checkpoint
  /// Called on the root once the run has checkpoint.directory, before the first step; empty: nothing.
  std::function<void()> has_directory;
  checkpoint::Provenance provenance;
  std::string restart = "none";  ///< none, auto or the path of a checkpoint
  /// A checkpoint whose parameters and standardisation a new run begins with; empty: none.
  std::string start_from;
  /// What the deck of the run before, given as text, and this one differ in; empty: nothing is said of it.
  std::function<std::vector<KeyChange>(const std::string& deck_before)> changes_since;
  bool force = false;  ///< remove checkpoints that are in the way
  StopLimits limits;
  int threads = 1;  ///< of each rank, where kernels run on a host
};

/// How the batches of a run are shared. Throws Error (bad input) where they are too small for that.
parallel::BatchPartition partition_of(const TrainingConfig& training, const objectives::Config& objective,
                                      int threads, const mpi::Communicator& comm);

/// What a rank needs at least, as a line of text. Throws Error (memory does not suffice) with all sizes where one has
/// less. Collective.
std::string check_memory(const RunConfig& config, const data::Sources& sources,
                         const mpi::Communicator& comm);

enum class RunEnd { finished, early_stopping, stopped };

/// Trains the model that `config` describes on `sources`. Collective. `log` is called on every rank and
/// prints on the root.
///
/// Minimises the sum of the terms of the objective by Adam: E[-log rho_t(x)] over the training rows and the
/// given distributions, and expectations under the model itself; global batches, so that the result does not
/// depend on the rank count but for rounding (or not at all: training.reproducible). Throws Error: bad input,
/// or memory that does not suffice, before anything is written; a numerical failure that names the step and the last checkpoint.
RunEnd train(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
             const std::function<void(const std::string&)>& log);

}  // namespace rhoflux::training
