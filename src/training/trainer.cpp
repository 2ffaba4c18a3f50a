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
  double gradient_and_loss();
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
  std::vector<double> m_lane_loss;

  std::int64_t m_step = 0, m_first_step = 0;
  double m_loss_sum = 0;
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
      config.model, config.flux, n_dims, typename flux::Dynamics<Scalar>::Use{chunk_size, false, true});
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
  m_lane_loss.assign(static_cast<std::size_t>(m_gradient->n_local_lanes()), 0.0);
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
  m_loss_sum = start.loss_sum;
  m_loss_count = start.loss_count;
  m_best = start.best_validation;
  m_best_step = start.best_step;
  m_validations_since_best = start.validations_since_best;
  m_history = start.history;
}

/// Loss of the whole batch; its gradient is left in lane 0 on every rank.
template <class Scalar>
double Trainer<Scalar>::gradient_and_loss() {
  const auto scale = static_cast<Scalar>(-m_config.nll_weight / static_cast<double>(m_config.training.batch));
  const parallel::Share lanes = m_partition.local_lanes();
  const BatchConfig batch = {m_config.training.seed, m_step, m_config.training.batch,
                             m_config.training.noise};
  {
    const ScopedRegion region("gradient");
    for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane) {
      const auto local = static_cast<int>(lane - lanes.begin);
      const Vector<Scalar>& gradient = m_gradient->lane(local);
      Kokkos::deep_copy(m_space, gradient, Scalar(0));
      double loss = 0;
      const parallel::Share samples = m_partition.samples_of(lane);
      for (std::int64_t first = samples.begin; first < samples.end; first += chunk_size) {
        const auto n = static_cast<int>(std::min<std::int64_t>(chunk_size, samples.end - first));
        const auto part = Kokkos::make_pair(0, n);
        const density::Points<Scalar> points = {Kokkos::subview(m_points.tau, part),
                                                Kokkos::subview(m_points.x, Kokkos::ALL, part)};
        const Vector<Scalar> weight = m_weight, weight_bar = m_weight_bar, log_rho = m_log_rho;
        draw_batch(m_space, m_train, batch, first, points, weight);
        Kokkos::parallel_for(
            "loss adjoint", Kokkos::RangePolicy<ExecutionSpace>(m_space, 0, n),
            KOKKOS_LAMBDA(int s) { weight_bar(s) = scale * weight(s); });
        m_dynamics->density().log_density_gradient(m_space, m_parameters, points, weight_bar, log_rho,
                                                   gradient);
        double sum = 0;
        Kokkos::parallel_reduce(
            "loss", Kokkos::RangePolicy<ExecutionSpace>(m_space, 0, n),
            KOKKOS_LAMBDA(int s, double& total) { total -= static_cast<double>(weight(s) * log_rho(s)); },
            sum);
        loss += sum;
      }
      m_lane_loss[static_cast<std::size_t>(local)] = loss;
    }
  }
  const ScopedRegion region("reduce gradient");
  return m_gradient->sum(m_lane_loss) / static_cast<double>(m_config.training.batch);
}

template <class Scalar>
std::string Trainer<Scalar>::last_checkpoint_note() const {
  if (m_saved_step < 0) return "; no checkpoint had been written yet";
  return "; the last good checkpoint is " + checkpoint_path(m_config.checkpoint.directory, m_saved_step);
}

template <class Scalar>
void Trainer<Scalar>::step() {
  const TrainingConfig& training = m_config.training;
  const double loss = gradient_and_loss();
  const ScopedRegion region("optimise");
  const Vector<Scalar>& gradient = m_gradient->lane(0);
  m_gradient_norm = optim::norm(m_space, gradient);
  if (!std::isfinite(loss) || !std::isfinite(m_gradient_norm))
    fail_numerics("step " + std::to_string(m_step + 1) + ": the term nll is " + formatted("%g", loss) +
                  " and its gradient has norm " + formatted("%g", m_gradient_norm) +
                  "; try a smaller training.learning_rate" + last_checkpoint_note());
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
  m_loss_sum += loss;
  ++m_loss_count;
}

/// A line of the log and of the history: means since the last one.
template <class Scalar>
void Trainer<Scalar>::report(double seconds) {
  const double nll = m_loss_sum / static_cast<double>(m_loss_count);
  const double rate = static_cast<double>(m_loss_count * m_config.training.batch) / seconds;
  const double left =
      seconds / static_cast<double>(m_loss_count) * static_cast<double>(m_config.training.steps - m_step);
  char line[200];
  std::snprintf(line, sizeof(line),
                "step %8lld  nll %10.5f  |gradient| %9.3e%s  rate %8.2e  %9.0f samples/s  ETA %02d:%02d:%02d",
                static_cast<long long>(m_step), nll, m_gradient_norm,
                m_config.training.clip > 0 && m_gradient_norm > m_config.training.clip ? " (clipped)" : "",
                m_learning_rate, rate, static_cast<int>(left) / 3600, static_cast<int>(left) / 60 % 60,
                static_cast<int>(left) % 60);
  m_log(line);
  m_history.add({m_step, nll, m_gradient_norm, m_learning_rate, not_a_number});
  m_loss_sum = 0;
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
  const bool is_best = nll < m_best;
  m_history.add({m_step, not_a_number, not_a_number, not_a_number, nll});
  m_log("step " + formatted("%8.0f", static_cast<double>(m_step)) + "  validation nll " +
        formatted("%.5f", nll) +
        (is_best ? "  (best so far)"
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
  state.loss_sum = m_loss_sum;
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
  if (m_config.flux.divergence_free != flux::DivergenceFree::none)
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
