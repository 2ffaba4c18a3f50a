#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/inference/inference.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::inference {

struct EvaluationOptions {
  io::Split split = io::Split::test;
  std::uint64_t seed = 1;                    ///< of the samples that are compared with the data
  std::int64_t max_transport_points = 2000;  ///< a larger snapshot is compared through that many of its rows
  int max_times = 100;                       ///< more distinct times: continuous events, no figures by time
};

/// Figures of one snapshot.
struct TimeFigures {
  double t = 0;
  std::int64_t count = 0;    ///< rows of the split at that time
  double nll = 0;            ///< standardised
  double w1 = 0, w2 = 0;     ///< standardised
  std::int64_t w_count = 0;  ///< points on each side
};

struct Evaluation {
  double nll_standardised = 0;
  double nll_original = 0;
  std::int64_t count = 0;
  std::vector<TimeFigures> times;  ///< empty for events in continuous time
};

/// NLL of a split, overall and by time, and the exact Wasserstein distances between each snapshot and as many
/// samples of the model. Collective; the figures do not depend on the number of ranks.
Evaluation evaluate(const Inference& inference, const io::PopulationFile& file, const mpi::Communicator& comm,
                    const EvaluationOptions& options);

}  // namespace rhoflux::inference
