#include "rhoflux/training/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/profiling.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "rhoflux/objectives/expectations.hpp"
#include "rhoflux/optim/adam.hpp"
#include "rhoflux/optim/schedule.hpp"
#include "rhoflux/parallel/gradient_reduction.hpp"
#include "rhoflux/training/data.hpp"

namespace rhoflux::training {
namespace {

constexpr int chunk_size = 128;
constexpr std::int64_t initial_row_count = 8192;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class Scalar>
Vector<Scalar> to_device(const std::vector<double>& values, const char* label) {
  const auto device = make_vector<Scalar>(label, static_cast<int>(values.size()));
  const auto host = Kokkos::create_mirror_view(device);
  for (std::size_t k = 0; k < values.size(); ++k) host(k) = static_cast<Scalar>(values[k]);
  Kokkos::deep_copy(device, host);
  return device;
}

template <class Scalar>
std::vector<double> to_host(const Vector<Scalar>& device) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device);
  std::vector<double> values(host.extent(0));
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<double>(host(k));
  return values;
}

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// One run in one precision: the state, the step, and what happens between steps.
template <class Scalar>
class Trainer {
 public:
  using Log = std::function<void(const std::string&)>;

  Trainer(const RunConfig& config, const io::PopulationFile& file, const parallel::Communicator& comm,
          const Log& log, std::optional<Checkpoint> start);
  RunEnd run();

 private:
  void start_fresh(const io::PopulationFile& file);
  void continue_from(const Checkpoint& checkpoint);
  /// Weights of the terms in one step: the likelihood, then the expectations.
  std::vector<double> weights_now() const;
  std::string term_name(std::size_t k) const {
    return k == 0 ? "nll" : m_expectations->name(static_cast<int>(k) - 1);
  }
  double data_terms(parallel::Share samples, double weight, const Vector<Scalar>& gradient);
  std::vector<double> gradient_of(const std::vector<double>& weights);
  std::vector<double> gradient_norms(const std::vector<double>& weights);
  void step();
  void report(double seconds);
  bool validate();
  double validation_nll();
  Checkpoint checkpoint() const;
  void save(const std::string& path);
  void save_regular();
  const Vector<Scalar>& inference_parameters() const {
    return m_average.extent(0) > 0 ? m_average : m_parameters;
  }
  std::string last_checkpoint_note() const;

  const RunConfig& m_config;
  const parallel::Communicator& m_comm;
  const Log& m_log;
  ExecutionSpace m_space;
  ModelDescription m_model;
  std::unique_ptr<flux::Dynamics<Scalar>> m_dynamics;
  parallel::BatchPartition m_partition;
  Shard<Scalar> m_train, m_validation;
  std::unique_ptr<parallel::GradientReduction<Scalar>> m_gradient;

  Vector<Scalar> m_parameters, m_average;
  optim::AdamState<Scalar> m_adam;
  density::Points<Scalar> m_points;
  Vector<Scalar> m_weight, m_weight_bar, m_log_rho;
  std::unique_ptr<objectives::Expectations<Scalar>> m_expectations;  ///< null: the likelihood alone
  std::vector<double> m_lane_values;                                 ///< by lane and term

  std::int64_t m_step = 0, m_first_step = 0;
  std::vector<double> m_term_sums;                  ///< since the last line of the log; the likelihood first
  std::vector<double> m_weights, m_term_gradients;  ///< of the last step, and of the last line of the log
  std::int64_t m_loss_count = 0;
  double m_gradient_norm = 0, m_learning_rate = 0;
  double m_best = std::numeric_limits<double>::infinity();
  std::int64_t m_best_step = 0, m_validations_since_best = 0;
  std::int64_t m_saved_step = -1;
  History m_history;
};

template <class Scalar>
Trainer<Scalar>::Trainer(const RunConfig& config, const io::PopulationFile& file,
                         const parallel::Communicator& comm, const Log& log, std::optional<Checkpoint> start)
    : m_config(config),
      m_comm(comm),
      m_log(log),
      m_partition(comm, config.training.batch,
                  config.training.reproducible ? config.training.reproducible_lanes : 0) {
  const ScopedRegion region("read data");
  m_model = start ? start->model
                  : ModelDescription{config.model, measure(file, comm, config.data.standardise),
                                     file.info().dim_names, file.info().time_unit, config.flux};
  m_model.flux = config.flux;  // a continued run may change what the likelihood does not depend on
  const int n_dims = m_model.units.n_dims();
  m_dynamics = std::make_unique<flux::Dynamics<Scalar>>(
      config.model, config.flux, n_dims,
      typename flux::Dynamics<Scalar>::Use{chunk_size, config.objective.has_expectations(), true});
  if (config.objective.has_expectations())
    m_expectations = std::make_unique<objectives::Expectations<Scalar>>(
        config.objective,
        objectives::Units{m_model.units.mean, m_model.units.scale, m_model.units.t_first,
                          m_model.units.time_span()},
        config.flux.noise, *m_dynamics, chunk_size);
  const double weight = mean_weight(file, comm);
  const std::int64_t n_rows = file.info().count(io::Split::train);
  m_train = read_shard<Scalar>(file, io::Split::train,
                               rows_for_samples(m_partition.local_samples(), config.training.batch, n_rows),
                               m_model.units, weight);
  const std::int64_t n_validation = file.info().count(io::Split::val);
  const std::int64_t blocks = (n_validation + chunk_size - 1) / chunk_size;
  const parallel::Share mine = parallel::share_of(blocks, comm.rank(), comm.size());
  m_validation = read_shard<Scalar>(
      file, io::Split::val,
      {std::min(mine.begin * chunk_size, n_validation), std::min(mine.end * chunk_size, n_validation)},
      m_model.units, weight);
  m_points = {make_vector<Scalar>("batch times", chunk_size),
              make_matrix<Scalar>("batch", n_dims, chunk_size)};
  m_weight = make_vector<Scalar>("batch weights", chunk_size);
  m_weight_bar = make_vector<Scalar>("batch adjoint", chunk_size);
  m_log_rho = make_vector<Scalar>("log density", chunk_size);
  const int size = m_dynamics->layout().size();
  m_gradient = std::make_unique<parallel::GradientReduction<Scalar>>(comm, m_partition, size);
  const std::size_t n_terms = m_expectations ? 1 + static_cast<std::size_t>(m_expectations->n_terms()) : 1;
  m_lane_values.assign(static_cast<std::size_t>(m_gradient->n_local_lanes()) * n_terms, 0.0);
  m_term_sums.assign(n_terms, 0.0);
  if (start)
    continue_from(*start);
  else
    start_fresh(file);
  m_first_step = m_step;
}

template <class Scalar>
void Trainer<Scalar>::start_fresh(const io::PopulationFile& file) {
  const density::InitialRows rows = initial_rows(file, m_comm, m_model.units, initial_row_count);
  const std::vector<double> initial = m_dynamics->initialise(rows, m_config.training.seed);
  const int size = static_cast<int>(initial.size());
  m_parameters = to_device<Scalar>(initial, "parameters");
  if (m_config.training.average > 0) m_average = to_device<Scalar>(initial, "averaged parameters");
  m_adam = {make_vector<Scalar>("first moment", size), make_vector<Scalar>("second moment", size)};
}

template <class Scalar>
void Trainer<Scalar>::continue_from(const Checkpoint& start) {
  m_parameters = to_device<Scalar>(start.parameters, "parameters");
  if (m_config.training.average > 0)
    m_average = to_device<Scalar>(start.inference_parameters(), "averaged parameters");
  m_adam = {to_device<Scalar>(start.first_moment, "first moment"),
            to_device<Scalar>(start.second_moment, "second moment")};
  m_step = start.step;
  m_saved_step = start.step;
  if (start.term_sums.size() + 1 == m_term_sums.size()) {  // else the terms are others than before
    m_term_sums.front() = start.loss_sum;
    std::copy(start.term_sums.begin(), start.term_sums.end(), m_term_sums.begin() + 1);
    m_loss_count = start.loss_count;
  }
  m_best = start.best_validation;
  m_best_step = start.best_step;
  m_validations_since_best = start.validations_since_best;
  m_history = start.history;
}

template <class Scalar>
std::vector<double> Trainer<Scalar>::weights_now() const {
  std::vector<double> weights = {m_config.objective.nll.at(m_step)};
  for (std::size_t k = 1; k < m_term_sums.size(); ++k)
    weights.push_back(m_expectations->weight(static_cast<int>(k) - 1, m_step));
  return weights;
}

/// Adds `weight` times the gradient of the mean of -log rho over the batch, the part of some of its samples.
/// @return the sum of -log rho over them
template <class Scalar>
double Trainer<Scalar>::data_terms(parallel::Share samples, double weight, const Vector<Scalar>& gradient) {
  const auto scale = static_cast<Scalar>(-weight / static_cast<double>(m_config.training.batch));
  const BatchConfig batch = {m_config.training.seed, m_step, m_config.training.batch,
                             m_config.training.noise};
  double loss = 0;
  for (std::int64_t first = samples.begin; first < samples.end; first += chunk_size) {
    const auto n = static_cast<int>(std::min<std::int64_t>(chunk_size, samples.end - first));
    const auto part = Kokkos::make_pair(0, n);
    const density::Points<Scalar> points = {Kokkos::subview(m_points.tau, part),
                                            Kokkos::subview(m_points.x, Kokkos::ALL, part)};
    draw_batch(m_space, m_train, batch, first, points, m_weight);
    const Vector<Scalar> weight_bar = m_weight_bar, row_weight = m_weight, log_rho = m_log_rho;
    Kokkos::parallel_for(
        "weight adjoint", Kokkos::RangePolicy<ExecutionSpace>(m_space, 0, n),
        KOKKOS_LAMBDA(int s) { weight_bar(s) = scale * row_weight(s); });
    m_dynamics->density().log_density_gradient(m_space, m_parameters, points, weight_bar, log_rho, gradient);
    double sum = 0;
    Kokkos::parallel_reduce(
        "loss", Kokkos::RangePolicy<ExecutionSpace>(m_space, 0, n),
        KOKKOS_LAMBDA(int s, double& total) { total -= static_cast<double>(row_weight(s) * log_rho(s)); },
        sum);
    loss += sum;
  }
  return loss;
}

/// Value of each term over the whole batch; the gradient of their weighted sum is left in lane 0 on every
/// rank. What has no weight is not evaluated.
template <class Scalar>
std::vector<double> Trainer<Scalar>::gradient_of(const std::vector<double>& weights) {
  const std::size_t n_terms = weights.size();
  const std::vector<double> expectation_weights(weights.begin() + 1, weights.end());
  const bool has_expectations = std::any_of(expectation_weights.begin(), expectation_weights.end(),
                                            [](double weight) { return weight > 0; });
  const objectives::DrawConfig draws = {m_config.training.seed, m_step, m_config.training.batch};
  const parallel::Share lanes = m_partition.local_lanes();
  {
    const ScopedRegion region("gradient");
    std::fill(m_lane_values.begin(), m_lane_values.end(), 0.0);
    for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane) {
      const auto local = static_cast<int>(lane - lanes.begin);
      const Vector<Scalar>& gradient = m_gradient->lane(local);
      Kokkos::deep_copy(m_space, gradient, Scalar(0));
      double* values = &m_lane_values[static_cast<std::size_t>(local) * n_terms];
      const parallel::Share samples = m_partition.samples_of(lane);
      if (weights.front() > 0)
        values[0] =
            data_terms(samples, weights.front(), gradient) / static_cast<double>(m_config.training.batch);
      for (std::int64_t first = samples.begin; has_expectations && first < samples.end; first += chunk_size)
        m_expectations->accumulate(m_space, m_parameters, draws, first,
                                   static_cast<int>(std::min<std::int64_t>(chunk_size, samples.end - first)),
                                   expectation_weights, gradient, values + 1);
    }
  }
  const ScopedRegion region("reduce gradient");
  return m_gradient->sum(m_lane_values, static_cast<int>(n_terms));
}

/// Norm of the gradient of each term alone, times its weight.
template <class Scalar>
std::vector<double> Trainer<Scalar>::gradient_norms(const std::vector<double>& weights) {
  std::vector<double> norms;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    std::vector<double> alone(weights.size(), 0.0);
    alone[k] = weights[k];
    if (weights[k] > 0) (void)gradient_of(alone);
    norms.push_back(weights[k] > 0 ? optim::norm(m_space, m_gradient->lane(0)) : 0.0);
  }
  return norms;
}

template <class Scalar>
std::string Trainer<Scalar>::last_checkpoint_note() const {
  if (m_saved_step < 0) return "; no checkpoint had been written yet";
  return "; the last good checkpoint is " + checkpoint_path(m_config.checkpoint.directory, m_saved_step);
}

template <class Scalar>
void Trainer<Scalar>::step() {
  const TrainingConfig& training = m_config.training;
  m_weights = weights_now();
  const bool reports = (m_step + 1) % m_config.output.log_every == 0 || m_step + 1 == training.steps;
  if (m_expectations && reports) m_term_gradients = gradient_norms(m_weights);
  const std::vector<double> values = gradient_of(m_weights);
  const ScopedRegion region("optimise");
  const Vector<Scalar>& gradient = m_gradient->lane(0);
  m_gradient_norm = optim::norm(m_space, gradient);
  for (std::size_t k = 0; k < values.size(); ++k)
    if (!std::isfinite(values[k]))
      fail_numerics("step " + std::to_string(m_step + 1) + ": the term " + term_name(k) + " is " +
                    formatted("%g", values[k]) + "; try a smaller training.learning_rate" +
                    last_checkpoint_note());
  if (!std::isfinite(m_gradient_norm)) {
    std::string terms;
    const std::vector<double> norms = gradient_norms(m_weights);
    for (std::size_t k = 0; k < norms.size(); ++k)
      if (!std::isfinite(norms[k])) terms += (terms.empty() ? "" : ", ") + term_name(k);
    fail_numerics("step " + std::to_string(m_step + 1) + ": the gradient of the term " + terms +
                  " has norm " + formatted("%g", m_gradient_norm) + "; try a smaller training.learning_rate" +
                  last_checkpoint_note());
  }
  const double scale =
      training.clip > 0 && m_gradient_norm > training.clip ? training.clip / m_gradient_norm : 1.0;
  ++m_step;
  m_learning_rate = optim::learning_rate({training.schedule == Schedule::cosine, training.learning_rate,
                                          training.final_learning_rate, training.warmup, training.steps},
                                         m_step);
  optim::adam_step(m_space, {training.beta1, training.beta2, training.epsilon, training.weight_decay}, m_step,
                   m_learning_rate, scale, gradient, m_adam, m_parameters);
  if (m_average.extent(0) > 0) {
    // A short memory at first, so that the average does not remember the start.
    const double decay = std::min(training.average,
                                  (1.0 + static_cast<double>(m_step)) / (10.0 + static_cast<double>(m_step)));
    optim::update_average(m_space, decay, m_parameters, m_average);
  }
  for (std::size_t k = 0; k < values.size(); ++k) m_term_sums[k] += values[k];
  ++m_loss_count;
}

/// A line of the log and of the history: means since the last one.
template <class Scalar>
void Trainer<Scalar>::report(double seconds) {
  const auto mean = [&](std::size_t k) {  // over the steps in which the term acted
    const std::int64_t start =
        k == 0 ? m_config.objective.nll.start : m_expectations->start(static_cast<int>(k) - 1);
    const std::int64_t count = std::min(m_loss_count, m_step - start);
    return count > 0 ? m_term_sums[k] / static_cast<double>(count) : not_a_number;
  };
  const double rate = static_cast<double>(m_loss_count * m_config.training.batch) / seconds;
  const double left =
      seconds / static_cast<double>(m_loss_count) * static_cast<double>(m_config.training.steps - m_step);
  HistoryRow row = {m_step, mean(0), m_gradient_norm, m_learning_rate, not_a_number, {}};
  std::string terms;
  for (std::size_t k = 1; k < m_term_sums.size(); ++k) {
    if (m_weights[k] == 0) continue;  // not yet
    terms += "  " + term_name(k) + " " + formatted("%.5g", mean(k));
    row.more.emplace_back(term_name(k), mean(k));
  }
  std::string gradients;
  for (std::size_t k = 0; k < m_term_gradients.size() && !terms.empty(); ++k) {
    gradients += (k == 0 ? " (" : ", ") + term_name(k) + " " + formatted("%.1e", m_term_gradients[k]);
    row.more.emplace_back(term_name(k) + "_gradient_norm", m_term_gradients[k]);
  }
  if (!gradients.empty()) gradients += ")";
  char head[64], tail[200];
  std::snprintf(head, sizeof(head), "step %8lld  nll %10.5f", static_cast<long long>(m_step), mean(0));
  std::snprintf(tail, sizeof(tail), "%s  rate %8.2e  %9.0f samples/s  ETA %02d:%02d:%02d",
                m_config.training.clip > 0 && m_gradient_norm > m_config.training.clip ? " (clipped)" : "",
                m_learning_rate, rate, static_cast<int>(left) / 3600, static_cast<int>(left) / 60 % 60,
                static_cast<int>(left) % 60);
  m_log(head + terms + "  |gradient| " + formatted("%9.3e", m_gradient_norm) + gradients + tail);
  m_history.add(row);
  std::fill(m_term_sums.begin(), m_term_sums.end(), 0.0);
  m_loss_count = 0;
}

/// Mean NLL of the validation rows. Sums of fixed blocks, added in block order, so that every rank count
/// gives the same bits.
template <class Scalar>
double Trainer<Scalar>::validation_nll() {
  std::vector<double> block_sums;
  const int n = m_validation.size();
  for (int first = 0; first < n; first += chunk_size) {
    const auto part = Kokkos::make_pair(first, std::min(first + chunk_size, n));
    const density::Points<Scalar> points = {Kokkos::subview(m_validation.tau, part),
                                            Kokkos::subview(m_validation.x, Kokkos::ALL, part)};
    m_dynamics->density().log_density(m_space, inference_parameters(), points, m_log_rho);
    const Vector<Scalar> log_rho = m_log_rho;
    double sum = 0;
    Kokkos::parallel_reduce(
        "validation nll", Kokkos::RangePolicy<ExecutionSpace>(m_space, 0, points.size()),
        KOKKOS_LAMBDA(int s, double& total) { total -= static_cast<double>(log_rho(s)); }, sum);
    block_sums.push_back(sum);
  }
  double total = 0;
  for (const double sum : m_comm.all_gather(block_sums)) total += sum;
  return total / static_cast<double>(m_validation.total);
}

/// @return true if early stopping is due
template <class Scalar>
bool Trainer<Scalar>::validate() {
  const ScopedRegion region("validate");
  const double nll = validation_nll();
  const bool is_newest = m_expectations != nullptr;  // the likelihood is not the whole objective
  const bool is_best = nll < m_best || is_newest;
  m_history.add({m_step, not_a_number, not_a_number, not_a_number, nll, {}});
  m_log("step " + formatted("%8.0f", static_cast<double>(m_step)) + "  validation nll " +
        formatted("%.5f", nll) +
        (is_newest ? "  (kept as best.h5, the newest model)"
         : is_best
             ? "  (best so far)"
             : "  (best " + formatted("%.5f", m_best) + " at step " + std::to_string(m_best_step) + ")"));
  if (!is_best)
    return ++m_validations_since_best >= m_config.training.patience && m_config.training.patience > 0;
  m_best = nll;
  m_best_step = m_step;
  m_validations_since_best = 0;
  save(best_path(m_config.checkpoint.directory));
  return false;
}

template <class Scalar>
Checkpoint Trainer<Scalar>::checkpoint() const {
  Checkpoint state;
  state.model = m_model;
  state.precision = m_config.training.precision;
  state.deck = m_config.deck;
  state.seed = m_config.training.seed;
  state.step = m_step;
  state.parameters = to_host(m_parameters);
  if (m_average.extent(0) > 0) state.averaged = to_host(m_average);
  state.first_moment = to_host(m_adam.first_moment);
  state.second_moment = to_host(m_adam.second_moment);
  state.best_validation = m_best;
  state.best_step = m_best_step;
  state.validations_since_best = m_validations_since_best;
  state.loss_sum = m_term_sums.front();
  state.term_sums.assign(m_term_sums.begin() + 1, m_term_sums.end());
  state.loss_count = m_loss_count;
  state.n_train_rows = m_train.total;
  state.history = m_history;
  state.provenance = m_config.provenance;
  return state;
}

template <class Scalar>
void Trainer<Scalar>::save(const std::string& path) {
  const ScopedRegion region("write checkpoint");
  parallel::on_root(m_comm, [&] { write_checkpoint(path, checkpoint(), m_dynamics->layout()); });
}

template <class Scalar>
void Trainer<Scalar>::save_regular() {
  if (m_saved_step == m_step) return;
  const std::string& directory = m_config.checkpoint.directory;
  save(checkpoint_path(directory, m_step));
  m_saved_step = m_step;
  parallel::on_root(m_comm, [&] {
    m_history.write_csv((std::filesystem::path(directory) / "history.csv").string());
    remove_old_checkpoints(directory, m_config.checkpoint.keep);
  });
}

template <class Scalar>
RunEnd Trainer<Scalar>::run() {
  const TrainingConfig& training = m_config.training;
  const StopRequest stop(m_config.limits);
  m_log("model: " + std::to_string(m_dynamics->layout().count()) + " parameters, " +
        std::to_string(m_model.units.n_dims()) + " dimensions; data: " + std::to_string(m_train.total) +
        " training and " + std::to_string(m_validation.total) + " validation rows; " +
        std::to_string(m_comm.size()) + " ranks");
  if (m_config.flux.divergence_free != flux::DivergenceFree::none && !m_expectations)
    m_log("note: the likelihood does not depend on the divergence-free part of the flux, which stays zero");
  if (m_step > 0) m_log("continuing after step " + std::to_string(m_step));
  RunEnd end = RunEnd::finished;
  auto mark = std::chrono::steady_clock::now();
  while (m_step < training.steps) {
    step();
    bool enough = false;
    if (m_step % m_config.output.log_every == 0 || m_step == training.steps) {
      const auto now = std::chrono::steady_clock::now();
      report(std::chrono::duration<double>(now - mark).count());
      mark = now;
    }
    const bool is_last = m_step == training.steps;
    if (training.validate_every > 0 && m_validation.total > 0 &&
        (m_step % training.validate_every == 0 || is_last))
      enough = validate();
    const std::string reason = stop.reason(m_step - m_first_step);
    const bool stopping = m_comm.any(!reason.empty()) && m_step < training.steps;
    if (m_step % m_config.checkpoint.every == 0 || is_last || enough || stopping) save_regular();
    if (enough) {
      m_log("early stopping: no improvement in " + std::to_string(training.patience) + " validations");
      return RunEnd::early_stopping;
    }
    if (stopping) {
      m_log("stopped after step " + std::to_string(m_step) +
            (reason.empty() ? " by a signal to another rank" : " by " + reason) +
            "; run again with --restart auto to continue");
      return RunEnd::stopped;
    }
  }
  save_regular();
  return end;
}

/// Keys that a continued run may not change, because the state of the old run would not fit.
void require_same_run(const RunConfig& config, const Checkpoint& start, const io::PopulationFile& file,
                      const std::string& name) {
  const network::ParameterLayout ours = flux::layout_of(config.model, config.flux, file.info().n_dims);
  const network::ParameterLayout theirs =
      flux::layout_of(start.model.config, start.model.flux, start.model.units.n_dims());
  const auto refuse = [&](const std::string& what) {
    fail_input(name + ": cannot be continued with this deck: " + what +
               " (use --restart none and another checkpoint.directory for a new run)");
  };
  bool same = ours.blocks().size() == theirs.blocks().size();
  for (std::size_t k = 0; same && k < ours.blocks().size(); ++k)
    same = ours.blocks()[k].name == theirs.blocks()[k].name &&
           ours.blocks()[k].rows == theirs.blocks()[k].rows &&
           ours.blocks()[k].columns == theirs.blocks()[k].columns;
  const density::Config &a = config.model, &b = start.model.config;
  same = same && a.family == b.family && a.weights == b.weights &&
         a.time_frequency_min == b.time_frequency_min && a.time_frequency_max == b.time_frequency_max &&
         a.coordinate_frequency_min == b.coordinate_frequency_min &&
         a.coordinate_frequency_max == b.coordinate_frequency_max;
  if (!same) refuse("[model], or the divergence-free part of [flux], differs from that of the checkpoint");
  if (config.training.seed != start.seed)
    refuse("training.seed = " + std::to_string(config.training.seed) + ", the checkpoint has " +
           std::to_string(start.seed));
  if (config.training.precision != start.precision) refuse("training.precision differs");
  if (file.info().count(io::Split::train) != start.n_train_rows)
    refuse(file.path() + " has " + std::to_string(file.info().count(io::Split::train)) +
           " training rows, the checkpoint was made with " + std::to_string(start.n_train_rows));
}

bool holds_checkpoints(const std::string& directory) {
  return !list_checkpoints(directory).empty() || std::filesystem::exists(best_path(directory));
}

/// The state to continue from, if any. Nothing is written.
std::optional<Checkpoint> find_start(const RunConfig& config, const io::PopulationFile& file,
                                     const parallel::Communicator& comm,
                                     const std::function<void(const std::string&)>& log) {
  const std::string& directory = config.checkpoint.directory;
  std::optional<Checkpoint> start;
  std::vector<std::string> warnings;
  // Every rank reads the small file itself; the root checks first, so that an error comes once.
  const auto read = [&] {
    if (config.restart == "auto")
      start = read_newest_checkpoint(directory, [&](const std::string& text) { warnings.push_back(text); });
    else if (config.restart != "none")
      start = read_checkpoint(config.restart);
    if (start) require_same_run(config, *start, file, config.restart == "auto" ? directory : config.restart);
  };
  parallel::on_root(comm, [&] {
    read();
    if (config.restart == "none" && holds_checkpoints(directory) && !config.force)
      fail_input("checkpoint.directory = " + directory +
                 ": holds checkpoints of another run; give --restart auto to continue it, another directory, "
                 "or --force to "
                 "remove them");
    const bool named = config.restart != "none" && config.restart != "auto";
    if (named && !list_checkpoints(directory).empty() &&
        list_checkpoints(directory).front() > checkpoint_path(directory, start->step))
      fail_input("checkpoint.directory = " + directory + ": holds " + list_checkpoints(directory).front() +
                 ", which is newer than the " + std::to_string(start->step) + " steps of " + config.restart +
                 "; give another directory, so that neither run is lost");
    if (config.restart == "auto" && !start && !warnings.empty())
      fail_input(directory + ": no checkpoint can be read; " + warnings.front());
  });
  if (!comm.is_root()) read();
  for (const std::string& warning : warnings) log("warning: " + warning);
  return start;
}

/// Makes the checkpoint directory and, for a new run, empties it of checkpoints.
void prepare_directory(const RunConfig& config, const parallel::Communicator& comm) {
  const std::string& directory = config.checkpoint.directory;
  parallel::on_root(comm, [&] {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) fail_input("checkpoint.directory = " + directory + ": cannot be made: " + error.message());
    io::require_absent((std::filesystem::path(directory) / "history.csv").string(), true);
    if (config.restart != "none") return;
    remove_old_checkpoints(directory, 0);
    std::filesystem::remove(best_path(directory));
  });
}

template <class Scalar>
RunEnd train_in(const RunConfig& config, const io::PopulationFile& file, const parallel::Communicator& comm,
                const std::function<void(const std::string&)>& log) {
  Trainer<Scalar> trainer(config, file, comm, log, find_start(config, file, comm, log));
  prepare_directory(config, comm);  // only now: everything that the input can have wrong has been found
  return trainer.run();
}

}  // namespace

RunEnd train(const RunConfig& config, const io::PopulationFile& file, const parallel::Communicator& comm,
             const std::function<void(const std::string&)>& log) {
  if (config.training.precision == Precision::single_precision)
    return train_in<float>(config, file, comm, log);
  return train_in<double>(config, file, comm, log);
}

}  // namespace rhoflux::training
