#include "rhoflux/inference/simulated_objective.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "endpoint_comparison.hpp"
#include "objective_paths.hpp"
#include "objective_terms.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "rhoflux/mpi/blocks.hpp"
#include "rhoflux/objectives/gaussian_mixture.hpp"

namespace rhoflux::inference {
namespace {

using objectives::TermKind;

constexpr std::int64_t repeats = 16;          ///< independent estimates by the model, for the standard error
constexpr std::uint64_t start_stream = 3000;  ///< of the random draws of the model

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
std::vector<double> by_the_model(const Inference& inference, const ObjectiveTerms& terms,
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

/// The frame after the first at which paths miss the mass of the model by most.
Estimate worst_mass(const std::vector<Estimate>& frames) {
  const auto excess = [](const Estimate& mass) { return std::fabs(mass.mean - 1) - 5 * mass.error; };
  return *std::max_element(frames.begin() + 1, frames.end(),
                           [&](const Estimate& a, const Estimate& b) { return excess(a) < excess(b); });
}

/// The largest of shares that were counted over so many independent states each, and its standard error.
/// @param counts by share
Estimate largest_share(const std::vector<double>& shares, const std::vector<double>& counts) {
  if (shares.empty()) return unknown;
  const auto largest = std::max_element(shares.begin(), shares.end());
  const double count = counts[static_cast<std::size_t>(largest - shares.begin())];
  return {*largest, std::sqrt(*largest * (1 - *largest) / count)};
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
  const ObjectiveTerms terms(inference, costs, options.volatility);
  ObjectiveEvaluation result;
  if (terms.names.empty())
    fail_input("the objective of the checkpoint has likelihoods alone; give --data FILE to evaluate these");
  for (std::size_t k = 0; k < terms.names.size(); ++k)
    result.terms.push_back({terms.names[k], terms.weights[k], {}, {}});
  result.total.name = "weighted sum";
  result.total.weight = 1;
  set_estimates(by_the_model(inference, terms, comm, options), terms.weights, &TermComparison::model, result);
  const PathFrames frames = path_frames(inference, options.frames);
  PathFigures paths;
  // Points that stand for weighted paths are no independent pairs.
  result.grows = inference.grows();
  result.has_paths = !result.grows || costs.samples_per_time() == 1;
  if (result.has_paths) {
    const ConditionScope scope(inference, conditions_of(inference, objective, 0, options.paths));
    paths = simulate_paths(inference, terms, objective, starts_of_paths(inference, sources, comm, options),
                           comm, options, frames);
    result.n_paths = options.paths;
    result.path_mass = worst_mass(paths.mass);
    result.effective_paths = *std::min_element(paths.effective.begin(), paths.effective.end());
    set_estimates(paths.rows, terms.weights, &TermComparison::paths, result);
  } else {
    for (TermComparison& figures : result.terms) figures.paths = unknown;
    result.total.paths = unknown;
  }
  result.has_obstacles = objective.state_cost_potential.is_obstacle();
  if (result.has_obstacles) {
    const std::vector<double> model = inside_of_model(inference, objective, comm, options, frames.times);
    result.inside_model = mean_of(model);
    result.inside_model_most =
        largest_share(model, std::vector<double>(model.size(), static_cast<double>(options.draws)));
    result.inside_paths = mean_of(paths.inside);
    result.inside_paths_most = largest_share(paths.inside, paths.effective);
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
