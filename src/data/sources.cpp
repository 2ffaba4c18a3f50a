#include "rhoflux/data/sources.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/math.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/device/lattice.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::data {
namespace {

void require_times(const io::PopulationFile& file, const std::vector<double>& times,
                   const mpi::Communicator& comm) {
  std::vector<double> missing = times;
  mpi::on_root(comm, [&] {
    file.for_each_piece(io::Split::all, [&](const io::PopulationRows& rows) {
      missing.erase(
          std::remove_if(missing.begin(), missing.end(),
                         [&](double t) { return std::binary_search(rows.t.begin(), rows.t.end(), t); }),
          missing.end());
    });
    if (!missing.empty())
      fail_input("data.hold_out_times: " + file.path() +
                 " has no rows at t = " + print_number(missing.front()));
  });
}

/// Mean and variance of each coordinate of a distribution.
struct Moments {
  std::vector<double> mean, variance;
};

Moments moments(const EndpointSource& given, const mpi::Communicator& comm) {
  if (!given.file) return {given.distribution.mean(), given.distribution.variance()};
  const Units units = measure(*given.file, comm, Scaling::standardised);
  Moments found = {units.mean, {}};
  for (const double scale : units.scale) found.variance.push_back(scale * scale);
  return found;
}

/// A mixture of Gaussians on the device, in the units given.
template <class Scalar>
struct MixtureOnDevice {
  int n_parts, n_dims;
  Vector<double> shares;  ///< (n_parts) cumulative, the last one 1
  Vector<double> means;   ///< (n_parts, D)
  Vector<double> roots;   ///< (n_parts, D, D) lower triangular
  ShiftedLattice lattice;

  MixtureOnDevice(const objectives::EndpointDistribution& distribution, const Units& units)
      : n_parts(static_cast<int>(distribution.parts.size())),
        n_dims(distribution.n_dims()),
        lattice(distribution.n_dims() + 1) {
    std::vector<double> cumulative, mean, root;
    double total = 0;
    for (const objectives::EndpointDistribution::Part& part : distribution.parts) {
      cumulative.push_back(total += part.weight);
      for (std::size_t i = 0; i < part.mean.size(); ++i) {
        mean.push_back((part.mean[i] - units.mean[i]) / units.scale[i]);
        for (std::size_t j = 0; j < part.mean.size(); ++j)
          root.push_back(part.root[i * part.mean.size() + j] / units.scale[i]);
      }
    }
    for (double& share : cumulative) share /= total;
    cumulative.back() = 1;
    shares = on_device<double>(cumulative, "shares of the law");
    means = on_device<double>(mean, "means of the law");
    roots = on_device<double>(root, "roots of the law");
  }

  /// Sample `index` of `count`, stratified over the parts, the samples of one step on a lattice.
  /// @param x (D)
  KOKKOS_INLINE_FUNCTION void draw(const RandomStream& random, std::int64_t index, std::int64_t count,
                                   Scalar* x) const {
    const double within = random.uniforms(static_cast<std::uint64_t>(index), 0).first;
    put((static_cast<double>(index) + within) / static_cast<double>(count),
        [&](int k) { return lattice.at(random, index, k); }, x);
  }

  /// Sample `index`, independent of the others.
  KOKKOS_INLINE_FUNCTION void draw_alone(const RandomStream& random, std::int64_t index, Scalar* x) const {
    const auto sample = static_cast<std::uint64_t>(index);
    put(
        random.uniforms(sample, 0).first,
        [&](int k) {
          const RandomStream::Pair pair = random.uniforms(sample, static_cast<std::uint32_t>(1 + k / 2));
          return k % 2 == 0 ? pair.first : pair.second;
        },
        x);
  }

  /// @param place in (0, 1), which chooses the part @param uniform gives the numbers of the coordinates
  template <class Uniform>
  KOKKOS_INLINE_FUNCTION void put(double place, const Uniform& uniform, Scalar* x) const {
    int part = 0;
    while (part + 1 < n_parts && shares(part) <= place) ++part;
    for (int i = 0; i < n_dims; ++i) {
      double value = means(part * n_dims + i);
      for (int j = 0; j <= i; ++j) {
        double sine, cosine;  // Box & Muller 1958
        math::sincos_turns(uniform(j - j % 2 + 1), sine, cosine);
        const double radius = math::sqrt(-2.0 * math::log(uniform(j - j % 2)));
        const double normal = radius * (j % 2 == 0 ? cosine : sine);
        value += roots((part * n_dims + i) * n_dims + j) * normal;
      }
      x[i] = static_cast<Scalar>(value);
    }
  }
};

Units unit_scale(int n_dims) {
  Units units;
  units.mean.assign(static_cast<std::size_t>(n_dims), 0.0);
  units.scale.assign(static_cast<std::size_t>(n_dims), 1.0);
  return units;
}

template <class Scalar>
class RowStream : public SampleStream<Scalar> {
 public:
  RowStream(const Shard<Scalar>& shard, const BatchConfig& config) : m_shard(shard), m_config(config) {}
  void draw(const ExecutionSpace& space, std::int64_t step, std::int64_t first_sample,
            const density::Points<Scalar>& points, const Vector<Scalar>& weight) const override {
    BatchConfig config = m_config;
    config.step = step;
    draw_batch(space, m_shard, config, first_sample, points, weight);
  }

 private:
  Shard<Scalar> m_shard;
  BatchConfig m_config;
};

template <class Scalar>
class GaussianStream : public SampleStream<Scalar> {
 public:
  GaussianStream(const objectives::EndpointDistribution& distribution, double tau, const Units& units,
                 const BatchConfig& config)
      : m_mixture(distribution, units), m_tau(static_cast<Scalar>(tau)), m_config(config) {}
  void draw(const ExecutionSpace& space, std::int64_t step, std::int64_t first_sample,
            const density::Points<Scalar>& points, const Vector<Scalar>& weight) const override {
    const RandomStream random(m_config.seed, m_config.purpose, static_cast<std::uint64_t>(step));
    const MixtureOnDevice<Scalar> mixture = m_mixture;
    const Vector<Scalar> tau = points.tau;
    const Matrix<Scalar> x = points.x;
    const Scalar time = m_tau;
    const std::int64_t batch = m_config.batch;
    for_each(
        space, "draw from a law", points.size(), KOKKOS_LAMBDA(int s) {
          mixture.draw(random, first_sample + s, batch, &x(0, s));
          tau(s) = time;
          weight(s) = 1;
        });
  }

 private:
  MixtureOnDevice<Scalar> m_mixture;
  Scalar m_tau;
  BatchConfig m_config;
};

}  // namespace

std::vector<std::string> input_files(const Config& data, const objectives::Config& objective) {
  std::vector<std::string> files;
  for (const std::string& path :
       {data.file, objective.initial_distribution.path, objective.terminal_distribution.path,
        objective.state_cost_potential.path, objective.terminal_potential.path})
    if (!path.empty() && std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
  return files;
}

Sources open_sources(const Config& data, const objectives::Config& objective, const mpi::Communicator& comm) {
  Sources sources;
  std::string first;
  const auto agree = [&](const std::string& name, int n_dims) {
    if (sources.n_dims == 0) {
      sources.n_dims = n_dims;
      first = name;
    } else if (n_dims != sources.n_dims) {
      fail_input(name + " has " + std::to_string(n_dims) + " coordinates, " + first + " has " +
                 std::to_string(sources.n_dims));
    }
  };
  if (!data.file.empty()) {
    sources.data = std::make_unique<io::PopulationFile>(data.file, comm, data.hold_out_times.values);
    require_times(*sources.data, data.hold_out_times.values, comm);
    agree(data.file, sources.data->info().n_dims);
    sources.dim_names = sources.data->info().dim_names;
    sources.time_unit = sources.data->info().time_unit;
    const double first_time = sources.data->info().t_min, last_time = sources.data->info().t_max;
    const TimeRange& range = data.time_range;
    if (range.is_given && (range.first > first_time || range.last < last_time))
      fail_input("data.time_range = " + range.to_string() + ": " + data.file + " has times from " +
                 print_number(first_time) + " to " + print_number(last_time) +
                 ", which the range must cover");
  }
  const auto open_distribution = [&](const objectives::EndpointDistribution& distribution, const char* key) {
    EndpointSource given;
    given.distribution = distribution;
    if (distribution.kind == objectives::EndpointDistribution::Kind::file)
      given.file = std::make_unique<io::PopulationFile>(distribution.path, comm);
    if (given.file && given.file->info().count(io::Split::train) < 2)
      fail_input(distribution.path + ": has fewer than 2 training rows");
    if (distribution.is_given()) agree(key, given.file ? given.file->info().n_dims : distribution.n_dims());
    return given;
  };
  sources.initial = open_distribution(objective.initial_distribution, "objective.initial_law");
  sources.terminal = open_distribution(objective.terminal_distribution, "objective.terminal_law");
  objective.require_dimension(sources.n_dims);
  for (int i = static_cast<int>(sources.dim_names.size()); i < sources.n_dims; ++i)
    sources.dim_names.push_back("x" + std::to_string(i + 1));
  return sources;
}

Units measure(const Sources& sources, const Config& config, const mpi::Communicator& comm) {
  Units units = unit_scale(sources.n_dims);
  if (sources.data) {
    units = measure(*sources.data, comm, config.standardise ? Scaling::standardised : Scaling::none);
  } else if (config.standardise) {
    std::vector<Moments> distributions;
    for (const EndpointSource* given : {&sources.initial, &sources.terminal})
      if (given->is_given()) distributions.push_back(moments(*given, comm));
    const double share = 1.0 / static_cast<double>(distributions.size());
    for (std::size_t i = 0; i < units.mean.size(); ++i) {
      double square = 0;
      for (const Moments& distribution : distributions) {
        units.mean[i] += share * distribution.mean[i];
        square += share * (distribution.variance[i] + distribution.mean[i] * distribution.mean[i]);
      }
      units.scale[i] = std::sqrt(square - units.mean[i] * units.mean[i]);
    }
  }
  if (config.time_range.is_given) {
    units.t_first = config.time_range.first;
    units.t_last = config.time_range.last;
  }
  return units;
}

std::vector<double> draw_gaussians(const objectives::EndpointDistribution& distribution, std::int64_t count,
                                   std::uint64_t seed, RandomPurpose purpose, Spread spread) {
  const int n_dims = distribution.n_dims();
  const MixtureOnDevice<double> mixture(distribution, unit_scale(n_dims));
  const RandomStream random(seed, purpose, 0);
  const auto x = make_matrix<double>("draws of a law", n_dims, static_cast<int>(count));
  const bool is_even = spread == Spread::even;
  for_each(
      ExecutionSpace(), "draws of a law", static_cast<int>(count), KOKKOS_LAMBDA(int s) {
        if (is_even)
          mixture.draw(random, s, count, &x(0, s));
        else
          mixture.draw_alone(random, s, &x(0, s));
      });
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  std::vector<double> values;
  for (int s = 0; s < static_cast<int>(count); ++s)
    for (int i = 0; i < n_dims; ++i) values.push_back(host(i, s));
  return values;
}

density::InitialRows initial_rows(const Sources& sources, const mpi::Communicator& comm, const Units& units,
                                  std::int64_t most, std::uint64_t seed) {
  if (sources.data) return initial_rows(*sources.data, comm, units, most);
  density::InitialRows rows = {sources.n_dims, {}};
  const auto dims = static_cast<std::size_t>(sources.n_dims);
  for (const EndpointSource* given : {&sources.initial, &sources.terminal}) {
    if (!given->is_given()) continue;
    if (given->file) {
      const density::InitialRows found = initial_rows(*given->file, comm, units, most / 2);
      rows.x.insert(rows.x.end(), found.x.begin(), found.x.end());
      continue;
    }
    const RandomPurpose purpose = given == &sources.initial ? RandomPurpose::initial_distribution
                                                            : RandomPurpose::terminal_distribution;
    const std::vector<double> found =
        draw_gaussians(given->distribution, most / 2, seed, purpose, Spread::even);
    for (std::size_t k = 0; k < found.size(); ++k)
      rows.x.push_back((found[k] - units.mean[k % dims]) / units.scale[k % dims]);
  }
  return rows;
}

template <class Scalar>
std::unique_ptr<SampleStream<Scalar>> make_row_stream(const Shard<Scalar>& shard, const BatchConfig& config) {
  return std::make_unique<RowStream<Scalar>>(shard, config);
}

template <class Scalar>
std::unique_ptr<SampleStream<Scalar>> make_gaussian_stream(
    const objectives::EndpointDistribution& distribution, double tau, const Units& units,
    const BatchConfig& config) {
  return std::make_unique<GaussianStream<Scalar>>(distribution, tau, units, config);
}

template std::unique_ptr<SampleStream<float>> make_row_stream(const Shard<float>&, const BatchConfig&);
template std::unique_ptr<SampleStream<double>> make_row_stream(const Shard<double>&, const BatchConfig&);
template std::unique_ptr<SampleStream<float>> make_gaussian_stream(const objectives::EndpointDistribution&,
                                                                   double, const Units&, const BatchConfig&);
template std::unique_ptr<SampleStream<double>> make_gaussian_stream(const objectives::EndpointDistribution&,
                                                                    double, const Units&, const BatchConfig&);

}  // namespace rhoflux::data
