#include "objective.hpp"

#include <algorithm>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/optim/adam.hpp"

namespace rhoflux::training {
namespace {

template <class Scalar>
void scale_weights(const ExecutionSpace& space, Scalar factor, const Vector<Scalar>& weight,
                   const Vector<Scalar>& scaled, int n) {
  for_each(
      space, "weight adjoint", n, KOKKOS_LAMBDA(int s) { scaled(s) = factor * weight(s); });
}

template <class Scalar>
double negative_sum(const ExecutionSpace& space, const Vector<Scalar>& weight, const Vector<Scalar>& log_rho,
                    int n) {
  double sum = 0;
  Kokkos::parallel_reduce(
      "loss", Kokkos::RangePolicy<ExecutionSpace>(space, 0, n),
      KOKKOS_LAMBDA(int s, double& total) { total -= static_cast<double>(weight(s) * log_rho(s)); }, sum);
  return sum;
}

}  // namespace

template <class Scalar>
Objective<Scalar>::Objective(const RunConfig& config, const data::Sources& sources,
                             const mpi::Communicator& comm, const Units& units,
                             flux::Dynamics<Scalar>& dynamics, int chunk)
    : m_training(config.training),
      m_dynamics(dynamics),
      m_partition(comm, config.training.batch,
                  config.training.reproducible ? config.training.reproducible_lanes : 0,
                  config.objective.samples_per_block()),
      m_gradient(comm, m_partition, dynamics.layout().size()),
      m_chunk(chunk) {
  m_points = {make_vector<Scalar>("batch times", chunk), make_matrix<Scalar>("batch", units.n_dims(), chunk)};
  m_weight = make_vector<Scalar>("batch weights", chunk);
  m_weight_bar = make_vector<Scalar>("batch adjoint", chunk);
  m_log_rho = make_vector<Scalar>("log density", chunk);
  const objectives::Config& objective = config.objective;
  if (sources.data && objective.nll.is_active()) {
    const mpi::Share rows = data::rows_for_samples(m_partition.local_samples(), m_training.batch,
                                                   sources.count(io::Split::train));
    const data::Shard<Scalar> shard = data::read_shard<Scalar>(*sources.data, io::Split::train, rows, units,
                                                               data::mean_weight(*sources.data, comm));
    add_likelihood("nll", objective.nll,
                   data::make_row_stream(shard, {RandomPurpose::batch, m_training.seed, 0, m_training.batch,
                                                 m_training.jitter}));
  }
  if (sources.initial.is_given())
    add_distribution("initial", objective.initial, sources.initial, 0.0, comm, units);
  if (sources.terminal.is_given())
    add_distribution("terminal", objective.terminal, sources.terminal, 1.0, comm, units);
  add_expectations(config, units, chunk);
  m_lane_values.assign(static_cast<std::size_t>(m_gradient.n_local_lanes()) * n_terms() * 2, 0.0);
  if (m_training.overlap) dynamics.set_gradient_listener(&m_gradient);
}

template <class Scalar>
Objective<Scalar>::~Objective() {
  m_dynamics.set_gradient_listener(nullptr);
}

template <class Scalar>
void Objective<Scalar>::add_likelihood(const char* name, const objectives::Term& schedule,
                                       std::unique_ptr<data::SampleStream<Scalar>> stream) {
  m_names.emplace_back(name);
  m_schedules.push_back(schedule);
  m_streams.push_back(std::move(stream));
}

template <class Scalar>
void Objective<Scalar>::add_distribution(const char* name, const objectives::Term& schedule,
                                         const data::EndpointSource& given, double tau,
                                         const mpi::Communicator& comm, const Units& units) {
  const RandomPurpose purpose =
      tau == 0 ? RandomPurpose::initial_distribution : RandomPurpose::terminal_distribution;
  const data::BatchConfig batch = {purpose, m_training.seed, 0, m_training.batch, m_training.jitter};
  if (!given.file)
    return add_likelihood(name, schedule,
                          data::make_gaussian_stream<Scalar>(given.distribution, tau, units, batch));
  const mpi::Share rows = data::rows_for_samples(m_partition.local_samples(), m_training.batch,
                                                 given.file->info().count(io::Split::train));
  const data::Shard<Scalar> shard = data::read_shard<Scalar>(*given.file, io::Split::train, rows, units,
                                                             data::mean_weight(*given.file, comm));
  Kokkos::deep_copy(shard.tau, static_cast<Scalar>(tau));  // whatever the times in the file
  add_likelihood(name, schedule, data::make_row_stream(shard, batch));
}

template <class Scalar>
void Objective<Scalar>::add_expectations(const RunConfig& config, const Units& units, int chunk) {
  using Expectations = objectives::Expectations<Scalar>;
  const objectives::Config& objective = config.objective;
  const auto add = [&](typename Expectations::When when) {
    m_expectations.push_back(
        std::make_unique<Expectations>(objective, when, units, config.flux.volatility, m_dynamics, chunk));
    const Expectations& added = *m_expectations.back();
    for (int k = 0; k < added.n_terms(); ++k) {
      m_names.push_back(added.name(k));
      m_schedules.push_back(added.schedule(k));
    }
  };
  if (objective.has_initial_terms()) add(Expectations::When::initial);
  if (objective.has_terminal_terms()) add(Expectations::When::terminal);
  if (objective.has_integral_terms()) add(Expectations::When::integral);
}

template <class Scalar>
std::vector<double> Objective<Scalar>::weights_at(std::int64_t step) const {
  std::vector<double> weights;
  for (const objectives::Term& schedule : m_schedules) weights.push_back(schedule.at(step));
  return weights;
}

/// Adds `weight` times the gradient of the mean of -log rho over the batch, the part of some of its samples.
/// @return the sum of -log rho over them
template <class Scalar>
double Objective<Scalar>::add_likelihood_gradient(const ExecutionSpace& space,
                                                  const Vector<Scalar>& parameters, std::int64_t step,
                                                  mpi::Share samples, double weight,
                                                  const data::SampleStream<Scalar>& stream,
                                                  const Vector<Scalar>& gradient) {
  const auto factor = static_cast<Scalar>(-weight / static_cast<double>(m_training.batch));
  double loss = 0;
  for (std::int64_t first = samples.begin; first < samples.end; first += m_chunk) {
    const auto n = static_cast<int>(std::min<std::int64_t>(m_chunk, samples.end - first));
    const auto part = Kokkos::make_pair(0, n);
    const density::Points<Scalar> points = {Kokkos::subview(m_points.tau, part),
                                            Kokkos::subview(m_points.x, Kokkos::ALL, part)};
    stream.draw(space, step, first, points, m_weight);
    scale_weights(space, factor, m_weight, m_weight_bar, n);
    m_dynamics.density().log_density_gradient(space, parameters, points, m_weight_bar, m_log_rho, gradient);
    loss += negative_sum(space, m_weight, m_log_rho, n);
  }
  return loss;
}

template <class Scalar>
std::vector<objectives::TermSums> Objective<Scalar>::evaluate(const ExecutionSpace& space,
                                                              const Vector<Scalar>& parameters,
                                                              std::int64_t step,
                                                              const std::vector<double>& weights) {
  if (m_training.overlap) {
    std::vector<bool> acts;
    for (const double weight : weights) acts.push_back(weight > 0);
    m_gradient.watch(acts);
  }
  return evaluate_terms(space, parameters, step, weights);
}

template <class Scalar>
std::vector<objectives::TermSums> Objective<Scalar>::evaluate_terms(const ExecutionSpace& space,
                                                                    const Vector<Scalar>& parameters,
                                                                    std::int64_t step,
                                                                    const std::vector<double>& weights) {
  const objectives::SampleConfig draws = {m_training.seed, step, m_training.batch};
  const mpi::Share lanes = m_partition.local_lanes();
  const std::size_t n_terms = this->n_terms();
  std::vector<objectives::TermSums> sums(n_terms);
  {
    const ScopedRegion region("gradient");
    for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane) {
      const auto local = static_cast<int>(lane - lanes.begin);
      const Vector<Scalar>& gradient = m_gradient.lane(local);
      Kokkos::deep_copy(space, gradient, Scalar(0));
      std::fill(sums.begin(), sums.end(), objectives::TermSums());
      const mpi::Share samples = m_partition.samples_of(lane);
      std::size_t k = 0;
      for (const auto& stream : m_streams) {
        if (weights[k] > 0)
          sums[k].value =
              add_likelihood_gradient(space, parameters, step, samples, weights[k], *stream, gradient) /
              static_cast<double>(m_training.batch);
        ++k;
      }
      for (const auto& expectations : m_expectations) {
        const auto n = static_cast<std::size_t>(expectations->n_terms());
        const std::vector<double> own(weights.begin() + static_cast<std::ptrdiff_t>(k),
                                      weights.begin() + static_cast<std::ptrdiff_t>(k + n));
        const bool acts = std::any_of(own.begin(), own.end(), [](double weight) { return weight > 0; });
        for (std::int64_t first = samples.begin; acts && first < samples.end; first += m_chunk)
          expectations->accumulate(space, parameters, draws, first,
                                   static_cast<int>(std::min<std::int64_t>(m_chunk, samples.end - first)),
                                   own, gradient, &sums[k]);
        k += n;
      }
      for (k = 0; k < n_terms; ++k) {
        double* values = &m_lane_values[(static_cast<std::size_t>(local) * n_terms + k) * 2];
        values[0] = sums[k].value;
        values[1] = sums[k].clipped;
      }
    }
  }
  const ScopedRegion region("reduce gradient");
  const std::vector<double> totals = m_gradient.sum(m_lane_values, static_cast<int>(2 * n_terms));
  for (std::size_t k = 0; k < n_terms; ++k) sums[k] = {totals[2 * k], totals[2 * k + 1]};
  return sums;
}

template <class Scalar>
std::vector<double> Objective<Scalar>::gradient_norms(const ExecutionSpace& space,
                                                      const Vector<Scalar>& parameters, std::int64_t step,
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

template class Objective<float>;
template class Objective<double>;

}  // namespace rhoflux::training
