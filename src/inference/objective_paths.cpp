#include "objective_paths.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rhoflux/device/profiling.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/inference/weighted_particles.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

using objectives::TermKind;

/// What is said of some paths at a frame, sums that are added up over blocks.
struct FrameSums {
  double inside = 0, weight = 0, squares = 0;  ///< sums of w inside obstacles, w and w^2
};

/// What one block of paths gives: values of the terms, and sums by frame.
struct BlockFigures {
  std::vector<double> values;
  std::vector<FrameSums> frames;
};

/// Paths of a block and what they weigh.
struct WeightedPaths {
  const Trajectories& paths;
  const std::vector<double>& log_mass;  ///< (n_frames) of the model
  std::int64_t block = 0;

  /// log of w M(first) / M(t) of all paths, whose mean is 1 over the model; empty where they carry no weights.
  std::vector<double> log_weights(std::size_t frame) const {
    std::vector<double> result;
    const std::size_t n_frames = log_mass.size();
    for (std::size_t at = frame; at < paths.log_weight.size(); at += n_frames)
      result.push_back(paths.log_weight[at] - (log_mass[frame] - log_mass[0]));
    return result;
  }
};

/// Points of equal weight that stand for paths at a frame.
struct EqualPoints {
  std::vector<std::int64_t> path;  ///< the path that each is of
  double log_weight = 0;           ///< of each
};

EqualPoints equal_points(const std::vector<double>& log_weights, std::size_t n, double uniform) {
  if (log_weights.empty()) {
    EqualPoints all = {std::vector<std::int64_t>(n), 0};
    std::iota(all.path.begin(), all.path.end(), 0);
    return all;
  }
  const Resampling chosen = resample(log_weights, std::vector<double>(n, 1.0), uniform);
  return {chosen.ancestor, chosen.log_mean_weight};
}

/// Columns of the conditions of a block, in the order of the paths that its points are of.
Matrix<double> conditions_in_order(const Matrix<double>& conditions, const std::vector<std::int64_t>& path) {
  if (conditions.extent(0) == 0) return conditions;
  const Matrix<double> result = make_matrix<double>("conditions", static_cast<int>(conditions.extent(0)),
                                                    static_cast<int>(path.size()));
  const auto from = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), conditions);
  const auto to = Kokkos::create_mirror_view(result);
  for (std::size_t c = 0; c < to.extent(0); ++c)
    for (std::size_t s = 0; s < path.size(); ++s) to(c, s) = from(c, path[s]);
  Kokkos::deep_copy(result, to);
  return result;
}

FrameSums frame_sums(const WeightedPaths& block, const std::vector<double>& log_weights,
                     const objectives::Potential& obstacles, std::size_t frame, std::size_t dims) {
  FrameSums sums;
  for (std::size_t s = 0; s < paths_per_block; ++s) {
    const double weight = log_weights.empty() ? 1.0 : std::exp(log_weights[s]);
    sums.weight += weight;
    sums.squares += weight * weight;
    if (obstacles.is_inside(&block.paths.x[(s * block.log_mass.size() + frame) * dims]))
      sums.inside += weight;
  }
  return sums;
}

BlockFigures follow(const Inference& inference, const ObjectiveTerms& terms,
                    const objectives::Potential& obstacles, const PathFrames& frames,
                    const WeightedPaths& block, std::uint64_t seed) {
  const Units& units = inference.model().units;
  const int n_dims = inference.n_dims(), n = paths_per_block;
  const auto dims = static_cast<std::size_t>(n_dims), count = static_cast<std::size_t>(n);
  BlockFigures figures = {std::vector<double>(terms.names.size(), 0.0), {}};
  const Matrix<double> conditions = inference.condition_rows(0, n);
  density::Points<double> points = {make_vector<double>("tau", n), make_matrix<double>("x", n_dims, n), {}};
  const auto x_host = Kokkos::create_mirror_view(points.x);
  for (std::size_t frame = 0; frame < frames.times.size(); ++frame) {
    const std::vector<double> log_weights = block.log_weights(frame);
    const EqualPoints chosen = equal_points(
        log_weights, count, resampling_uniform(seed, frame, static_cast<std::uint64_t>(block.block)));
    for (std::size_t s = 0; s < count; ++s) {
      const auto path = static_cast<std::size_t>(chosen.path[s]);
      const double* x = &block.paths.x[(path * frames.times.size() + frame) * dims];
      for (std::size_t i = 0; i < dims; ++i) x_host(i, s) = units.to_model(x[i], i);
    }
    figures.frames.push_back(frame_sums(block, log_weights, obstacles, frame, dims));
    Kokkos::deep_copy(points.x, x_host);
    Kokkos::deep_copy(points.tau, units.tau(frames.times[frame]));
    points.conditions = conditions_in_order(conditions, chosen.path);
    const double weight = std::exp(chosen.log_weight);
    const double share = frames.weights[frame] / n * weight;
    const bool is_first = frame == 0, is_last = frame + 1 == frames.times.size();
    terms.for_each(figures.values, [&](auto& expectations, TermKind kind, const Matrix<double>& totals) {
      if (kind == TermKind::initial_expectation && !is_first) return;
      if (kind == TermKind::terminal_expectation && !is_last) return;
      const objectives::SampleConfig key = {0, static_cast<std::int64_t>(frame), n};
      expectations.accumulate_at(
          ExecutionSpace(), inference.parameters(),
          {points, kind == TermKind::integral ? share : weight / n, 0, key, block.block * n}, terms.weights,
          Vector<double>(), totals);
    });
  }
  return figures;
}

TrajectoryOptions path_options(const ObjectiveOptions& options, const std::vector<double>& frames) {
  TrajectoryOptions result;
  result.frames = frames;
  result.volatility = options.volatility;
  result.adaptive = false;
  result.scheme = options.scheme;
  result.steps = options.steps;
  result.seed = options.seed;
  return result;
}

/// The numbers that a block of paths sends to all ranks: values of the terms, sums by frame, starts, ends, and the log
/// weights of these where they carry some.
std::vector<double> numbers_of(const BlockFigures& figures, const std::vector<double>& start,
                               const WeightedPaths& block, std::size_t dims) {
  const std::size_t n_frames = figures.frames.size();
  std::vector<double> numbers = figures.values;
  for (const FrameSums& sums : figures.frames)
    numbers.insert(numbers.end(), {sums.inside, sums.weight, sums.squares});
  numbers.insert(numbers.end(), start.begin(), start.end());
  for (std::size_t s = 0; s < paths_per_block; ++s) {
    const double* last = &block.paths.x[((s + 1) * n_frames - 1) * dims];
    numbers.insert(numbers.end(), last, last + dims);
  }
  const std::vector<double> log_weights = block.log_weights(n_frames - 1);
  numbers.insert(numbers.end(), log_weights.begin(), log_weights.end());
  return numbers;
}

/// Of all blocks.
PathFigures gathered(const std::vector<double>& all, std::size_t n_terms, std::size_t n_frames,
                     std::size_t dims, bool has_weights) {
  PathFigures figures;
  std::vector<FrameSums> sums(n_frames);
  std::vector<double> log_weights;
  for (auto at = all.begin(); at != all.end();) {
    const auto take = [&](std::size_t count, std::vector<double>& to) {
      to.insert(to.end(), at, at + static_cast<std::ptrdiff_t>(count));
      at += static_cast<std::ptrdiff_t>(count);
    };
    take(n_terms, figures.rows);
    for (FrameSums& frame : sums) {
      frame.inside += *at++;
      frame.weight += *at++;
      frame.squares += *at++;
    }
    take(paths_per_block * dims, figures.first);
    take(paths_per_block * dims, figures.last);
    if (has_weights) take(paths_per_block, log_weights);
  }
  const auto n = static_cast<double>(figures.last.size() / dims);
  for (const FrameSums& frame : sums) {
    const double mean = frame.weight / n, variance = frame.squares / n - mean * mean;
    figures.mass.push_back({mean, std::sqrt(std::max(0.0, variance) / n)});
    figures.inside.push_back(frame.inside / frame.weight);
    figures.effective.push_back(frame.weight / frame.squares * frame.weight);
  }
  if (!has_weights) return figures;
  const std::vector<double> ends = figures.last;
  std::size_t s = 0;
  for (const std::int64_t path : equal_points(log_weights, log_weights.size(), 0.5).path)
    std::copy_n(&ends[static_cast<std::size_t>(path) * dims], dims, &figures.last[dims * s++]);
  return figures;
}

}  // namespace

PathFrames path_frames(const Inference& inference, int n) {
  const Units& units = inference.model().units;
  PathFrames frames;
  if (!inference.grows()) {
    const double width = units.time_span() / (n - 1);
    for (int k = 0; k < n; ++k) {
      frames.times.push_back(units.t_first + units.time_span() * k / (n - 1));
      frames.weights.push_back(k == 0 || k + 1 == n ? width / 2 : width);
    }
    return frames;
  }
  std::vector<double> ends = {0};  // of the parts, as shares of the time range
  for (const double tau : inference.model().flux.mass.t)
    if (tau > ends.back() && tau < 1) ends.push_back(tau);
  ends.push_back(1);
  frames = {{units.t_first}, {0}};
  for (std::size_t part = 0; part + 1 < ends.size(); ++part) {
    const double length = ends[part + 1] - ends[part];
    const int count = std::max(1, static_cast<int>(std::lround((n - 2) * length)));
    for (int k = 0; k < count; ++k) {
      frames.times.push_back(units.time(ends[part] + length * (k + 0.5) / count));
      frames.weights.push_back(units.time_span() * length / count);
    }
  }
  frames.times.push_back(units.t_last);
  frames.weights.push_back(0);
  return frames;
}

PathFigures simulate_paths(const Inference& inference, const ObjectiveTerms& terms,
                           const objectives::Config& objective, const std::vector<double>& start,
                           const mpi::Communicator& comm, const ObjectiveOptions& options,
                           const PathFrames& frames) {
  const ScopedRegion region("simulation");
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  const std::size_t block_size = static_cast<std::size_t>(paths_per_block) * dims;
  const TrajectoryIntegrator integrator(inference, path_options(options, frames.times));
  const std::vector<double> log_mass = inference.log_mass(frames.times);
  const objectives::Potential obstacles =
      objective.state_cost_potential.is_obstacle() ? objective.state_cost_potential : objectives::Potential();
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    if (begin == end) return std::vector<double>();
    const auto from = start.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(begin) * dims);
    const std::vector<double> x(from, from + static_cast<std::ptrdiff_t>(block_size));
    const ConditionScope scope(inference, conditions_of(inference, objective, begin, end - begin));
    const Trajectories paths = integrator.integrate(x, begin);
    require_all_followed(paths);  // a mean without those that leave would be that of others
    const WeightedPaths block = {paths, log_mass, begin / paths_per_block};
    return numbers_of(follow(inference, terms, obstacles, frames, block, options.seed), x, block, dims);
  };
  return gathered(mpi::over_blocks(comm, {options.paths, paths_per_block}, compute), terms.names.size(),
                  frames.times.size(), dims, integrator.has_weights());
}

}  // namespace rhoflux::inference
