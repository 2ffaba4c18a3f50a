#include "objective.hpp"

#include <utility>

#include "rhoflux/device/profiling.hpp"
#include "rhoflux/optim/adam.hpp"

namespace rhoflux::training {
namespace {

/// The streams of one rank that need files: it reads the rows that its samples can draw.
template <class Scalar>
class StreamReader {
 public:
  StreamReader(const TrainingConfig& training, const mpi::Communicator& comm,
               const parallel::BatchPartition& partition, const Units& units)
      : m_training(training), m_comm(comm), m_samples(partition.local_samples()), m_units(units) {}

  /// Training rows of a file. Collective.
  std::unique_ptr<objectives::SampleStream<Scalar>> rows(const io::PopulationFile& file,
                                                         RandomPurpose purpose) const {
    return data::make_row_stream(read(file), batch(purpose));
  }
  /// The same, all at the model time tau, whatever the times in the file; null: there is no file.
  std::unique_ptr<objectives::SampleStream<Scalar>> endpoint(const data::EndpointSource& source, double tau,
                                                             RandomPurpose purpose) const {
    if (!source.file) return nullptr;
    const data::Shard<Scalar> shard = read(*source.file);
    Kokkos::deep_copy(shard.tau, static_cast<Scalar>(tau));
    return data::make_row_stream(shard, batch(purpose));
  }

 private:
  data::Shard<Scalar> read(const io::PopulationFile& file) const {
    const mpi::Share rows =
        data::rows_for_samples(m_samples, m_training.batch, file.info().count(io::Split::train));
    return data::read_shard<Scalar>(file, io::Split::train, rows, m_units, data::mean_weight(file, m_comm));
  }
  data::BatchConfig batch(RandomPurpose purpose) const {
    return {purpose, m_training.seed, 0, m_training.batch, m_training.jitter};
  }

  const TrainingConfig& m_training;
  const mpi::Communicator& m_comm;
  mpi::Share m_samples;
  const Units& m_units;
};

template <class Scalar>
objectives::FileStreams<Scalar> read_streams(const RunConfig& config, const data::Sources& sources,
                                             const mpi::Communicator& comm,
                                             const parallel::BatchPartition& partition, const Units& units) {
  const StreamReader<Scalar> reader(config.training, comm, partition, units);
  objectives::FileStreams<Scalar> streams;
  if (sources.data && config.objective.has(objectives::TermKind::data_likelihood))
    streams.data = reader.rows(*sources.data, RandomPurpose::batch);
  streams.initial = reader.endpoint(sources.initial, 0.0, RandomPurpose::initial_distribution);
  streams.terminal = reader.endpoint(sources.terminal, 1.0, RandomPurpose::terminal_distribution);
  return streams;
}

}  // namespace

template <class Scalar>
DistributedObjective<Scalar>::DistributedObjective(const RunConfig& config, const data::Sources& sources,
                                                   const mpi::Communicator& comm, const Units& units,
                                                   flux::Dynamics<Scalar>& dynamics, int chunk)
    : m_dynamics(dynamics),
      m_overlaps(config.training.overlap),
      m_partition(comm, config.training.batch,
                  config.training.reproducible ? config.training.reproducible_lanes : 0,
                  config.objective.samples_per_block()),
      m_gradient(comm, m_partition, dynamics.layout().size()),
      m_objective(config.objective, dynamics,
                  {units, config.flux.volatility, config.training.batch, config.training.seed, chunk},
                  read_streams<Scalar>(config, sources, comm, m_partition, units)) {
  m_lane_values.assign(static_cast<std::size_t>(m_gradient.n_local_lanes()) * n_terms() * 2, 0.0);
  if (m_overlaps) dynamics.set_gradient_listener(&m_gradient);
}

template <class Scalar>
DistributedObjective<Scalar>::~DistributedObjective() {
  m_dynamics.set_gradient_listener(nullptr);
}

template <class Scalar>
std::vector<objectives::TermSums> DistributedObjective<Scalar>::evaluate(const ExecutionSpace& space,
                                                                         const Vector<Scalar>& parameters,
                                                                         std::int64_t step,
                                                                         const std::vector<double>& weights) {
  if (m_overlaps) {
    std::vector<bool> acts;
    for (const double weight : weights) acts.push_back(weight > 0);
    m_gradient.watch(acts);
  }
  return evaluate_terms(space, parameters, step, weights);
}

template <class Scalar>
std::vector<objectives::TermSums> DistributedObjective<Scalar>::evaluate_terms(
    const ExecutionSpace& space, const Vector<Scalar>& parameters, std::int64_t step,
    const std::vector<double>& weights) {
  const mpi::Share lanes = m_partition.local_lanes();
  const std::size_t n_terms = this->n_terms();
  {
    const ScopedRegion region("gradient");
    for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane) {
      const auto local = static_cast<int>(lane - lanes.begin);
      const Vector<Scalar>& gradient = m_gradient.lane(local);
      Kokkos::deep_copy(space, gradient, Scalar(0));
      const mpi::Share samples = m_partition.samples_of(lane);
      const std::vector<objectives::TermSums> sums =
          m_objective.accumulate(space, parameters, step, {samples.begin, samples.end}, weights, gradient);
      for (std::size_t k = 0; k < n_terms; ++k) {
        double* values = &m_lane_values[(static_cast<std::size_t>(local) * n_terms + k) * 2];
        values[0] = sums[k].value;
        values[1] = sums[k].saturated;
      }
    }
  }
  const ScopedRegion region("reduce gradient");
  const std::vector<double> totals = m_gradient.sum(m_lane_values, static_cast<int>(2 * n_terms));
  std::vector<objectives::TermSums> sums;
  for (std::size_t k = 0; k < n_terms; ++k) sums.push_back({totals[2 * k], totals[2 * k + 1]});
  return sums;
}

template <class Scalar>
std::vector<double> DistributedObjective<Scalar>::gradient_norms(const ExecutionSpace& space,
                                                                 const Vector<Scalar>& parameters,
                                                                 std::int64_t step,
                                                                 const std::vector<double>& weights) {
  std::vector<double> norms;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    std::vector<double> alone(weights.size(), 0.0);
    alone[k] = weights[k];
    if (weights[k] > 0) (void)evaluate_terms(space, parameters, step, alone);
    norms.push_back(weights[k] > 0 ? optim::norm(space, gradient()) : 0.0);
  }
  return norms;
}

template class DistributedObjective<float>;
template class DistributedObjective<double>;

}  // namespace rhoflux::training
