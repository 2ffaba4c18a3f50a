#include "rhoflux/training/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "objective.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/data/shard.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/optim/adam.hpp"
#include "rhoflux/optim/schedule.hpp"
#include "run_start.hpp"

namespace rhoflux::training {
namespace {

constexpr int chunk_size = 128;
constexpr std::int64_t initial_row_count = 8192;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

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

template <class Scalar>
double negative_sum(const ExecutionSpace& space, const Vector<Scalar>& log_rho, int n) {
  double sum = 0;
  Kokkos::parallel_reduce(
      "validation nll", Kokkos::RangePolicy<ExecutionSpace>(space, 0, n),
      KOKKOS_LAMBDA(int s, double& total) { total -= static_cast<double>(log_rho(s)); }, sum);
  return sum;
}

/// One run in one precision: the state, the step, and what happens between steps.
template <class Scalar>
class Trainer {
 public:
  using Log = std::function<void(const std::string&)>;

  Trainer(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
          const Log& log, std::optional<checkpoint::Checkpoint> start);
  RunEnd run();

 private:
  void start_fresh(const data::Sources& sources);
  void continue_from(const checkpoint::Checkpoint& checkpoint);
  void require_finite(const std::vector<objectives::TermSums>& values);
  void step();
  void report(double seconds);
  bool validate();
  double validation_nll();
  checkpoint::Checkpoint checkpoint() const;
  void write(const std::function<void()>& work) const;
  void save(const std::string& path);
  void save_regular();
  bool is_due(std::chrono::steady_clock::time_point saved) const;
  void announce() const;
  const Vector<Scalar>& inference_parameters() const {
    return m_average.extent(0) > 0 ? m_average : m_parameters;
  }
  std::string last_checkpoint_note() const;

  const RunConfig& m_config;
  const mpi::Communicator& m_comm;
  const Log& m_log;
  ExecutionSpace m_space;
  checkpoint::ModelDescription m_model;
  std::unique_ptr<flux::Dynamics<Scalar>> m_dynamics;
  std::unique_ptr<DistributedObjective<Scalar>> m_objective;
  std::int64_t m_n_train_rows;
  data::Shard<Scalar> m_validation;  ///< empty without data
  Vector<Scalar> m_log_rho;

  Vector<Scalar> m_parameters, m_average;
  optim::AdamState<Scalar> m_adam;

  std::int64_t m_step = 0, m_first_step = 0;
  std::vector<objectives::TermSums> m_term_sums;    ///< since the last line of the log
  std::vector<double> m_weights, m_term_gradients;  ///< of the last step, and of the last line of the log
  std::int64_t m_loss_count = 0;
  double m_gradient_norm = 0, m_learning_rate = 0;
  double m_best = std::numeric_limits<double>::infinity();
  std::int64_t m_best_step = 0, m_validations_since_best = 0;
  std::int64_t m_saved_step = -1;
  checkpoint::History m_history;
  std::string m_earlier_runs;
};

template <class Scalar>
Trainer<Scalar>::Trainer(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
                         const Log& log, std::optional<checkpoint::Checkpoint> start)
    : m_config(config), m_comm(comm), m_log(log), m_n_train_rows(sources.count(io::Split::train)) {
  const ScopedRegion region("read data");
  m_model = start ? start->model
                  : checkpoint::ModelDescription{config.model, data::measure(sources, config.data, comm),
                                                 sources.dim_names, sources.time_unit, config.flux};
  m_model.flux = config.flux;  // a continued run may change what the likelihood does not depend on
  const int n_dims = m_model.units.n_dims();
  m_dynamics = std::make_unique<flux::Dynamics<Scalar>>(
      config.model, config.flux, n_dims,
      typename flux::Dynamics<Scalar>::Use{chunk_size, config.objective.has_expectations(), true});
  m_objective = std::make_unique<DistributedObjective<Scalar>>(config, sources, comm, m_model.units,
                                                               *m_dynamics, chunk_size);
  if (sources.data) {
    const std::int64_t n_validation = sources.count(io::Split::val);
    const std::int64_t blocks = (n_validation + chunk_size - 1) / chunk_size;
    const mpi::Share mine = mpi::share_of(blocks, comm.rank(), comm.size());
    m_validation = data::read_shard<Scalar>(
        *sources.data, io::Split::val,
        {std::min(mine.begin * chunk_size, n_validation), std::min(mine.end * chunk_size, n_validation)},
        m_model.units, 1.0);
  }
  m_log_rho = make_vector<Scalar>("log density", chunk_size);
  m_term_sums.resize(m_objective->n_terms());
  if (start)
    continue_from(*start);
  else
    start_fresh(sources);
  m_first_step = m_step;
}

template <class Scalar>
void Trainer<Scalar>::start_fresh(const data::Sources& sources) {
  const density::InitialRows rows =
      data::initial_rows(sources, m_comm, m_model.units, initial_row_count, m_config.training.seed);
  const std::vector<double> initial = m_dynamics->initialise(rows, m_config.training.seed);
  const int size = static_cast<int>(initial.size());
  m_parameters = on_device<Scalar>(initial, "parameters");
  if (m_config.training.average > 0) m_average = on_device<Scalar>(initial, "averaged parameters");
  m_adam = {make_vector<Scalar>("first moment", size), make_vector<Scalar>("second moment", size)};
}

template <class Scalar>
void Trainer<Scalar>::continue_from(const checkpoint::Checkpoint& start) {
  m_parameters = on_device<Scalar>(start.parameters, "parameters");
  if (m_config.training.average > 0)
    m_average = on_device<Scalar>(start.inference_parameters(), "averaged parameters");
  m_adam = {on_device<Scalar>(start.first_moment, "first moment"),
            on_device<Scalar>(start.second_moment, "second moment")};
  m_step = start.step;
  m_saved_step = start.step;
  bool same_terms = start.terms.size() == m_term_sums.size();
  for (std::size_t k = 0; same_terms && k < m_term_sums.size(); ++k)
    same_terms = start.terms[k].name == m_objective->name(k);
  for (std::size_t k = 0; same_terms && k < m_term_sums.size(); ++k)
    m_term_sums[k] = {start.terms[k].sum, start.terms[k].clipped};
  if (same_terms) m_loss_count = start.loss_count;
  m_best = start.best_validation;
  m_best_step = start.best_step;
  m_validations_since_best = start.validations_since_best;
  m_history = start.history;
  m_earlier_runs = checkpoint::runs_before(start);
}

template <class Scalar>
std::string Trainer<Scalar>::last_checkpoint_note() const {
  if (m_saved_step < 0) return "; no checkpoint had been written yet";
  return "; the last good checkpoint is " +
         checkpoint::checkpoint_path(m_config.checkpoint.directory, m_saved_step);
}

template <class Scalar>
void Trainer<Scalar>::require_finite(const std::vector<objectives::TermSums>& values) {
  for (std::size_t k = 0; k < values.size(); ++k)
    if (!std::isfinite(values[k].value))
      fail_numerics("step " + std::to_string(m_step + 1) + ": the term " + m_objective->name(k) + " is " +
                    formatted("%g", values[k].value) + "; try a smaller training.learning_rate" +
                    last_checkpoint_note());
  if (std::isfinite(m_gradient_norm)) return;
  std::string terms;
  const std::vector<double> norms = m_objective->gradient_norms(m_space, m_parameters, m_step, m_weights);
  for (std::size_t k = 0; k < norms.size(); ++k)
    if (!std::isfinite(norms[k])) terms += (terms.empty() ? "" : ", ") + m_objective->name(k);
  fail_numerics("step " + std::to_string(m_step + 1) + ": the gradient of the term " + terms + " has norm " +
                formatted("%g", m_gradient_norm) + "; try a smaller training.learning_rate" +
                last_checkpoint_note());
}

template <class Scalar>
void Trainer<Scalar>::step() {
  const TrainingConfig& training = m_config.training;
  m_weights = m_objective->weights_at(m_step);
  const bool reports = (m_step + 1) % m_config.output.log_every == 0 || m_step + 1 == training.steps;
  if (m_objective->n_terms() > 1 && reports)
    m_term_gradients = m_objective->gradient_norms(m_space, m_parameters, m_step, m_weights);
  const std::vector<objectives::TermSums> values =
      m_objective->evaluate(m_space, m_parameters, m_step, m_weights);
  const ScopedRegion region("optimise");
  const Vector<Scalar>& gradient = m_objective->gradient();
  m_gradient_norm = optim::norm(m_space, gradient);
  require_finite(values);
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
  for (std::size_t k = 0; k < values.size(); ++k) {
    m_term_sums[k].value += values[k].value;
    m_term_sums[k].saturated += values[k].saturated;
  }
  ++m_loss_count;
}

/// A line of the log and of the history: means since the last one.
template <class Scalar>
void Trainer<Scalar>::report(double seconds) {
  checkpoint::HistoryRow row = {m_step, not_a_number, m_gradient_norm, m_learning_rate, not_a_number, {}};
  std::string terms, gradients;
  for (std::size_t k = 0; k < m_term_sums.size(); ++k) {
    if (m_weights[k] == 0) continue;  // not yet
    const std::string& name = m_objective->name(k);
    // over the steps in which the term acted
    const std::int64_t count = std::min(m_loss_count, m_step - m_objective->schedule(k).start);
    const double mean = m_term_sums[k].value / static_cast<double>(count);
    const double clipped = m_term_sums[k].saturated / static_cast<double>(count);
    terms += "  " + name + formatted(k == 0 ? " %10.5f" : " %.5g", mean);
    if (clipped > 0) terms += " (" + formatted("%.2g", 100 * clipped) + " % clipped)";
    if (name == "nll")
      row.nll = mean;
    else
      row.more.emplace_back(name, mean);
    if (m_objective->schedule(k).saturation > 0) row.more.emplace_back(name + "_clipped", clipped);
  }
  for (std::size_t k = 0; k < m_term_gradients.size(); ++k) {
    if (m_weights[k] == 0) continue;
    const std::string& name = m_objective->name(k);
    gradients += (gradients.empty() ? " (" : ", ") + name + " " + formatted("%.1e", m_term_gradients[k]);
    row.more.emplace_back(name + "_gradient_norm", m_term_gradients[k]);
  }
  if (!gradients.empty()) gradients += ")";
  const double rate = static_cast<double>(m_loss_count * m_config.training.batch) / seconds;
  const double left =
      seconds / static_cast<double>(m_loss_count) * static_cast<double>(m_config.training.steps - m_step);
  char tail[200];
  std::snprintf(tail, sizeof(tail), "%s  rate %8.2e  %9.0f samples/s  ETA %02d:%02d:%02d",
                m_config.training.clip > 0 && m_gradient_norm > m_config.training.clip ? " (clipped)" : "",
                m_learning_rate, rate, static_cast<int>(left) / 3600, static_cast<int>(left) / 60 % 60,
                static_cast<int>(left) % 60);
  m_log("step " + formatted("%8.0f", static_cast<double>(m_step)) + terms + "  |gradient| " +
        formatted("%9.3e", m_gradient_norm) + gradients + tail);
  m_history.add(row);
  std::fill(m_term_sums.begin(), m_term_sums.end(), objectives::TermSums());
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
    block_sums.push_back(negative_sum(m_space, m_log_rho, points.size()));
  }
  double total = 0;
  for (const double sum : m_comm.all_gather(block_sums)) total += sum;
  return total / static_cast<double>(m_validation.total);
}

/// Writes best.h5 if it is due.
/// @return true if early stopping is due
template <class Scalar>
bool Trainer<Scalar>::validate() {
  const ScopedRegion region("validate");
  // The newest model is the best one where the likelihood of validation rows is not the whole objective.
  const bool is_newest = m_config.objective.has_expectations() || m_validation.total == 0;
  bool is_best = is_newest;
  if (m_validation.total > 0) {
    const double nll = validation_nll();
    is_best = nll < m_best || is_newest;
    m_history.add({m_step, not_a_number, not_a_number, not_a_number, nll, {}});
    m_log("step " + formatted("%8.0f", static_cast<double>(m_step)) + "  validation nll " +
          formatted("%.5f", nll) +
          (is_newest ? "  (kept as best.h5, the newest model)"
           : is_best
               ? "  (best so far)"
               : "  (best " + formatted("%.5f", m_best) + " at step " + std::to_string(m_best_step) + ")"));
    if (is_best) m_best = nll;
  }
  if (!is_best)
    return ++m_validations_since_best >= m_config.training.patience && m_config.training.patience > 0;
  m_best_step = m_step;
  m_validations_since_best = 0;
  save(checkpoint::best_path(m_config.checkpoint.directory));
  return false;
}

template <class Scalar>
checkpoint::Checkpoint Trainer<Scalar>::checkpoint() const {
  checkpoint::Checkpoint state;
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
  for (std::size_t k = 0; k < m_term_sums.size(); ++k)
    state.terms.push_back({m_objective->name(k), m_term_sums[k].value, m_term_sums[k].saturated});
  state.loss_count = m_loss_count;
  state.n_train_rows = m_n_train_rows;
  state.history = m_history;
  state.provenance = m_config.provenance;
  state.earlier_runs = m_earlier_runs;
  return state;
}

/// Writes on the root. What goes wrong now, in the middle of a run, is no bad input.
template <class Scalar>
void Trainer<Scalar>::write(const std::function<void()>& work) const {
  mpi::on_root(m_comm, [&] {
    try {
      work();
    } catch (const Error& error) {
      fail_io(error.what() + last_checkpoint_note());
    }
  });
}

template <class Scalar>
void Trainer<Scalar>::save(const std::string& path) {
  const ScopedRegion region("write checkpoint");
  write([&] { checkpoint::write_checkpoint(path, checkpoint(), m_dynamics->layout()); });
}

template <class Scalar>
void Trainer<Scalar>::save_regular() {
  if (m_saved_step == m_step) return;
  const std::string& directory = m_config.checkpoint.directory;
  save(checkpoint::checkpoint_path(directory, m_step));
  m_saved_step = m_step;
  write([&] {
    m_history.write_csv((std::filesystem::path(directory) / "history.csv").string());
    checkpoint::remove_old_checkpoints(directory, m_config.checkpoint.keep);
  });
}

/// True on the root when the last checkpoint is older than [checkpoint] every_minutes.
template <class Scalar>
bool Trainer<Scalar>::is_due(std::chrono::steady_clock::time_point saved) const {
  const std::chrono::duration<double, std::ratio<60>> age = std::chrono::steady_clock::now() - saved;
  const double limit = m_config.checkpoint.every_minutes;
  return m_comm.is_root() && limit > 0 && age.count() >= limit;
}

template <class Scalar>
void Trainer<Scalar>::announce() const {
  std::string terms;
  for (std::size_t k = 0; k < m_objective->n_terms(); ++k)
    terms += (k == 0 ? "" : " + ") + formatted("%g ", m_objective->schedule(k).weight) + m_objective->name(k);
  m_log("model: " + std::to_string(m_dynamics->layout().count()) + " parameters, " +
        std::to_string(m_model.units.n_dims()) + " dimensions; data: " + std::to_string(m_n_train_rows) +
        " training and " + std::to_string(m_validation.total) + " validation rows; " +
        std::to_string(m_comm.size()) + " ranks");
  m_log("objective: " + terms);
  if (m_config.flux.divergence_free != flux::DivergenceFree::none &&
      !m_config.objective.has(objectives::TermKind::integral))
    m_log("note: the objective does not depend on the divergence-free part of the flux, which stays zero");
  if (m_step > 0) m_log("continuing after step " + std::to_string(m_step));
}

template <class Scalar>
RunEnd Trainer<Scalar>::run() {
  const TrainingConfig& training = m_config.training;
  const StopRequest stop(m_config.limits);
  announce();
  auto mark = std::chrono::steady_clock::now(), saved = mark;
  while (m_step < training.steps) {
    step();
    bool enough = false;
    if (m_step % m_config.output.log_every == 0 || m_step == training.steps) {
      const auto now = std::chrono::steady_clock::now();
      report(std::chrono::duration<double>(now - mark).count());
      mark = now;
    }
    const bool is_last = m_step == training.steps;
    if (training.validate_every > 0 && (m_step % training.validate_every == 0 || is_last))
      enough = validate();
    std::int64_t wishes[2] = {static_cast<std::int64_t>(stop.reason(m_step - m_first_step)),
                              is_due(saved) ? 1 : 0};
    m_comm.max(wishes, 2);
    const auto reason = static_cast<StopReason>(wishes[0]);
    const bool stopping = reason != StopReason::none && !is_last;
    if (m_step % m_config.checkpoint.every == 0 || wishes[1] != 0 || is_last || enough || stopping) {
      save_regular();
      saved = std::chrono::steady_clock::now();
    }
    if (enough) {
      m_log("early stopping: no improvement in " + std::to_string(training.patience) + " validations");
      return RunEnd::early_stopping;
    }
    if (stopping) {
      m_log("stopped after step " + std::to_string(m_step) + " by " + to_string(reason) +
            "; run again with --restart auto to continue");
      return RunEnd::stopped;
    }
  }
  save_regular();
  return RunEnd::finished;
}

template <class Scalar>
RunEnd train_in(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
                const std::function<void(const std::string&)>& log) {
  io::DirectoryLock lock = lock_directory(config, comm);
  Trainer<Scalar> trainer(config, sources, comm, log, find_start(config, sources, comm, log));
  // Only now: everything that the input can have wrong has been found.
  prepare_directory(config, comm, lock, log);
  return trainer.run();
}

}  // namespace

RunEnd train(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
             const std::function<void(const std::string&)>& log) {
  if (config.training.patience > 0 && sources.count(io::Split::val) == 0)
    fail_input("training.patience = " + std::to_string(config.training.patience) +
               ": there are no validation rows to look at; must be 0");
  if (config.training.precision == Precision::single_precision)
    return train_in<float>(config, sources, comm, log);
  return train_in<double>(config, sources, comm, log);
}

}  // namespace rhoflux::training
