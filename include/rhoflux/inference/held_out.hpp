#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/core/time_names.hpp"
#include "rhoflux/inference/inference.hpp"
#include "rhoflux/inference/progress.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/metrics/wasserstein.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::inference {

struct HeldOutOptions {
  std::vector<double> times;           ///< held out
  std::uint64_t seed = 1;              ///< of the samples of the model and of the halves
  std::int64_t max_points = 2000;      ///< on each side of a distance
  std::vector<double> condition = {};  ///< see EvaluationOptions::condition
  Progress::Options progress;
};

/// How near the model, and interpolation by optimal transport, come to the rows of a time that is held out. The rows are
/// divided into two halves by lot. Each distance but the floor is the mean of those to the halves, with `points` points on
/// each side, in model units.
struct HeldOutFigures {
  double t = 0;
  std::int64_t rows = 0;                      ///< of weight above 0, of all splits
  std::int64_t points = 0;                    ///< on each side; 0: too few rows
  metrics::Wasserstein model;                 ///< exact samples of the model
  std::optional<metrics::Wasserstein> floor;  ///< between the halves; none where rows have different weights
  /// Optimal transport (cost |x - y|^2) between the rows of the nearest times before and after that are not held out: the
  /// points (1 - f) a + f b of the pairs (a, b) of the best matching. None where there is no time on one side.
  struct Interpolation {
    double before = 0, after = 0;                   ///< times
    double fraction = 0;                            ///< (t - before) / (after - before)
    metrics::Wasserstein at_fraction, at_midpoint;  ///< f = fraction, f = 1/2
  };
  std::optional<Interpolation> interpolation;
};

/// Collective; the figures do not depend on the number of ranks. Times are divided among the ranks.
/// Throws Error (bad input) for a time without rows, and for events in continuous time.
std::vector<HeldOutFigures> compare_held_out(const Inference& inference, const io::PopulationFile& file,
                                             const mpi::Communicator& comm, const HeldOutOptions& options);

/// As lines of text. @param meaning what the times are called
std::vector<std::string> to_text(const std::vector<HeldOutFigures>& figures, const TimeMeaning& meaning = {});

}  // namespace rhoflux::inference
