#include "rhoflux/inference/simulated_objective.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>

#include "rhoflux/core/error.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/metrics/wasserstein.hpp"
#include "rhoflux/objectives/expectations.hpp"
#include "rhoflux/objectives/gaussian_mixture.hpp"

namespace rhoflux::inference {
namespace {

using objectives::TermKind;

constexpr std::int64_t repeats = 16;          ///< independent estimates by the model, for the standard error
constexpr std::uint64_t start_stream = 3000;  ///< of the random draws of the model
constexpr std::uint64_t compare_stream = 3001;  ///< one for each end
constexpr std::int64_t max_points = 1024;       ///< of optimal transport

/// The terms of an objective at the end of training, and sums over them.
class Terms {
 public:
  Terms(const Inference& inference, const objectives::Config& objective, const flux::Volatility& noise) {
    for (const TermKind kind :
         {TermKind::integral, TermKind::initial_expectation, TermKind::terminal_expectation}) {
      if (!objective.has(kind)) continue;
      m_parts.push_back({kind, std::make_unique<objectives::Expectations<double>>(
                                   objective, inference.dynamics(),
                                   objectives::ExpectationOptions{kind, inference.model().units, noise,
                                                                  Inference::chunk()})});
      for (int k = 0; k < m_parts.back().expectations->n_terms(); ++k) {
        names.push_back(m_parts.back().expectations->name(k));
        weights.push_back(m_parts.back().expectations->schedule(k).weight);
      }
    }
  }

  /// Calls visit(expectations, kind, values) with the place of each part's values.
  template <class Visit>
  void for_each(std::vector<double>& values, Visit&& visit) const {
    std::size_t first = 0;
    for (const Part& part : m_parts) {
      std::vector<objectives::TermSums> sums(static_cast<std::size_t>(part.expectations->n_terms()));
      visit(*part.expectations, part.kind, sums.data());
      for (const objectives::TermSums& sum : sums) values[first++] += sum.value;
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
    double sum = 0, squares = 0;
    for (std::size_t r = 0; r < n; ++r) sum += of_row(r);
    const double mean = sum / static_cast<double>(n);
    for (std::size_t r = 0; r < n; ++r) squares += (of_row(r) - mean) * (of_row(r) - mean);
    return Estimate{mean, std::sqrt(squares / static_cast<double>(n) / static_cast<double>(n - 1))};
  };
  for (std::size_t k = 0; k < n_terms; ++k)
    result.terms[k].*which = estimate([&](std::size_t r) { return rows[r * n_terms + k]; });
  result.total.*which = estimate([&](std::size_t r) {
    double sum = 0;
    for (std::size_t k = 0; k < n_terms; ++k) sum += weights[k] * rows[r * n_terms + k];
    return sum;
  });
}

/// Values of the terms (repeats, n_terms) by draws from the model.
std::vector<double> by_the_model(const Inference& inference, const Terms& terms,
                                 const mpi::Communicator& comm, const ObjectiveOptions& options) {
  const ScopedRegion region("expectations");
  const std::int64_t n = options.draws / repeats, chunk = Inference::chunk();
  const mpi::Share mine = mpi::share_of(repeats, comm.rank(), comm.size());
  std::vector<double> rows;
  for (std::int64_t repeat = mine.begin; repeat < mine.end; ++repeat) {
    std::vector<double> values(terms.names.size(), 0.0);
    const objectives::SampleConfig draws = {options.seed, repeat, n};
    for (std::int64_t first = 0; first < n; first += chunk)
      terms.for_each(values, [&](auto& expectations, TermKind, objectives::TermSums* sums) {
        expectations.accumulate(ExecutionSpace(), inference.parameters(), draws, first,
                                static_cast<int>(std::min(chunk, n - first)), terms.weights, Vector<double>(),
                                sums);
      });
    rows.insert(rows.end(), values.begin(), values.end());
  }
  return comm.all_gather(rows);
}

/// Draws from a distribution, or rows of its file: (at most n, D), units of the data, the same on every rank.
std::vector<double> draw_distribution(const data::EndpointSource& given, const mpi::Communicator& comm,
                                      std::int64_t n, std::uint64_t seed, RandomPurpose purpose,
                                      objectives::Spread spread) {
  if (!given.file) return objectives::sample_gaussians(given.distribution, {n, seed, purpose, spread});
  return data::initial_rows(*given.file, comm, Units::identity(given.file->info().n_dims), n).x;
}

std::vector<double> draw_model(const Inference& inference, std::int64_t n, double t, std::uint64_t seed,
                               std::uint64_t stream) {
  std::vector<std::int64_t> index;
  for (std::int64_t k = 0; k < n; ++k) index.push_back(k);
  return inference.sample(std::vector<double>(index.size(), t), index, seed, stream);
}

/// Weight of a frame in the trapezoidal rule over all of them.
double trapezoid(std::size_t frame, std::size_t n_frames, double span) {
  const double width = span / static_cast<double>(n_frames - 1);
  return frame == 0 || frame + 1 == n_frames ? width / 2 : width;
}

/// What one block of paths has to say: values of the terms, and the share inside obstacles by frame.
struct BlockFigures {
  std::vector<double> values, inside;
};

BlockFigures follow(const Inference& inference, const Terms& terms, const objectives::Potential& obstacles,
                    const std::vector<double>& frames, const Trajectories& paths, std::int64_t block) {
  const Units& units = inference.model().units;
  const int n_dims = inference.n_dims(), n = Inference::chunk();
  const auto dims = static_cast<std::size_t>(n_dims), count = static_cast<std::size_t>(n);
  BlockFigures figures = {std::vector<double>(terms.names.size(), 0.0),
                          std::vector<double>(frames.size(), 0.0)};
  const density::Points<double> points = {make_vector<double>("tau", n), make_matrix<double>("x", n_dims, n)};
  const auto x_host = Kokkos::create_mirror_view(points.x);
  for (std::size_t frame = 0; frame < frames.size(); ++frame) {
    for (std::size_t s = 0; s < count; ++s) {
      const double* x = &paths.x[(s * frames.size() + frame) * dims];
      for (std::size_t i = 0; i < dims; ++i) x_host(i, s) = (x[i] - units.mean[i]) / units.scale[i];
      if (obstacles.is_inside(x)) figures.inside[frame] += 1 / static_cast<double>(n);
    }
    Kokkos::deep_copy(points.x, x_host);
    Kokkos::deep_copy(points.tau, units.tau(frames[frame]));
    const double share = trapezoid(frame, frames.size(), units.time_span()) / n;
    const bool is_first = frame == 0, is_last = frame + 1 == frames.size();
    terms.for_each(figures.values, [&](auto& expectations, TermKind kind, objectives::TermSums* sums) {
      if (kind == TermKind::initial_expectation && !is_first) return;
      if (kind == TermKind::terminal_expectation && !is_last) return;
      const objectives::SampleConfig key = {0, static_cast<std::int64_t>(frame), n};
      expectations.accumulate_at(ExecutionSpace(), inference.parameters(),
                                 {points, kind == TermKind::integral ? share : 1.0 / n, 0, key, block * n},
                                 terms.weights, Vector<double>(), sums);
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

PathFigures simulate(const Inference& inference, const Terms& terms, const objectives::Config& objective,
                     const std::vector<double>& start, const mpi::Communicator& comm,
                     const ObjectiveOptions& options, const std::vector<double>& frames) {
  const ScopedRegion region("simulation");
  TrajectoryOptions moving;
  moving.frames = frames;
  moving.noise = options.noise;
  moving.adaptive = false;
  moving.scheme = options.scheme;
  moving.steps = options.steps;
  moving.seed = options.seed;
  const TrajectoryIntegrator mover(inference, moving);
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  const auto block_size = static_cast<std::size_t>(Inference::chunk()) * dims;
  const std::int64_t blocks = options.paths / Inference::chunk();
  const mpi::Share mine = mpi::share_of(blocks, comm.rank(), comm.size());
  const objectives::Potential obstacles =
      objective.state_cost_potential.is_obstacle() ? objective.state_cost_potential : objectives::Potential();
  PathFigures local;
  std::vector<double> inside;
  for (std::int64_t block = mine.begin; block < mine.end; ++block) {
    const auto begin =
        start.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(block) * block_size);
    const std::vector<double> x(begin, begin + static_cast<std::ptrdiff_t>(block_size));
    const Trajectories paths = mover.move(x, block * Inference::chunk());
    const BlockFigures figures = follow(inference, terms, obstacles, frames, paths, block);
    local.rows.insert(local.rows.end(), figures.values.begin(), figures.values.end());
    inside.insert(inside.end(), figures.inside.begin(), figures.inside.end());
    local.first.insert(local.first.end(), x.begin(), x.end());
    for (std::size_t s = 0; s < x.size() / dims; ++s) {
      const auto row = paths.x.begin() + static_cast<std::ptrdiff_t>(((s + 1) * frames.size() - 1) * dims);
      local.last.insert(local.last.end(), row, row + static_cast<std::ptrdiff_t>(dims));
    }
  }
  PathFigures all = {comm.all_gather(local.rows), std::vector<double>(frames.size(), 0.0),
                     comm.all_gather(local.first), comm.all_gather(local.last)};
  const std::vector<double> every = comm.all_gather(inside);
  for (std::size_t k = 0; k < every.size(); ++k)
    all.inside[k % frames.size()] += every[k] / static_cast<double>(blocks);
  return all;
}

/// Share of the model's mass inside the obstacles, by frame.
std::vector<double> inside_of_model(const Inference& inference, const objectives::Potential& obstacles,
                                    const mpi::Communicator& comm, const ObjectiveOptions& options,
                                    const std::vector<double>& frames) {
  const mpi::Share mine = mpi::share_of(static_cast<std::int64_t>(frames.size()), comm.rank(), comm.size());
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  std::vector<double> shares;
  for (std::int64_t frame = mine.begin; frame < mine.end; ++frame) {
    const std::vector<double> x =
        draw_model(inference, options.draws, frames[static_cast<std::size_t>(frame)], options.seed,
                   start_stream + 10 + static_cast<std::uint64_t>(frame));
    double inside = 0;
    for (std::size_t s = 0; s < x.size() / dims; ++s) inside += obstacles.is_inside(&x[s * dims]) ? 1 : 0;
    shares.push_back(inside / static_cast<double>(options.draws));
  }
  return comm.all_gather(shares);
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// The largest of shares that were counted over so many independent states each, and its standard error.
Estimate largest_share(const std::vector<double>& shares, std::int64_t count) {
  const double share = *std::max_element(shares.begin(), shares.end());
  return {share, std::sqrt(share * (1 - share) / static_cast<double>(count))};
}

/// -log rho of draws from a distribution, and distances at its time.
/// @param ends the paths at that time, (paths, D)
EndpointFigures compare_distribution(const char* name, const data::EndpointSource& given, double t,
                                     const Inference& inference, const std::vector<double>& ends,
                                     const mpi::Communicator& comm, const ObjectiveOptions& options) {
  const bool is_first = t == inference.model().units.t_first;
  const RandomPurpose purpose =
      is_first ? RandomPurpose::initial_distribution : RandomPurpose::terminal_distribution;
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  const std::vector<double> even =
      draw_distribution(given, comm, options.draws, options.seed, purpose, objectives::Spread::even);
  EndpointFigures figures;
  figures.name = name;
  const std::size_t count = even.size() / dims;
  double sum = 0;
  for (const double value : inference.standardised_log_density(std::vector<double>(count, t), even))
    sum += value;
  figures.nll = inference.model().units.log_volume() - sum / static_cast<double>(count);
  figures.points = std::min<std::int64_t>({max_points, static_cast<std::int64_t>(count), options.paths});
  const auto n = static_cast<std::size_t>(figures.points);
  const auto thinned = [&](const std::vector<double>& x) {
    std::vector<double> kept;
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t row = k * (x.size() / dims) / n;
      kept.insert(kept.end(), x.begin() + static_cast<std::ptrdiff_t>(row * dims),
                  x.begin() + static_cast<std::ptrdiff_t>((row + 1) * dims));
    }
    return kept;
  };
  // Trajectories from the distribution start at draws of this seed, so that the distribution is compared by
  // others.
  const auto other_draws = [&](std::uint64_t which) {
    return draw_distribution(given, comm, options.draws, options.seed + which, purpose,
                             objectives::Spread::independent);
  };
  const std::vector<double> distribution = other_draws(1);
  const auto w2 = [&](const std::vector<double>& other) {
    return metrics::wasserstein(thinned(distribution).data(), thinned(other).data(), static_cast<int>(n),
                                static_cast<int>(dims), 2);
  };
  figures.w2_model =
      w2(draw_model(inference, figures.points, t, options.seed, compare_stream + (is_first ? 0 : 1)));
  figures.w2_paths = w2(ends);
  figures.w2_floor = given.file ? std::numeric_limits<double>::quiet_NaN() : w2(other_draws(2));
  return figures;
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
  const Terms terms(inference, costs, options.noise);
  ObjectiveEvaluation result;
  if (terms.names.empty())
    fail_input("the objective of the checkpoint has likelihoods alone; give --data FILE to evaluate these");
  for (std::size_t k = 0; k < terms.names.size(); ++k)
    result.terms.push_back({terms.names[k], terms.weights[k], {}, {}});
  result.total.name = "weighted sum";
  result.total.weight = 1;
  set_estimates(by_the_model(inference, terms, comm, options), terms.weights, &TermComparison::model, result);
  std::vector<double> frames;
  for (int k = 0; k < options.frames; ++k)
    frames.push_back(units.t_first + units.time_span() * k / (options.frames - 1));
  const bool from_law =
      options.start_from_distribution && sources.initial.is_given() && !sources.initial.file;
  const std::vector<double> start =
      from_law ? draw_distribution(sources.initial, comm, options.paths, options.seed,
                                   RandomPurpose::initial_distribution, objectives::Spread::independent)
               : draw_model(inference, options.paths, units.t_first, options.seed, start_stream);
  const PathFigures paths = simulate(inference, terms, objective, start, comm, options, frames);
  set_estimates(paths.rows, terms.weights, &TermComparison::paths, result);
  result.has_obstacles = objective.state_cost_potential.is_obstacle();
  if (result.has_obstacles) {
    const std::vector<double> model =
        inside_of_model(inference, objective.state_cost_potential, comm, options, frames);
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

std::string to_json(const ObjectiveEvaluation& evaluation) {
  std::ostringstream json;
  json.precision(12);
  const auto number = [&](const char* name, double value) {
    json << ", \"" << name << "\": ";
    if (std::isfinite(value))
      json << value;
    else
      json << "null";
  };
  const auto term = [&](const TermComparison& figures) {
    json << "{\"name\": \"" << figures.name << "\"";
    number("weight", figures.weight);
    number("model", figures.model.mean);
    number("model_error", figures.model.error);
    number("simulated", figures.paths.mean);
    number("simulated_error", figures.paths.error);
    number("difference", figures.paths.mean - figures.model.mean);
    json << "}";
  };
  json << "{\"terms\": [";
  for (std::size_t k = 0; k < evaluation.terms.size(); ++k) {
    json << (k == 0 ? "" : ",\n    ");
    term(evaluation.terms[k]);
  }
  json << "],\n   \"total\": ";
  term(evaluation.total);
  if (evaluation.has_obstacles) {
    json << ",\n   \"inside_obstacles\": {\"model_mean\": " << evaluation.inside_model;
    number("model_most", evaluation.inside_model_most.mean);
    number("model_most_error", evaluation.inside_model_most.error);
    number("simulated_mean", evaluation.inside_paths);
    number("simulated_most", evaluation.inside_paths_most.mean);
    number("simulated_most_error", evaluation.inside_paths_most.error);
    json << "}";
  }
  json << ",\n   \"laws\": [";
  for (std::size_t k = 0; k < evaluation.distributions.size(); ++k) {
    const EndpointFigures& distribution = evaluation.distributions[k];
    json << (k == 0 ? "" : ",\n    ") << "{\"name\": \"" << distribution.name << "\"";
    number("nll", distribution.nll);
    number("w2_model", distribution.w2_model);
    number("w2_simulated", distribution.w2_paths);
    number("w2_floor", distribution.w2_floor);
    json << ", \"points\": " << distribution.points << "}";
  }
  json << "]}";
  return json.str();
}

std::vector<std::string> to_text(const ObjectiveEvaluation& evaluation) {
  std::vector<std::string> lines;
  char text[256];
  const auto add = [&] { lines.emplace_back(text); };
  std::snprintf(text, sizeof(text), "%-18s %10s  %-22s  %-22s  %s", "term", "weight", "by the model",
                "simulated", "difference (in standard errors)");
  add();
  const auto term = [&](const TermComparison& figures) {
    const double difference = figures.paths.mean - figures.model.mean;
    const double error = std::hypot(figures.model.error, figures.paths.error);
    char model[48], paths[48];
    std::snprintf(model, sizeof(model), "%.6g +- %.2g", figures.model.mean, figures.model.error);
    std::snprintf(paths, sizeof(paths), "%.6g +- %.2g", figures.paths.mean, figures.paths.error);
    std::snprintf(text, sizeof(text), "%-18s %10.5g  %-22s  %-22s  %+.3g (%+.1f)", figures.name.c_str(),
                  figures.weight, model, paths, difference, error > 0 ? difference / error : 0.0);
    add();
  };
  for (const TermComparison& figures : evaluation.terms) term(figures);
  if (evaluation.terms.size() > 1) term(evaluation.total);
  for (const EndpointFigures& distribution : evaluation.distributions) {
    std::snprintf(text, sizeof(text),
                  "%s law: E[-log rho] %.5f; W2 of %lld draws from it to the model's %.4f, to the paths %.4f",
                  distribution.name.c_str(), distribution.nll, static_cast<long long>(distribution.points),
                  distribution.w2_model, distribution.w2_paths);
    add();
    if (!std::isfinite(distribution.w2_floor)) continue;
    std::snprintf(text, sizeof(text), ", to as many of its own %.4f", distribution.w2_floor);
    lines.back() += text;
  }
  if (!evaluation.has_obstacles) return lines;
  std::snprintf(
      text, sizeof(text),
      "mass inside obstacles: model %.3f %% on average over time and %.2f +- %.2f %% at most, paths "
      "%.3f %% and %.2f +- %.2f %%",
      100 * evaluation.inside_model, 100 * evaluation.inside_model_most.mean,
      100 * evaluation.inside_model_most.error, 100 * evaluation.inside_paths,
      100 * evaluation.inside_paths_most.mean, 100 * evaluation.inside_paths_most.error);
  add();
  return lines;
}

}  // namespace rhoflux::inference
