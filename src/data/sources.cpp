#include "rhoflux/data/sources.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/core/times.hpp"
#include "rhoflux/data/conditions.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/objectives/gaussian_mixture.hpp"

namespace rhoflux::data {
namespace {

/// The first distinct times, for a message; reads on the calling rank alone.
std::string first_times(const io::PopulationFile& file) {
  constexpr std::size_t most = 9;  // one more than are shown
  std::vector<double> times;
  file.for_each_marks([&](const io::RowMarks& rows) {
    for (const double t : rows.t)
      if (times.size() < most && (times.empty() || t != times.back())) times.push_back(t);
  });
  return list_of_times(file.info().time, times);
}

void require_times(const io::PopulationFile& file, const TimeList& times, const mpi::Communicator& comm) {
  mpi::on_root(comm, [&] {
    for (const GivenTime& time : times.values)
      if (!file.named_time(time.in(file.info().time)))
        fail_input("data.hold_out_times: " + file.path() + " has no rows at t = " + time.to_string() +
                   "; its first times are " + first_times(file));
  });
}

/// Whether the range holds all times, its ends taken as times that name snapshots.
bool covers(const TimeEnds& range, double first, double last) {
  return (range.first <= first || same_time(range.first, first)) &&
         (range.last >= last || same_time(range.last, last));
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

template <class Scalar>
class RowStream final : public objectives::SampleStream<Scalar> {
 public:
  RowStream(const Shard<Scalar>& shard, const BatchConfig& config, const Replicates& replicates)
      : m_shard(shard), m_config(config), m_replicates(replicates) {}
  void draw(const ExecutionSpace& space, const objectives::SampleSet& samples,
            const density::Points<Scalar>& points, const Vector<Scalar>& weight,
            const Vector<Scalar>& growth) const override {
    BatchConfig config = m_config;
    config.step = samples.step;
    config.replicate = m_replicates.of(samples.member);
    // Objectives of several threads draw from it.
    const Shard<Scalar> shard = {m_shard.begin,
                                 m_shard.total,
                                 borrowed(m_shard.tau),
                                 borrowed(m_shard.x),
                                 borrowed(m_shard.weight),
                                 borrowed(m_shard.conditions),
                                 borrowed(m_shard.growth),
                                 borrowed(m_shard.units)};
    draw_batch(space, shard, config, samples.first, points, weight, growth);
  }

 private:
  Shard<Scalar> m_shard;
  BatchConfig m_config;
  Replicates m_replicates;
};

/// The rows of an endpoint distribution, with the coordinates of the data where there are any.
std::unique_ptr<io::PopulationFile> open_law(const std::string& path, const char* key, const Sources& sources,
                                             const mpi::Communicator& comm) {
  io::PopulationChoice choice;
  choice.coordinates = sources.dim_names;
  choice.coordinate_rule =
      sources.coordinates_chosen_from.empty() ? NameRule::preferred : NameRule::preferred_among_more;
  try {
    return std::make_unique<io::PopulationFile>(path, comm, choice);
  } catch (const Error& error) {
    throw Error(error.code(), std::string(key) + ": " + error.what());
  }
}

}  // namespace

int Sources::n_condition_rows() const {
  return data ? named_conditions(*data).n_rows() : 0;
}

std::vector<std::string> input_files(const Config& data, const objectives::Config& objective) {
  std::vector<std::string> files;
  for (const std::string& path :
       {data.file, objective.initial_distribution.path, objective.terminal_distribution.path,
        objective.state_cost_potential.path, objective.terminal_potential.path})
    if (!path.empty() && std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
  return files;
}

std::unique_ptr<io::PopulationFile> open_population(const std::string& path, const TimeList& hold_out_times,
                                                    const mpi::Communicator& comm) {
  io::PopulationChoice choice;
  choice.hold_out_times = hold_out_times.values;
  auto file = std::make_unique<io::PopulationFile>(path, comm, choice);
  require_times(*file, hold_out_times, comm);
  return file;
}

Sources open_sources(const Config& data, const objectives::Config& objective, const mpi::Communicator& comm) {
  Sources sources;
  std::string first;
  const auto agree = [&](const std::string& name, int n_dims) {
    if (sources.n_dims == 0) {
      sources.n_dims = n_dims;
      first = name;
    } else if (n_dims != sources.n_dims) {
      fail_input(name + " has " + counted(n_dims, "coordinate") + ", " + first + " has " +
                 std::to_string(sources.n_dims));
    }
  };
  if (!data.file.empty()) {
    io::PopulationChoice choice = {data.hold_out_times.values, data.conditions.names,
                                   data.hold_out_conditions};
    choice.coordinates = data.coordinates.names;
    sources.data = std::make_unique<io::PopulationFile>(data.file, comm, choice);
    require_times(*sources.data, data.hold_out_times, comm);
    agree(data.file, sources.data->info().n_dims);
    sources.dim_names = sources.data->info().dim_names;
    sources.time_unit = sources.data->info().time_unit;
    sources.time = sources.data->info().time;
    sources.import_choices = sources.data->info().import_choices;
    if (sources.data->info().all_dim_names != sources.dim_names)
      sources.coordinates_chosen_from = sources.data->info().all_dim_names;
    const auto [first_time, last_time] = time_span(*sources.data, comm);
    if (data.time_range.is_given && !covers(data.time_range.in(sources.time), first_time, last_time)) {
      const std::vector<std::string> texts = time_texts(sources.time, {first_time, last_time});
      fail_input("data.time_range = " + data.time_range.to_string() + ": " + data.file + " has times from " +
                 texts[0] + " to " + texts[1] + ", which the range must cover");
    }
  }
  const auto open_distribution = [&](const objectives::EndpointDistribution& distribution, const char* key) {
    EndpointSource given;
    given.distribution = distribution;
    if (distribution.kind == objectives::EndpointDistribution::Kind::file)
      given.file = open_law(distribution.path, key, sources, comm);
    if (given.file && count_rows(*given.file, io::Split::train, comm).rows < 2)
      fail_input(distribution.path + ": has fewer than 2 training rows" +
                 (given.file->info().has_weight ? " of weight above 0" : ""));
    if (distribution.is_given()) agree(key, given.file ? given.file->info().n_dims : distribution.n_dims());
    return given;
  };
  sources.initial = open_distribution(objective.initial_distribution, "objective.initial_law");
  sources.terminal = open_distribution(objective.terminal_distribution, "objective.terminal_law");
  if (sources.data && !objective.conditions.values.empty()) {
    try {
      (void)named_conditions(*sources.data).combinations(objective.conditions);
    } catch (const Error& error) {
      fail_input("objective.conditions = " + objective.conditions.to_string() + ": " + error.what());
    }
  }
  if (sources.n_dims > 0) objective.require_dimension(sources.n_dims);
  for (int i = static_cast<int>(sources.dim_names.size()); i < sources.n_dims; ++i)
    sources.dim_names.push_back("x" + std::to_string(i + 1));
  return sources;
}

Units measure(const Sources& sources, const Config& config, const mpi::Communicator& comm) {
  Units units = Units::identity(sources.n_dims);
  if (sources.data) {
    const Standardise::Kind kind = config.standardise.kind;
    units = measure(*sources.data, comm,
                    kind == Standardise::Kind::robust ? Scaling::robust
                    : kind == Standardise::Kind::off  ? Scaling::none
                                                      : Scaling::standardised);
  } else if (config.standardise.kind == Standardise::Kind::robust) {
    fail_input("data.standardise = robust is for the rows of data.file, which is not given");
  } else if (config.standardise.kind == Standardise::Kind::deviation) {
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
    const TimeEnds ends = config.time_range.in(sources.time);
    units.t_first = ends.first;
    units.t_last = ends.last;
  }
  return units;
}

density::InitialRows initial_rows(const Sources& sources, const mpi::Communicator& comm, const Units& units,
                                  std::int64_t most, std::uint64_t seed) {
  if (sources.data) return initial_rows(*sources.data, comm, units, most);
  density::InitialRows rows = {sources.n_dims, {}};
  for (const EndpointSource* given : {&sources.initial, &sources.terminal}) {
    if (!given->is_given()) continue;
    if (given->file) {
      const density::InitialRows found = initial_rows(*given->file, comm, units, most / 2);
      rows.x.insert(rows.x.end(), found.x.begin(), found.x.end());
      continue;
    }
    const RandomPurpose purpose = given == &sources.initial ? RandomPurpose::initial_distribution
                                                            : RandomPurpose::terminal_distribution;
    const std::vector<double> found = units.to_model(objectives::sample_gaussians(
        given->distribution, {most / 2, seed, purpose, objectives::Spread::even}));
    rows.x.insert(rows.x.end(), found.begin(), found.end());
  }
  return rows;
}

template <class Scalar>
std::unique_ptr<objectives::SampleStream<Scalar>> make_row_stream(const Shard<Scalar>& shard,
                                                                  const BatchConfig& config,
                                                                  const Replicates& replicates) {
  return std::make_unique<RowStream<Scalar>>(shard, config, replicates);
}

template std::unique_ptr<objectives::SampleStream<float>> make_row_stream(const Shard<float>&,
                                                                          const BatchConfig&,
                                                                          const Replicates&);
template std::unique_ptr<objectives::SampleStream<double>> make_row_stream(const Shard<double>&,
                                                                           const BatchConfig&,
                                                                           const Replicates&);

}  // namespace rhoflux::data
