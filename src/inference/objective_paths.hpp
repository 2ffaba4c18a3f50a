#pragma once

#include <vector>

#include "objective_terms.hpp"
#include "rhoflux/inference/simulated_objective.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::inference {

/// Times at which paths are looked at, the first and the last of the model among them.
struct PathFrames {
  std::vector<double> times;
  std::vector<double> weights;  ///< of each in an integral over time
};

/// n times (one more where n is 2 and the population grows). The weights are those of the trapezoidal rule; where the
/// population grows those of the midpoint rule, over parts of the time range that do not hold a time of known mass inside:
/// the growth rate jumps there.
PathFrames path_frames(const Inference& inference, int n);

/// All that simulated paths give to an objective, on every rank.
struct PathFigures {
  std::vector<double> rows;         ///< (blocks, n_terms) values of the terms
  std::vector<double> first, last;  ///< (paths, D) points of equal weight, units of the data
  std::vector<double> inside;       ///< by frame the share of the weight inside the obstacles
  /// By frame the effective number of paths, (sum w)^2 / sum w^2 (Kish 1965): all unless the population grows.
  std::vector<double> effective;
  std::vector<Estimate>
      mass;  ///< by frame the mean of w / M(t), 1 where the paths stand for all of the population
};

/// Paths from `start` (options.paths, D) through the frames. Where the population of the model grows they carry weights
/// (model.md (10.9)), in which case each block of paths stands at each frame as points of equal weight, drawn from it by
/// weight (10.10), times its mean weight relative to the mass of the model: a sum over them is that over the weighted paths,
/// on average (10.15). The points of a block that are drawn are no independent pairs: not for costs of pairs.
/// Collective; throws Error (numerical failure) where a path cannot be followed.
PathFigures simulate_paths(const Inference& inference, const ObjectiveTerms& terms,
                           const objectives::Config& objective, const std::vector<double>& start,
                           const mpi::Communicator& comm, const ObjectiveOptions& options,
                           const PathFrames& frames);

}  // namespace rhoflux::inference
