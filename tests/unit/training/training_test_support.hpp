#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "rhoflux/checkpoint/checkpoint_directory.hpp"
#include "rhoflux/training/trainer.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::training::testing {

inline const mpi::Communicator& world() {
  static const auto* comm = new mpi::Communicator(MPI_COMM_WORLD);  // MPI ends before static objects do
  return *comm;
}

/// A population of a moving blob, one row in four for validation, and the folder of runs on it.
class SmallRun {
 public:
  explicit SmallRun(int n_dims = 2) {
    io::PopulationData data;
    data.n_dims = n_dims;
    for (int row = 0; row < 64; ++row) {
      data.t.push_back(row / 16);
      for (int i = 0; i < n_dims; ++i)
        data.x.push_back(std::sin(2.3 * row + 1.1 * i) + 0.5 * (row / 16));  // NOLINT: whole times
      data.split.push_back(row % 4 == 3 ? 1 : 0);
    }
    config.data.file = folder.file("data.h5");
    io::write_population(config.data.file, data, false);
    config.model.hidden = {8};
    config.model.time_features = 4;
    config.model.n_logistics = 3;
    config.training.steps = 12;
    config.training.batch = 32;
    config.training.seed = 5;
    config.training.schedule.warmup = 2;
    config.training.average = 0.9;
    config.training.reproducible = true;
    config.training.validate_every = 5;
    config.checkpoint.directory = folder.file("run");
    config.checkpoint.every = 4;
    config.output.log_every = 3;
    config.deck = "the deck";
    config.provenance = {{"program", "a test"}};
  }

  data::Sources sources() const { return data::open_sources(config.data, config.objective, world()); }

  /// Trains, and keeps the lines of the log.
  RunEnd train() {
    log.clear();
    return training::train(config, sources(), world(),
                           [this](const std::string& line) { log += line + "\n"; });
  }

  std::string checkpoint(std::int64_t step) const {
    return checkpoint::checkpoint_path(config.checkpoint.directory, step);
  }
  std::string best() const { return checkpoint::best_path(config.checkpoint.directory); }
  std::string history() const { return io::testing::read_text(config.checkpoint.directory + "/history.csv"); }

  const io::testing::TemporaryFolder folder;
  RunConfig config;
  std::string log;
};

}  // namespace rhoflux::training::testing
