#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/data/sources.hpp"
#include "rhoflux/inference/inference.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "rhoflux/mpi/communicator.hpp"
#include "rhoflux/objectives/config.hpp"
#include "rhoflux/transport/sde.hpp"

namespace rhoflux::inference {

/// Simulated paths whose mean is one draw of the standard error, on every backend.
constexpr int paths_per_block = 128;

struct ObjectiveOptions {
  std::int64_t paths = 1024;   ///< simulated; a multiple of paths_per_block
  std::int64_t draws = 16384;  ///< model samples; a multiple of 1024
  int steps = 1000;            ///< of the paths
  int frames = 101;            ///< times at which the paths are looked at
  bool start_from_distribution =
      true;  ///< paths start from objective.initial_distribution where there is one, else from the model
  flux::Volatility volatility;  ///< g of the paths and of the drift
  transport::SdeScheme scheme = transport::SdeScheme::euler_maruyama;
  std::uint64_t seed = 1;
  std::vector<double> condition = {};  ///< of all samples and paths; empty: those of objective.conditions
};

using metrics::Estimate;

/// A term of the objective, without its weight, by the model's own expectations and by simulating paths.
struct TermComparison {
  std::string name;
  double weight = 0;
  Estimate model, paths;
};

/// How a given distribution fits the model.
struct EndpointFigures {
  std::string name;     ///< initial or terminal
  double nll = 0;       ///< E [-log rho] under it, units of the data
  double w2_model = 0;  ///< W2 between draws from the distribution and model samples, units of the data
  double w2_paths = 0;  ///< between draws from the distribution and the paths at that time
  double w2_floor = 0;  ///< between two sets of draws from the distribution; NaN where it is a file
  std::int64_t points = 0;
};

struct ObjectiveEvaluation {
  std::vector<TermComparison>
      terms;             ///< expectations under the model: integrals over time and the cost of the end
  TermComparison total;  ///< weighted sum of the terms
  bool grows = false;    ///< the population does: paths carry weights (model.md (10.9))
  /// False where the population grows and a cost looks at pairs. Then all that is found along paths is NaN.
  bool has_paths = true;
  std::int64_t n_paths = 0;
  double effective_paths = 0;  ///< effective number of the paths, the least of the frames
  /// Mass of the weighted paths relative to that of the model, at the frame where it is furthest from 1.
  Estimate path_mass = {1, 0};
  /// False where the paths do not have the mass of the model: a part of the population grows from next to nothing, at a
  /// place where no path starts, or they start from another distribution. Then no difference is given.
  bool paths_are_complete() const;
  std::vector<EndpointFigures> distributions;
  bool has_obstacles = false;  ///< the state cost is one, of a kind that has an inside
  /// Share of mass inside an obstacle, mean over the frames.
  double inside_model = 0, inside_paths = 0;
  /// The largest of the frames, with the standard error of one frame. A largest of many noisy shares is
  /// biased upwards by about two of them.
  Estimate inside_model_most, inside_paths_most;
};

/// The objective with its full weights by exact model samples and along simulated paths of
/// dX = u dt + g dW, by fixed steps, which must agree: density and drift are one model. Collective;
/// the figures do not depend on the number of ranks.
/// Costs over a population that grows are weighted by its mass (model.md (10.8a), (10.8b)).
/// Throws Error (bad input) where the objective has no term but likelihoods of data.
ObjectiveEvaluation evaluate_objective(const Inference& inference, const objectives::Config& objective,
                                       const data::Sources& sources, const mpi::Communicator& comm,
                                       const ObjectiveOptions& options);

/// The figures as lines of text.
std::vector<std::string> to_text(const ObjectiveEvaluation& evaluation);

}  // namespace rhoflux::inference
