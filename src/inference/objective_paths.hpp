#pragma once

#include <vector>

#include "objective_terms.hpp"
#include "rhoflux/inference/simulated_objective.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::inference {

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
/// on average. The points of a block that are drawn are no independent pairs: not for costs of pairs.
/// Collective; throws Error (numerical failure) where a path cannot be followed.
PathFigures simulate_paths(const Inference& inference, const ObjectiveTerms& terms,
                           const objectives::Config& objective, const std::vector<double>& start,
                           const mpi::Communicator& comm, const ObjectiveOptions& options,
                           const std::vector<double>& frames);

}  // namespace rhoflux::inference
