#include "rhoflux/inference/simulated_objective.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "endpoint_comparison.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "rhoflux/mpi/blocks.hpp"
#include "rhoflux/objectives/expectations.hpp"
#include "rhoflux/objectives/gaussian_mixture.hpp"

namespace rhoflux::inference {
namespace {

using objectives::TermKind;

constexpr std::int64_t repeats = 16;          ///< independent estimates by the model, for the standard error
constexpr std::uint64_t start_stream = 3000;  ///< of the random draws of the model

/// The conditions of the model samples of an objective.
objectives::ConditionTable<double> objective_conditions(const Inference& inference,
                                                        const objectives::Config& objective) {
  const ConditionEncoding& encoding = inference.conditions();
  if (encoding.is_empty()) return {};
  const WeightedConditions choices = encoding.weighted(objective.conditions);
  return objectives::ConditionTable<double>::make(encoding.n_rows(), encoding.encoded(choices.conditions),
                                                  choices.weights);
}

/// Those of n paths or model samples, first, first + 1, ..; the ones of a group have the same.
std::vector<double> conditions_of(const Inference& inference, const objectives::Config& objective,
                                  std::int64_t first, std::int64_t n) {
  const ConditionEncoding& encoding = inference.conditions();
  if (encoding.is_empty()) return {};
  return spread_conditions(encoding, encoding.weighted(objective.conditions), first, n,
                           objective.samples_per_time());
}

/// The terms of an objective at the end of training, and sums over them.
class Terms {
 public:
  Terms(const Inference& inference, const objectives::Config& objective, const flux::Volatility& volatility) {
    for (const TermKind kind :
         {TermKind::integral, TermKind::initial_expectation, TermKind::terminal_expectation}) {
      if (!objective.has(kind)) continue;
      m_parts.push_back({kind, std::make_unique<objectives::Expectations<double>>(
                                   objective, inference.dynamics(),
                                   objectives::ExpectationOptions{kind, inference.model().units, volatility,
                                                                  default_chunk_size},
                                   objective_conditions(inference, objective))});
      for (int k = 0; k < m_parts.back().expectations->n_terms(); ++k) {
        names.push_back(m_parts.back().expectations->name(k));
        weights.push_back(m_parts.back().expectations->schedule(k).weight);
      }
    }
  }

  /// Calls visit(expectations, kind, totals) with the place of each part's totals.
  template <class Visit>
  void for_each(std::vector<double>& values, Visit&& visit) const {
    std::size_t first = 0;
    for (const Part& part : m_parts) {
      const auto totals = make_matrix<double>("totals", 2, part.expectations->n_terms());
      visit(*part.expectations, part.kind, totals);
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), totals);
      for (std::size_t k = 0; k < host.extent(1); ++k) values[first++] += host(0, k);
    }
  }

  std::vector<std::string> names;
  std::vector<double> weights;

 private:
  struct Part {
    TermKind kind;
    std::unique_ptr<objectives::Expectations<double>> expectations;
  };
  std::vector<Part> m_parts;
};

/// Means over the repetitions (rows) of each column, and of the columns weighted and added up.
void set_estimates(const std::vector<double>& rows, const std::vector<double>& weights,
                   Estimate TermComparison::*which, ObjectiveEvaluation& result) {
  const std::size_t n_terms = weights.size(), n = rows.size() / n_terms;
  const auto estimate = [&](const auto& of_row) {
    std::vector<double> values;
    for (std::size_t r = 0; r < n; ++r) values.push_back(of_row(r));
    return metrics::mean_of_independent(values);
  };
  for (std::size_t k = 0; k < n_terms; ++k)
    result.terms[k].*which = estimate([&](std::size_t r) { return rows[r * n_terms + k]; });
  result.total.*which = estimate([&](std::size_t r) {
    double sum = 0;
    for (std::size_t k = 0; k < n_terms; ++k) sum += weights[k] * rows[r * n_terms + k];
    return sum;
  });
}

/// Values of the terms (repeats, n_terms) by model samples.
std::vector<double> by_the_model(const Inference& inference, const Terms& terms,
                                 const mpi::Communicator& comm, const ObjectiveOptions& options) {
  const ScopedRegion region("expectations");
  const std::int64_t n = options.draws / repeats, chunk = default_chunk_size;
  return mpi::over_blocks(comm, {repeats, 1}, [&](std::int64_t repeat, std::int64_t end) {
    std::vector<double> values(terms.names.size(), 0.0);
    if (repeat == end) return values;
    const objectives::SampleConfig draws = {options.seed, repeat, n};
    for (std::int64_t first = 0; first < n; first += chunk)
      terms.for_each(values, [&](auto& expectations, TermKind, const Matrix<double>& totals) {
        expectations.accumulate(ExecutionSpace(), inference.parameters(), draws, first,
                                static_cast<int>(std::min(chunk, n - first)), terms.weights, Vector<double>(),
                                totals);
      });
    return values;
  });
}

/// Weight of a frame in the trapezoidal rule over all of them.
double trapezoid(std::size_t frame, std::size_t n_frames, double span) {
  const double width = span / static_cast<double>(n_frames - 1);
  return frame == 0 || frame + 1 == n_frames ? width / 2 : width;
}

/// What one block of paths gives: values of the terms, and the share inside obstacles by frame.
struct BlockFigures {
  std::vector<double> values, inside;
};

BlockFigures follow(const Inference& inference, const Terms& terms, const objectives::Potential& obstacles,
                    const std::vector<double>& frames, const Trajectories& paths, std::int64_t block) {
  const Units& units = inference.model().units;
  const int n_dims = inference.n_dims(), n = paths_per_block;
  const auto dims = static_cast<std::size_t>(n_dims), count = static_cast<std::size_t>(n);
  BlockFigures figures = {std::vector<double>(terms.names.size(), 0.0),
                          std::vector<double>(frames.size(), 0.0)};
  const density::Points<double> points = {make_vector<double>("tau", n), make_matrix<double>("x", n_dims, n),
                                          inference.condition_rows(0, n)};
  const auto x_host = Kokkos::create_mirror_view(points.x);
  for (std::size_t frame = 0; frame < frames.size(); ++frame) {
    for (std::size_t s = 0; s < count; ++s) {
      const double* x = &paths.x[(s * frames.size() + frame) * dims];
      for (std::size_t i = 0; i < dims; ++i) x_host(i, s) = units.to_model(x[i], i);
      if (obstacles.is_inside(x)) figures.inside[frame] += 1 / static_cast<double>(n);
    }
    Kokkos::deep_copy(points.x, x_host);
    Kokkos::deep_copy(points.tau, units.tau(frames[frame]));
    const double share = trapezoid(frame, frames.size(), units.time_span()) / n;
    const bool is_first = frame == 0, is_last = frame + 1 == frames.size();
    terms.for_each(figures.values, [&](auto& expectations, TermKind kind, const Matrix<double>& totals) {
      if (kind == TermKind::initial_expectation && !is_first) return;
      if (kind == TermKind::terminal_expectation && !is_last) return;
      const objectives::SampleConfig key = {0, static_cast<std::int64_t>(frame), n};
      expectations.accumulate_at(ExecutionSpace(), inference.parameters(),
                                 {points, kind == TermKind::integral ? share : 1.0 / n, 0, key, block * n},
                                 terms.weights, Vector<double>(), totals);
    });
  }
  return figures;
}

/// All that the paths give, on every rank.
struct PathFigures {
  std::vector<double> rows;         ///< (blocks, n_terms)
  std::vector<double> inside;       ///< by frame
  std::vector<double> first, last;  ///< (paths, D), units of the data
};

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

PathFigures simulate(const Inference& inference, const Terms& terms, const objectives::Config& objective,
                     const std::vector<double>& start, const mpi::Communicator& comm,
                     const ObjectiveOptions& options, const std::vector<double>& frames) {
  const ScopedRegion region("simulation");
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  const std::size_t n_terms = terms.names.size(), n_frames = frames.size(),
                    block_size = static_cast<std::size_t>(paths_per_block) * dims;
  const TrajectoryIntegrator integrator(inference, path_options(options, frames));
  const objectives::Potential obstacles =
      objective.state_cost_potential.is_obstacle() ? objective.state_cost_potential : objectives::Potential();
  // Of each block the values of the terms, the shares inside by frame, the starts and the ends.
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> numbers;
    if (begin == end) return numbers;
    const auto from = start.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(begin) * dims);
    const std::vector<double> x(from, from + static_cast<std::ptrdiff_t>(block_size));
    const ConditionScope scope(inference, conditions_of(inference, objective, begin, end - begin));
    const Trajectories paths = integrator.integrate(x, begin);
    require_all_followed(paths);  // a mean without those that leave would be that of others
    const BlockFigures figures = follow(inference, terms, obstacles, frames, paths, begin / paths_per_block);
    for (const std::vector<double>* part : {&figures.values, &figures.inside, &x})
      numbers.insert(numbers.end(), part->begin(), part->end());
    for (std::size_t s = 0; s < paths_per_block; ++s) {
      const double* last = &paths.x[((s + 1) * n_frames - 1) * dims];
      numbers.insert(numbers.end(), last, last + dims);
    }
    return numbers;
  };
  const std::vector<double> all = mpi::over_blocks(comm, {options.paths, paths_per_block}, compute);
  PathFigures figures;
  figures.inside.assign(n_frames, 0.0);
  const auto blocks = static_cast<double>(options.paths / paths_per_block);
  for (auto at = all.begin(); at != all.end();) {
    const auto take = [&](std::size_t count, std::vector<double>& to) {
      to.insert(to.end(), at, at + static_cast<std::ptrdiff_t>(count));
      at += static_cast<std::ptrdiff_t>(count);
    };
    take(n_terms, figures.rows);
    for (std::size_t frame = 0; frame < n_frames; ++frame) figures.inside[frame] += *at++ / blocks;
    take(block_size, figures.first);
    take(block_size, figures.last);
  }
  return figures;
}

/// Share of the model's mass inside the obstacles, by frame.
std::vector<double> inside_of_model(const Inference& inference, const objectives::Config& objective,
                                    const mpi::Communicator& comm, const ObjectiveOptions& options,
                                    const std::vector<double>& frames) {
  const objectives::Potential& obstacles = objective.state_cost_potential;
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  const ConditionScope scope(inference, conditions_of(inference, objective, 0, options.draws));
  const auto compute = [&](std::int64_t frame, std::int64_t end) {
    if (frame == end) return std::vector<double>();
    const std::vector<double> x =
        inference.sample_at(frames[static_cast<std::size_t>(frame)], 0, options.draws, options.seed,
                            start_stream + 10 + static_cast<std::uint64_t>(frame));
    double inside = 0;
    for (std::size_t s = 0; s < x.size() / dims; ++s) inside += obstacles.is_inside(&x[s * dims]) ? 1 : 0;
    return std::vector<double>{inside / static_cast<double>(options.draws)};
  };
  return mpi::over_blocks(comm, {static_cast<std::int64_t>(frames.size()), 1}, compute);
}

/// What paths would give where there are none.
constexpr Estimate unknown = {std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::quiet_NaN()};

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return unknown.mean;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Times from the first to the last of the model.
std::vector<double> frames_of(const Units& units, const ObjectiveOptions& options) {
  std::vector<double> frames;
  for (int k = 0; k < options.frames; ++k)
    frames.push_back(units.t_first + units.time_span() * k / (options.frames - 1));
  return frames;
}

/// Where the paths start.
std::vector<double> starts_of_paths(const Inference& inference, const data::Sources& sources,
                                    const mpi::Communicator& comm, const ObjectiveOptions& options) {
  const bool starts_from_distribution =
      options.start_from_distribution && sources.initial.is_given() && !sources.initial.file;
  if (starts_from_distribution)
    return draw_distribution(sources.initial, comm, options.paths, options.seed,
                             RandomPurpose::initial_distribution, objectives::Spread::independent);
  return inference.sample_at(inference.model().units.t_first, 0, options.paths, options.seed, start_stream);
}

/// The largest of shares that were counted over so many independent states each, and its standard error.
Estimate largest_share(const std::vector<double>& shares, std::int64_t count) {
  if (shares.empty()) return unknown;
  const double share = *std::max_element(shares.begin(), shares.end());
  return {share, std::sqrt(share * (1 - share) / static_cast<double>(count))};
}

}  // namespace

ObjectiveEvaluation evaluate_objective(const Inference& inference, const objectives::Config& objective,
                                       const data::Sources& sources, const mpi::Communicator& comm,
                                       const ObjectiveOptions& options) {
  const Units& units = inference.model().units;
  // How well the ends meet their distributions is said of each distribution, it is not a cost.
  objectives::Config costs = objective.without_saturation();
  for (const objectives::TermRow& row : costs.registry().rows())
    if (row.report == objectives::Report::as_fit) costs.schedule(row.name) = {};
  const Terms terms(inference, costs, options.volatility);
  ObjectiveEvaluation result;
  if (terms.names.empty())
    fail_input("the objective of the checkpoint has likelihoods alone; give --data FILE to evaluate these");
  for (std::size_t k = 0; k < terms.names.size(); ++k)
    result.terms.push_back({terms.names[k], terms.weights[k], {}, {}});
  result.total.name = "weighted sum";
  result.total.weight = 1;
  set_estimates(by_the_model(inference, terms, comm, options), terms.weights, &TermComparison::model, result);
  const std::vector<double> frames = frames_of(units, options);
  PathFigures paths;
  result.has_paths = !inference.grows();
  if (result.has_paths) {
    const ConditionScope scope(inference, conditions_of(inference, objective, 0, options.paths));
    paths = simulate(inference, terms, objective, starts_of_paths(inference, sources, comm, options), comm,
                     options, frames);
    set_estimates(paths.rows, terms.weights, &TermComparison::paths, result);
  } else {
    for (TermComparison& figures : result.terms) figures.paths = unknown;
    result.total.paths = unknown;
  }
  result.has_obstacles = objective.state_cost_potential.is_obstacle();
  if (result.has_obstacles) {
    const std::vector<double> model = inside_of_model(inference, objective, comm, options, frames);
    result.inside_model = mean_of(model);
    result.inside_model_most = largest_share(model, options.draws);
    result.inside_paths = mean_of(paths.inside);
    result.inside_paths_most = largest_share(paths.inside, options.paths);
  }
  const ScopedRegion region("optimal transport");
  if (sources.initial.is_given())
    result.distributions.push_back(compare_distribution("initial", sources.initial, units.t_first, inference,
                                                        paths.first, comm, options));
  if (sources.terminal.is_given())
    result.distributions.push_back(compare_distribution("terminal", sources.terminal, units.t_last, inference,
                                                        paths.last, comm, options));
  return result;
}

}  // namespace rhoflux::inference
