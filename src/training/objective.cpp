#include "objective.hpp"

#include <cmath>
#include <utility>

#include "rhoflux/device/profiling.hpp"
#include "rhoflux/optim/adam.hpp"

namespace rhoflux::training {
namespace {

/// The replicates of a bootstrap for the members of an ensemble; none: there is no bootstrap. Collective.
data::Replicates replicates_of(const RunConfig& config, const io::PopulationFile& file,
                               const mpi::Communicator& comm) {
  data::Replicates replicates;
  if (!config.data.bootstrap.is_on()) return replicates;
  const data::BootstrapUnits units = data::read_bootstrap_units(config.data.bootstrap, file, comm);
  for (int member = 0; member < config.model.n_members; ++member)
    replicates.scale.push_back(units.scale(config.training.seed, static_cast<std::uint64_t>(member)));
  return replicates;
}

/// The streams of one rank that need files: it reads the rows that its samples can draw.
template <class Scalar>
class StreamReader {
 public:
  StreamReader(const RunConfig& config, const mpi::Communicator& comm,
               const parallel::BatchPartition& partition, const checkpoint::ModelDescription& model)
      : m_config(config), m_comm(comm), m_samples(partition.local_samples()), m_model(model) {}

  /// Training rows of the data, with their growth rates where a term needs them. Collective.
  std::unique_ptr<objectives::SampleStream<Scalar>> rows(const io::PopulationFile& file) const {
    data::Shard<Scalar> shard = read(file, m_model.conditions);
    if (m_config.objective.has(objectives::TermKind::data_rates))
      data::read_growth(file, io::Split::train, rows_of(file), shard);
    if (m_config.data.bootstrap.kind == data::Bootstrap::Kind::label)
      data::read_units(file, io::Split::train, rows_of(file), m_config.data.bootstrap.label, shard);
    return data::make_row_stream(shard, batch(RandomPurpose::batch), replicates_of(m_config, file, m_comm));
  }
  /// The same, all at the model time tau, whatever the times in the file; null: there is no file.
  std::unique_ptr<objectives::SampleStream<Scalar>> endpoint(const data::EndpointSource& source, double tau,
                                                             RandomPurpose purpose) const {
    if (!source.file) return nullptr;
    const data::Shard<Scalar> shard = read(*source.file, {});
    Kokkos::deep_copy(shard.tau, static_cast<Scalar>(tau));
    return data::make_row_stream(shard, batch(purpose));
  }

 private:
  mpi::Share rows_of(const io::PopulationFile& file) const {
    return data::rows_for_samples(m_samples, m_config.training.batch, file.info().count(io::Split::train));
  }
  data::Shard<Scalar> read(const io::PopulationFile& file, const ConditionEncoding& conditions) const {
    return data::read_shard<Scalar>(file, io::Split::train, rows_of(file), m_model.units, conditions,
                                    data::mean_weight(file, m_comm));
  }
  data::BatchConfig batch(RandomPurpose purpose) const {
    const bool has_times = purpose == RandomPurpose::batch;  // the rows of an endpoint have one
    const TrainingConfig& training = m_config.training;
    return {purpose,        training.seed,   0,
            training.batch, training.jitter, has_times ? training.time_jitter : 0.0};
  }

  const RunConfig& m_config;
  const mpi::Communicator& m_comm;
  mpi::Share m_samples;
  const checkpoint::ModelDescription& m_model;
};

/// The conditions of model samples: those of the training rows, or the combinations of objective.conditions.
template <class Scalar>
objectives::ConditionTable<Scalar> condition_table(const ConditionGrid& grid,
                                                   const ConditionEncoding& conditions) {
  if (conditions.is_empty()) return {};
  const WeightedConditions choices = conditions.weighted(grid);
  return objectives::ConditionTable<Scalar>::make(conditions.n_rows(), conditions.encoded(choices.conditions),
                                                  choices.weights);
}

template <class Scalar>
objectives::FileStreams<Scalar> read_streams(const RunConfig& config, const data::Sources& sources,
                                             const mpi::Communicator& comm,
                                             const parallel::BatchPartition& partition,
                                             const checkpoint::ModelDescription& model) {
  const StreamReader<Scalar> reader(config, comm, partition, model);
  objectives::FileStreams<Scalar> streams;
  if (sources.data && (config.objective.has(objectives::TermKind::data_rates) ||
                       config.objective.has(objectives::TermKind::data_likelihood)))
    streams.data = reader.rows(*sources.data);
  streams.initial = reader.endpoint(sources.initial, 0.0, RandomPurpose::initial_distribution);
  streams.terminal = reader.endpoint(sources.terminal, 1.0, RandomPurpose::terminal_distribution);
  streams.conditions = condition_table<Scalar>(config.objective.conditions, model.conditions);
  return streams;
}

}  // namespace

template <class Scalar>
DistributedObjective<Scalar>::DistributedObjective(const RunConfig& config, const data::Sources& sources,
                                                   const mpi::Communicator& comm,
                                                   const checkpoint::ModelDescription& model,
                                                   Workers<Scalar>& workers, int chunk)
    : m_workers(workers),
      m_overlaps(config.training.overlap),
      m_partition(partition_of(config.training, config.objective, config.threads, comm)),
      m_gradient(comm, m_partition, workers.dynamics(0).layout().size()) {
  const objectives::ObjectiveOptions options = {model.units, config.flux.volatility, config.training.batch,
                                                config.training.seed, chunk};
  const objectives::FileStreams<Scalar> streams =
      read_streams<Scalar>(config, sources, comm, m_partition, model);
  for (int k = 0; k < workers.size(); ++k) {
    m_objectives.push_back(std::make_unique<objectives::Objective<Scalar>>(
        config.objective, workers.dynamics(k), options, streams));
    if (m_overlaps) workers.dynamics(k).set_gradient_listener(&m_gradient);
  }
  const flux::Dynamics<Scalar>& dynamics = workers.dynamics(0);
  for (const Range& entries : dynamics.parts()) m_parts.push_back({entries, 1});
  const bool has_shared = static_cast<int>(m_parts.size()) > dynamics.n_members();
  if (has_shared) m_parts.back().factor = 1.0 / dynamics.n_members();
  m_totals = make_matrix<double>(
      "totals", 2, m_gradient.n_local_lanes() * static_cast<int>(n_terms()) + static_cast<int>(n_parts()));
  m_totals_on_host = Kokkos::create_mirror_view(m_totals);
}

template <class Scalar>
DistributedObjective<Scalar>::~DistributedObjective() {
  for (int k = 0; k < m_workers.size(); ++k) m_workers.dynamics(k).set_gradient_listener(nullptr);
}

template <class Scalar>
typename DistributedObjective<Scalar>::Values DistributedObjective<Scalar>::evaluate(
    const Vector<Scalar>& parameters, std::int64_t step, const std::vector<double>& weights) {
  if (m_overlaps) {
    std::vector<bool> acts;
    for (const double weight : weights) acts.push_back(weight > 0);
    m_gradient.watch(acts);
  }
  return evaluate_terms(parameters, step, weights);
}

/// Gradient and values of one local lane, by one worker. Each member of an ensemble is trained as a model of its own on
/// the same samples: gradients and values are the sums of theirs.
template <class Scalar>
void DistributedObjective<Scalar>::fill_lane(int worker, int lane, const Vector<Scalar>& parameters,
                                             std::int64_t step, const std::vector<double>& weights) {
  const ExecutionSpace& space = m_workers.space(worker);
  const Vector<Scalar> gradient = borrowed(m_gradient.lane(lane));
  Kokkos::deep_copy(space, gradient, Scalar(0));
  const mpi::Share samples = m_partition.samples_of(m_partition.local_lanes().begin + lane);
  const std::size_t first = static_cast<std::size_t>(lane) * n_terms();
  const Matrix<double> totals =
      Kokkos::subview(borrowed(m_totals), Kokkos::ALL, Kokkos::make_pair(first, first + n_terms()));
  Kokkos::deep_copy(space, totals, 0.0);
  objectives::Objective<Scalar>& objective = *m_objectives[static_cast<std::size_t>(worker)];
  flux::Dynamics<Scalar>& dynamics = m_workers.dynamics(worker);
  for (int member = 0; member < dynamics.n_members(); ++member) {
    const flux::MemberScope<Scalar> scope(dynamics, member);
    objective.accumulate(space, parameters, step, {samples.begin, samples.end, member}, weights, gradient,
                         totals);
  }
}

/// Copies the totals to the host, once all kernels of the step have run: the one time that a step waits for its device.
/// @return the norms of the gradients of the parts, where nothing is left to be summed; else none
template <class Scalar>
std::vector<double> DistributedObjective<Scalar>::read_values() {
  const std::size_t first = m_totals.extent(1) - n_parts();
  const bool has_norms = m_gradient.is_trivial();
  for (std::size_t k = 0; has_norms && k < n_parts(); ++k) {
    const ExecutionSpace& space = m_workers.space(0);
    const objectives::TermTotals squared_norm = objectives::totals_of(m_totals, first + k, 1, 1);
    Kokkos::deep_copy(space, squared_norm.sums, 0.0);
    optim::add_squared_norm(space, entries_of(gradient(), m_parts[k].entries), squared_norm);
  }
  Kokkos::deep_copy(m_totals_on_host, m_totals);
  std::vector<double> norms;
  for (std::size_t k = 0; has_norms && k < n_parts(); ++k)
    norms.push_back(m_parts[k].factor * std::sqrt(m_totals_on_host(0, first + k)));
  return norms;
}

template <class Scalar>
typename DistributedObjective<Scalar>::Values DistributedObjective<Scalar>::evaluate_terms(
    const Vector<Scalar>& parameters, std::int64_t step, const std::vector<double>& weights) {
  Values values;
  {
    const ScopedRegion region("gradient");
    const Vector<Scalar> shared = borrowed(parameters);
    const auto work = [&](int worker) {
      const mpi::Share lanes = mpi::share_of(m_gradient.n_local_lanes(), worker, m_workers.size());
      for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane)
        fill_lane(worker, static_cast<int>(lane), shared, step, weights);
    };
    if (m_gradient.is_learning())
      for (int worker = 0; worker < m_workers.size(); ++worker) work(worker);
    else
      m_workers.run(work);
    values.part_norms = read_values();
  }
  const ScopedRegion region("reduce gradient");
  const std::size_t n_terms = this->n_terms();
  const double* begin = m_totals_on_host.data();
  const std::vector<double> by_lane(begin, begin + m_totals_on_host.size() - 2 * n_parts());
  const std::vector<double> totals = m_gradient.sum(by_lane, static_cast<int>(2 * n_terms));
  const double n_members = m_workers.dynamics(0).n_members();
  for (std::size_t k = 0; k < n_terms; ++k)
    values.terms.push_back({totals[2 * k] / n_members, totals[2 * k + 1] / n_members});
  if (!m_gradient.is_trivial())
    for (const Part& part : m_parts)
      values.part_norms.push_back(part.factor *
                                  optim::norm(m_workers.space(0), entries_of(gradient(), part.entries)));
  return values;
}

template <class Scalar>
double DistributedObjective<Scalar>::Values::gradient_norm() const {
  if (part_norms.size() == 1) return part_norms.front();
  double squares = 0;
  for (const double norm : part_norms) squares += norm * norm;
  return std::sqrt(squares / static_cast<double>(part_norms.size()));
}

template <class Scalar>
std::vector<double> DistributedObjective<Scalar>::gradient_norms(const Vector<Scalar>& parameters,
                                                                 std::int64_t step,
                                                                 const std::vector<double>& weights) {
  std::vector<double> norms;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    std::vector<double> alone(weights.size(), 0.0);
    alone[k] = weights[k];
    norms.push_back(weights[k] > 0 ? evaluate_terms(parameters, step, alone).gradient_norm() : 0.0);
  }
  return norms;
}

template class DistributedObjective<float>;
template class DistributedObjective<double>;

}  // namespace rhoflux::training
