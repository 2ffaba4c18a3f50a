#include "transport_paths.hpp"

#include <algorithm>
#include <cmath>

#include "model_files.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/inference/weighted_particles.hpp"
#include "rhoflux/metrics/statistics.hpp"

namespace rhoflux::apps {
namespace {

/// The numbers of a particle, one after the other: its states at all frames, its log weights at all frames where it has
/// any, its energy, and why, when and where its path ends if it fails.
class PathNumbers {
 public:
  PathNumbers(std::size_t n_frames, std::size_t n_dims, bool weighted)
      : m_n_frames(n_frames), m_n_dims(n_dims), m_n_weights(weighted ? n_frames : 0) {}

  std::size_t width() const { return m_n_frames * m_n_dims + m_n_weights + 1 + 2 + m_n_dims; }
  const double* state(const double* numbers, std::size_t frame) const { return numbers + frame * m_n_dims; }
  const double* last(const double* numbers) const { return state(numbers, m_n_frames - 1); }
  bool failed(const double* numbers) const { return std::isnan(*last(numbers)); }
  const double* log_weights(const double* numbers) const { return numbers + m_n_frames * m_n_dims; }
  double last_log_weight(const double* numbers) const {
    return m_n_weights > 0 ? log_weights(numbers)[m_n_weights - 1] : 0.0;
  }
  double energy(const double* numbers) const { return log_weights(numbers)[m_n_weights]; }

  /// @param first global number of the first particle
  std::vector<double> join(const inference::Trajectories& paths, std::int64_t first) const {
    std::vector<double> numbers;
    const auto states = static_cast<std::ptrdiff_t>(m_n_frames * m_n_dims),
               weights = static_cast<std::ptrdiff_t>(m_n_weights);
    auto row = paths.x.begin(), log_weight = paths.log_weight.begin();
    auto failed = paths.failed.begin();
    for (const double energy : paths.energy) {
      numbers.insert(numbers.end(), row, row + states);
      numbers.insert(numbers.end(), log_weight, log_weight + weights);
      numbers.push_back(energy);
      std::vector<double> end(2 + m_n_dims, 0.0);
      if (failed != paths.failed.end() && failed->particle == first) {
        end[0] = static_cast<double>(failed->reason);
        end[1] = failed->t;
        std::copy(failed->x.begin(), failed->x.end(), end.begin() + 2);
        ++failed;
      }
      numbers.insert(numbers.end(), end.begin(), end.end());
      row += states;
      log_weight += weights;
      ++first;
    }
    return numbers;
  }

  void note_failure(std::int64_t particle, const double* numbers, PathSums& sums) const {
    ++sums.n_failed;
    if (sums.first_failed.size() >= named_failures) return;
    const double* end = log_weights(numbers) + m_n_weights + 1;
    sums.first_failed.push_back({particle, end[1], std::vector<double>(end + 2, end + 2 + m_n_dims),
                                 static_cast<transport::PathFailure>(static_cast<int>(end[0]))});
  }

 private:
  std::size_t m_n_frames, m_n_dims, m_n_weights;
};

/// Conditions (n, n_variables) of particles, one for all (n_variables), or none.
struct ConditionsOfParticles {
  const std::vector<double>& all;
  std::size_t n_variables;

  bool has_own() const { return n_variables > 0 && all.size() > n_variables; }
  /// Those of particles begin .. end - 1, or the one for all.
  std::vector<double> part(std::int64_t begin, std::int64_t end) const {
    if (!has_own()) return all;
    const auto width = static_cast<std::ptrdiff_t>(n_variables);
    return std::vector<double>(all.begin() + begin * width, all.begin() + end * width);
  }
  /// That of a particle, where it has one of its own.
  std::vector<double> own(std::int64_t particle) const {
    return has_own() ? part(particle, particle + 1) : std::vector<double>();
  }
};

std::size_t n_variables_of(const inference::TrajectoryIntegrator& integrator) {
  return integrator.inference().conditions().n_variables();
}

/// A path from the first frame to the last.
struct WholePath {
  const double *first, *last;  ///< (n_dims)
  double energy;
  double weight;  ///< at the last frame
  std::int64_t family;
  std::vector<double> condition;  ///< (n_variables); empty: none of its own
};

void add_path(const WholePath& path, std::size_t n_dims, PathSums& sums) {
  sums.last.insert(sums.last.end(), path.last, path.last + n_dims);
  sums.last_weight.push_back(path.weight);
  sums.family.push_back(path.family);
  sums.condition.insert(sums.condition.end(), path.condition.begin(), path.condition.end());
  sums.weight += path.weight;
  sums.energy += path.weight * path.energy;
  double square = 0;
  metrics::add_squared_distance(path.first, path.last, n_dims, square);
  sums.squared_displacement += path.weight * square;
}

/// Column `frame` of the states and log weights of the particles first, first + 1, ..
void write_frame(io::Hdf5Writer& file, const PathNumbers& of, std::size_t n_dims, bool weighted,
                 std::size_t frame, std::int64_t first, const std::vector<double>& numbers) {
  std::vector<double> states, log_weights;
  for (std::size_t at = 0; at < numbers.size(); at += of.width()) {
    const double* state = of.state(&numbers[at], frame);
    states.insert(states.end(), state, state + n_dims);
    if (weighted) log_weights.push_back(of.log_weights(&numbers[at])[frame]);
  }
  const auto row = static_cast<std::int64_t>(frame), n = static_cast<std::int64_t>(states.size() / n_dims);
  file.write_slab("x", {row, first, 0}, {1, n, static_cast<std::int64_t>(n_dims)}, states);
  if (weighted) file.write_slab("log_weight", {row, first}, {1, n}, log_weights);
}

/// All particles at a frame where they are resampled, on the root; `x` on every rank.
struct Generation {
  std::vector<double> x;             ///< (n, n_dims)
  std::vector<double> condition;     ///< (n, n_variables), one for all, or none; on every rank
  std::vector<double> weight;        ///< (n): of the rows before the first resampling, then one
  std::vector<std::int64_t> family;  ///< (n) which particle of the first frame each comes from
  std::vector<double> energy;        ///< (n) of the path since the first frame
  double log_mass = 0;               ///< of all, relative to the first frame

  void write(io::Hdf5Writer& file, std::size_t frame, const std::vector<std::int64_t>& ancestor) const {
    const auto row = static_cast<std::int64_t>(frame), n = static_cast<std::int64_t>(weight.size());
    const auto n_dims = static_cast<std::int64_t>(x.size() / weight.size());
    file.write_slab("x", {row, 0, 0}, {1, n, n_dims}, x);
    file.write_slab("log_weight", {row, 0}, {1, n}, std::vector<double>(weight.size(), log_mass));
    file.write_slab("ancestor", {row, 0}, {1, n}, ancestor);
    file.write_slab("origin", {row, 0}, {1, n}, family);
  }
};

/// The particles of the first frame, in the order of their numbers. Collective.
Generation first_generation(const Context& context, const PathStarts& starts,
                            const std::vector<double>& weights) {
  Generation all;
  in_pieces(context.comm, starts.count, starts.states, [&](std::int64_t, const std::vector<double>& x) {
    all.x.insert(all.x.end(), x.begin(), x.end());
  });
  context.comm.broadcast(all.x);
  all.condition = starts.conditions(0, starts.count);
  const auto n = static_cast<std::size_t>(starts.count);
  all.weight = weights.empty() ? std::vector<double>(n, 1.0) : weights;
  all.energy.assign(n, 0.0);
  for (std::int64_t s = 0; s < starts.count; ++s) all.family.push_back(s);
  return all;
}

/// The numbers of all particles between two frames, on the root. Collective.
std::vector<double> follow(const Context& context, const inference::TrajectoryIntegrator& integrator,
                           const PathNumbers& path_numbers, std::size_t frame, const Generation& generation,
                           std::int64_t count) {
  const auto dims = static_cast<std::ptrdiff_t>(integrator.n_dims());
  std::vector<double> numbers;
  const std::vector<double>& x = generation.x;
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const std::vector<double> from(x.begin() + begin * dims, x.begin() + end * dims);
    const inference::ConditionScope scope(
        integrator.inference(),
        ConditionsOfParticles{generation.condition, n_variables_of(integrator)}.part(begin, end));
    return path_numbers.join(integrator.integrate_from(frame, from, begin), begin);
  };
  in_pieces(context.comm, count, compute, [&](std::int64_t, const std::vector<double>& piece) {
    numbers.insert(numbers.end(), piece.begin(), piece.end());
  });
  return numbers;
}

/// The next generation of particles whose paths have these numbers; on the root.
Generation reproduce(const Generation& parents, const std::vector<double>& numbers,
                     const PathNumbers& path_numbers, const inference::Resampling& resampling,
                     std::size_t n_variables) {
  Generation children;
  const std::size_t dims = parents.x.size() / parents.weight.size();
  children.weight.assign(parents.weight.size(), 1.0);
  children.log_mass = parents.log_mass + resampling.log_mean_weight;
  const ConditionsOfParticles conditions = {parents.condition, n_variables};
  if (!conditions.has_own()) children.condition = parents.condition;
  for (const std::int64_t ancestor : resampling.ancestor) {
    const auto parent = static_cast<std::size_t>(ancestor);
    const double* of_path = &numbers[parent * path_numbers.width()];
    const double* state = path_numbers.last(of_path);
    children.x.insert(children.x.end(), state, state + dims);
    children.family.push_back(parents.family[parent]);
    const std::vector<double> condition = conditions.own(ancestor);
    children.condition.insert(children.condition.end(), condition.begin(), condition.end());
    children.energy.push_back(parents.energy[parent] + path_numbers.energy(of_path));
  }
  return children;
}

}  // namespace

void create_weights(io::Hdf5Writer& file, const io::Shape& frames_and_particles, bool weighted,
                    bool resampled) {
  const auto label = [&](const char* name) {
    file.set_scale(name, 0, "t");
    file.set_scale(name, 1, "particle");
  };
  if (weighted) {
    file.create_dataset<double>("log_weight", frames_and_particles);
    label("log_weight");
  }
  if (!resampled) return;
  for (const char* name : {"ancestor", "origin"}) {
    file.create_dataset<std::int64_t>(name, frames_and_particles);
    label(name);
  }
}

PathSums write_whole_paths(const Context& context, io::Hdf5Writer* file,
                           const inference::TrajectoryIntegrator& integrator, const PathStarts& starts,
                           const std::vector<double>& weights) {
  const auto dims = static_cast<std::size_t>(integrator.n_dims());
  const bool weighted = integrator.has_weights();
  const PathNumbers path_numbers(integrator.n_frames(), dims, weighted);
  const auto compute = [&](std::int64_t begin, std::int64_t end, const Done& done) {
    const std::vector<double> x = starts.states(begin, end);
    const inference::ConditionScope scope(integrator.inference(), starts.conditions(begin, end));
    return path_numbers.join(integrator.integrate(x, begin, done), begin);
  };
  const std::vector<double> all_conditions = starts.conditions(0, context.comm.is_root() ? starts.count : 0);
  const ConditionsOfParticles conditions = {all_conditions, n_variables_of(integrator)};
  PathSums sums;
  in_pieces(context.comm, starts.count, compute, [&](std::int64_t first, const std::vector<double>& numbers) {
    for (std::size_t frame = 0; frame < integrator.n_frames(); ++frame)
      write_frame(*file, path_numbers, dims, weighted, frame, first, numbers);
    for (std::size_t at = 0; at < numbers.size(); at += path_numbers.width(), ++first) {
      const double* of_path = &numbers[at];
      const double weight = weights.empty() ? 1.0 : weights[static_cast<std::size_t>(first)];
      if (path_numbers.failed(of_path)) {
        path_numbers.note_failure(first, of_path, sums);
        continue;
      }
      if (weight == 0) continue;
      const auto family = static_cast<std::int64_t>(sums.first_weight.size());
      sums.first.insert(sums.first.end(), of_path, of_path + dims);
      sums.first_weight.push_back(weight);
      const double at_end = weighted ? weight * std::exp(path_numbers.last_log_weight(of_path)) : weight;
      add_path({of_path, path_numbers.last(of_path), path_numbers.energy(of_path), at_end, family,
                conditions.own(first)},
               dims, sums);
    }
  });
  return sums;
}

PathSums write_resampled_paths(const Context& context, io::Hdf5Writer* file,
                               const inference::TrajectoryIntegrator& integrator, const PathStarts& starts,
                               const std::vector<double>& weights) {
  const auto dims = static_cast<std::size_t>(integrator.n_dims());
  const PathNumbers path_numbers(2, dims, true);
  Generation generation = first_generation(context, starts, weights);
  PathSums sums;
  sums.first = generation.x;
  sums.first_weight = generation.weight;
  mpi::on_root(context.comm, [&] { generation.write(*file, 0, generation.family); });
  for (std::size_t frame = 1; frame < integrator.n_frames(); ++frame) {
    const std::vector<double> numbers =
        follow(context, integrator, path_numbers, frame - 1, generation, starts.count);
    mpi::on_root(context.comm, [&] {
      std::vector<double> log_weights;
      for (std::size_t at = 0; at < numbers.size(); at += path_numbers.width()) {
        if (path_numbers.failed(&numbers[at]))
          path_numbers.note_failure(static_cast<std::int64_t>(log_weights.size()), &numbers[at], sums);
        log_weights.push_back(path_numbers.last_log_weight(&numbers[at]));
      }
      const inference::Resampling resampling = inference::resample(
          log_weights, generation.weight, inference::resampling_uniform(starts.seed, frame));
      generation = reproduce(generation, numbers, path_numbers, resampling, n_variables_of(integrator));
      generation.write(*file, frame, resampling.ancestor);
    });
    context.comm.broadcast(generation.x);
    context.comm.broadcast(generation.condition);
  }
  if (!context.comm.is_root()) return sums;
  const ConditionsOfParticles conditions = {generation.condition, n_variables_of(integrator)};
  for (std::size_t s = 0; s < generation.weight.size(); ++s)
    add_path({&sums.first[static_cast<std::size_t>(generation.family[s]) * dims], &generation.x[s * dims],
              generation.energy[s], std::exp(generation.log_mass), generation.family[s],
              conditions.own(static_cast<std::int64_t>(s))},
             dims, sums);
  return sums;
}

}  // namespace rhoflux::apps
