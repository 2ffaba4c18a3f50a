#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "context.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

/// The paths that `transport` writes, and what it says of them.
namespace rhoflux::apps {

/// What the root gathers while the paths are written, of the particles that arrive.
struct PathSums {
  double squared_displacement = 0, energy = 0, weight = 0;  ///< sums by the weights at the last frame
  std::vector<double> last;          ///< (n, n_dims) at the last frame, of weight above 0
  std::vector<double> last_weight;   ///< (n) that of the row, times exp(log weight)
  std::vector<std::int64_t> family;  ///< (n) which of `first` each comes from
  std::vector<double> condition;     ///< (n, n_variables) of these; empty: none of their own
  std::vector<double> first;         ///< (m, n_dims) at the first frame
  std::vector<double> first_weight;  ///< (m) that of the row
  std::int64_t n_failed = 0;
  std::vector<inference::FailedParticle> first_failed;  ///< at most `named_failures`
};
constexpr std::size_t named_failures = 5;

/// The particles at the first frame.
struct PathStarts {
  std::int64_t count = 0;
  std::uint64_t seed = 1;  ///< of the resampling
  /// x (n, n_dims) of the particles begin .. end - 1. Collective.
  std::function<std::vector<double>(std::int64_t begin, std::int64_t end)> states;
  /// Their conditions (n, n_variables), one for all (n_variables), or none. Collective.
  std::function<std::vector<double>(std::int64_t begin, std::int64_t end)> conditions;
};

/// Makes /log_weight (S, N) where particles carry weights, and /ancestor and /origin (S, N) where they are resampled.
void create_weights(io::Hdf5Writer& file, const io::Shape& frames_and_particles, bool weighted,
                    bool resampled);

/// Follows every particle through all frames and writes /x (S, N, D), and /log_weight where particles carry weights.
/// Collective; the sums are those of the root.
/// @param file on the root, null elsewhere @param weights of the particles, on the root; empty: all the same
PathSums write_whole_paths(const Context& context, io::Hdf5Writer* file,
                           const inference::TrajectoryIntegrator& integrator, const PathStarts& starts,
                           const std::vector<double>& weights);

/// The same with births and deaths at each frame after the first, model.md (10.10): particle n of a frame is a copy of
/// particle /ancestor[frame, n] of the frame before, transported on, and comes from particle /origin[frame, n] of the first
/// frame, whose row and condition it has. /log_weight is the same for all particles of a frame,
/// the log of the mass relative to that at the first frame. A particle that fails dies. The result does not depend on the
/// number of ranks; each holds the states of all particles at one frame. Throws Error (numerical failure) on every rank where
/// no particle is left.
PathSums write_resampled_paths(const Context& context, io::Hdf5Writer* file,
                               const inference::TrajectoryIntegrator& integrator, const PathStarts& starts,
                               const std::vector<double>& weights);

}  // namespace rhoflux::apps
