#include "rhoflux/training/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "checkpoint_store.hpp"
#include "device_state.hpp"
#include "early_stopping.hpp"
#include "memory_need.hpp"
#include "objective.hpp"
#include "reporter.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/data/conditions.hpp"
#include "rhoflux/data/mass.hpp"
#include "rhoflux/device/accelerator.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/optim/schedule.hpp"
#include "run_start.hpp"
#include "stall_watch.hpp"
#include "validation.hpp"
#include "workers.hpp"

namespace rhoflux::training {
namespace {

std::int64_t initial_row_count(const density::Config& model) {
  constexpr std::int64_t usual = 8192;
  return model.family == density::Family::factorised ? std::max<std::int64_t>(usual, model.n_products)
                                                     : usual;
}

/// What a run begins with: what it continues from, or all but the arrays of a new one. Collective.
checkpoint::Checkpoint begin(const RunConfig& config, const data::Sources& sources,
                             const mpi::Communicator& comm, RunStart start) {
  checkpoint::Checkpoint begun;
  if (start.continued) {
    begun = std::move(*start.continued);
    begun.earlier_runs = checkpoint::runs_before(begun);
  } else {
    begun.model = {
        config.model,      data::measure(sources, config.data, comm),
        sources.dim_names, sources.time_unit,
        config.flux,       {sources.time, sources.import_choices, sources.coordinates_chosen_from}};
    if (sources.data) begun.model.conditions = data::measure_conditions(*sources.data, comm);
    begun.state.precision = config.training.precision;
    begun.state.seed = config.training.seed;
    begun.state.n_train_rows = sources.count(io::Split::train);
    if (start.started_from) take_parameters(begun, *start.started_from);
  }
  begun.model.flux = config.flux;  // a continued run may change what the likelihood does not depend on
  if (config.model.grows())
    begun.model.flux.mass =
        at_model_times(data::mass_of(config.data, sources, begun.model.units, comm), begun.model.units);
  begun.deck = config.deck;
  const std::string started_from = checkpoint::entry_of(begun.provenance, "started_from");
  begun.provenance = config.provenance;
  if (!started_from.empty() && checkpoint::entry_of(begun.provenance, "started_from").empty())
    begun.provenance.emplace_back("started_from", started_from);
  return begun;
}

/// The terms of this run; what they had gathered is kept if they are those of the checkpoint.
void set_terms(checkpoint::TrainingState& state, const std::vector<ReportedTerm>& terms) {
  const auto same = [](const checkpoint::TermProgress& a, const ReportedTerm& b) { return a.name == b.name; };
  if (std::equal(state.terms.begin(), state.terms.end(), terms.begin(), terms.end(), same)) return;
  state.terms.clear();
  for (const ReportedTerm& term : terms) state.terms.push_back({term.name, 0, 0});
  state.loss_count = 0;
}

template <class Scalar>
std::vector<ReportedTerm> terms_of(const DistributedObjective<Scalar>& objective) {
  std::vector<ReportedTerm> terms;
  for (std::size_t k = 0; k < objective.n_terms(); ++k)
    terms.push_back({objective.name(k), objective.schedule(k)});
  return terms;
}

/// Threads that have work: at most the lanes of the rank that has most.
int n_workers(const RunConfig& config, const mpi::Communicator& comm) {
  const parallel::BatchPartition partition =
      partition_of(config.training, config.objective, config.threads, comm);
  return static_cast<int>(
      std::min<std::int64_t>(config.threads, (partition.n_lanes() + comm.size() - 1) / comm.size()));
}

/// Bytes of the workspace of one sample: values, slopes and adjoints of every unit, and of their tangents.
template <class Scalar>
std::int64_t bytes_of_sample(const RunConfig& config, int n_dims) {
  const density::Config& model = config.model;
  std::int64_t units = model.time_features + model.n_conditions + n_dims * (1 + model.coordinate_features);
  for (const int width : model.hidden) units += width;
  units += std::int64_t{3} * model.n_logistics * n_dims *
           (model.family == density::Family::factorised ? model.n_products : 1);
  const int groups = config.objective.needs_dynamics() ? 3 : 1;
  return 3 * groups * units * model.n_members * static_cast<std::int64_t>(sizeof(Scalar));
}

/// Samples that go through the network together: whole blocks, and on an accelerator all of a lane, if half of its free
/// memory holds them.
template <class Scalar>
int chunk_of(const RunConfig& config, int n_dims, const mpi::Communicator& comm) {
  if (runs_on_host<ExecutionSpace>) return default_chunk_size;
  const parallel::BatchPartition partition =
      partition_of(config.training, config.objective, config.threads, comm);
  const int block = config.objective.samples_per_block();
  const std::int64_t lane = (config.training.batch + partition.n_lanes() - 1) / partition.n_lanes();
  const auto fitting = static_cast<std::int64_t>(free_memory() / 2) / bytes_of_sample<Scalar>(config, n_dims);
  if (fitting < block)
    fail_memory("the model does not fit into the memory of the device: " + counted(block, "sample") +
                " need " + std::to_string(block * bytes_of_sample<Scalar>(config, n_dims) >> 20) +
                " MiB, and half of what is free is " + std::to_string(free_memory() >> 21) +
                " MiB; make model.hidden or model.logistics smaller");
  const auto samples =
      static_cast<int>(std::min({lane, std::int64_t{largest_training_chunk}, fitting / block * block}));
  return (samples + block - 1) / block * block;
}

/// One run in one precision: the loop over its steps.
template <class Scalar>
class Trainer {
 public:
  using Log = std::function<void(const std::string&)>;

  Trainer(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
          const Log& log, checkpoint::Checkpoint begun);
  /// Writes to the checkpoint directory as long as the lock on it is held.
  RunEnd run(const io::DirectoryLock& lock);

 private:
  using Clock = std::chrono::steady_clock;

  void set_initial_state(const data::Sources& sources);
  void step();
  void update(const std::vector<double>& part_norms);
  void require_finite(const std::vector<objectives::TermSums>& values);
  bool validate();
  checkpoint::Checkpoint content() const;

  const RunConfig& m_config;
  const mpi::Communicator& m_comm;
  checkpoint::Checkpoint m_run;        ///< what the next checkpoint holds, but for the arrays
  checkpoint::TrainingState& m_state;  ///< of m_run
  DeviceState<Scalar> m_arrays;        ///< the arrays of m_state
  int m_chunk;                         ///< samples of one pass over the network
  Workers<Scalar> m_workers;
  DistributedObjective<Scalar> m_objective;
  Validation<Scalar> m_validation;
  EarlyStopping m_early_stopping;
  Reporter m_reporter;
  CheckpointStore m_store;
  StepFigures m_figures;          ///< of the last step
  std::int64_t m_first_step = 0;  ///< steps made before this run
  data::RowCount m_train_count;
  bool m_has_weights = false;
};

template <class Scalar>
Trainer<Scalar>::Trainer(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
                         const Log& log, checkpoint::Checkpoint begun)
    : m_config(config),
      m_comm(comm),
      m_run(std::move(begun)),
      m_state(m_run.state),
      m_chunk(chunk_of<Scalar>(config, m_run.model.units.n_dims(), comm)),
      m_workers(config.model, m_run.model.flux, m_run.model.units.n_dims(),
                {m_chunk,
                 config.objective.needs_dynamics() ? flux::Dynamics<Scalar>::Use::adjoint
                                                   : flux::Dynamics<Scalar>::Use::density,
                 config.training.matrix_precision},
                n_workers(config, comm)),
      m_objective(config, sources, comm, m_run.model, m_workers, m_chunk),
      m_validation(sources, m_run.model, comm, m_workers, m_chunk),
      m_early_stopping({config.training.patience, config.objective.needs_dynamics()
                                                      ? EarlyStopping::Best::newest
                                                      : EarlyStopping::Best::by_likelihood}),
      m_reporter(config, terms_of(m_objective), log),
      m_store(config.checkpoint, comm, m_workers.dynamics(0).layout()) {
  if (sources.data) {
    m_train_count = data::count_rows(*sources.data, io::Split::train, comm);
    m_has_weights = sources.data->info().has_weight;
  }
  set_terms(m_state, m_reporter.terms());
  if (m_state.first_moment.empty())
    set_initial_state(sources);
  else
    m_store.continue_after(m_state.step);
  const bool averages = config.training.average > 0;
  m_state.averaged = averages ? m_run.inference_parameters() : std::vector<double>();
  m_arrays = to_device<Scalar>(m_state);
  for_each_array(m_arrays, m_state, [](auto&, std::vector<double>& host, const char*) { host = {}; });
  m_first_step = m_state.step;
}

/// Parameters, unless they come from another run, and moments.
template <class Scalar>
void Trainer<Scalar>::set_initial_state(const data::Sources& sources) {
  const std::uint64_t seed = m_config.training.seed;
  if (m_state.parameters.empty()) {
    const density::InitialRows rows =
        data::initial_rows(sources, m_comm, m_run.model.units, initial_row_count(m_config.model), seed);
    m_state.parameters = m_workers.dynamics(0).initialise(rows, seed);
  }
  m_state.first_moment.assign(m_state.parameters.size(), 0.0);
  m_state.second_moment.assign(m_state.parameters.size(), 0.0);
}

template <class Scalar>
void Trainer<Scalar>::require_finite(const std::vector<objectives::TermSums>& values) {
  const auto fail = [&](const std::string& what, const std::string& advice = "") {
    fail_numerics("step " + std::to_string(m_state.step + 1) + ": " + what +
                  "; try a smaller training.learning_rate" + advice + m_store.last_checkpoint_note());
  };
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (std::isfinite(values[k].value)) continue;
    const std::string& name = m_state.terms[k].name;
    // The mean of a cost that rare samples in thinly populated places rule has no bound, whatever the rate.
    const objectives::TermRegistry& terms = m_config.objective.registry();
    const bool is_unbounded = terms.rows()[terms.index_of(name)].sign == objectives::Sign::never_negative &&
                              m_config.objective.schedule(name).saturation == 0;
    fail("the term " + name + " is " + formatted("%g", values[k].value),
         is_unbounded ? ", or an upper bound on its samples, objective." + name + "_clip" : "");
  }
  if (std::isfinite(m_figures.gradient_norm)) return;
  std::vector<std::string> terms;
  const std::vector<double> norms =
      m_objective.gradient_norms(m_arrays.parameters, m_state.step, m_figures.weights);
  for (std::size_t k = 0; k < norms.size(); ++k)
    if (!std::isfinite(norms[k])) terms.push_back(m_state.terms[k].name);
  fail("the gradient of the term " + joined(terms) + " has norm " + formatted("%g", m_figures.gradient_norm));
}

template <class Scalar>
void Trainer<Scalar>::step() {
  m_figures.weights = m_objective.weights_at(m_state.step);
  m_figures.gradient_norms.clear();
  if (m_objective.n_terms() > 1 && m_reporter.is_due_after(m_state.step + 1))
    m_figures.gradient_norms =
        m_objective.gradient_norms(m_arrays.parameters, m_state.step, m_figures.weights);
  const auto values = m_objective.evaluate(m_arrays.parameters, m_state.step, m_figures.weights);
  const ScopedRegion region("optimise");
  m_figures.gradient_norm = values.gradient_norm();
  require_finite(values.terms);
  update(values.part_norms);
  for (std::size_t k = 0; k < values.terms.size(); ++k) {
    m_state.terms[k].sum += values.terms[k].value;
    m_state.terms[k].clipped += values.terms[k].saturated;
  }
  ++m_state.loss_count;
}

/// Parameters, moments and average after one more step. The gradient of each part is shortened for itself, so that one
/// member of an ensemble does not slow down the others.
template <class Scalar>
void Trainer<Scalar>::update(const std::vector<double>& part_norms) {
  const TrainingConfig& training = m_config.training;
  const double max_norm = training.max_gradient_norm;
  ++m_state.step;
  m_figures.learning_rate = optim::learning_rate(training.schedule, m_state.step, training.steps);
  m_figures.is_shortened = false;
  for (std::size_t k = 0; k < part_norms.size(); ++k) {
    const auto& [entries, factor] = m_objective.parts()[k];
    const bool is_too_long = max_norm > 0 && part_norms[k] > max_norm;
    const double scale = is_too_long ? factor * (max_norm / part_norms[k]) : factor;
    m_figures.is_shortened = m_figures.is_shortened || is_too_long;
    optim::adam_step(m_workers.space(0), training.adam, m_state.step, m_figures.learning_rate, scale,
                     entries_of(m_objective.gradient(), entries), m_arrays.adam_of(entries),
                     entries_of(m_arrays.parameters, entries));
  }
  if (!m_arrays.has_average()) return;
  // A short memory at first, so that the average does not remember the start.
  const auto steps = static_cast<double>(m_state.step);
  const double decay = std::min(training.average, (1.0 + steps) / (10.0 + steps));
  optim::update_average(m_workers.space(0), decay, m_arrays.parameters, m_arrays.averaged);
}

/// Writes best.h5 if it is due.
/// @return true if early stopping is due
template <class Scalar>
bool Trainer<Scalar>::validate() {
  const ScopedRegion region("validate");
  std::optional<double> nll;
  if (m_validation.count().rows > 0) nll = m_validation.nll(m_arrays.inference_parameters());
  const Standing standing = m_early_stopping.standing(m_state, nll);
  if (nll) m_reporter.report_validation(m_state, *nll, standing);
  m_early_stopping.note(m_state, nll, standing);
  if (standing != Standing::worse) m_store.save_best([this] { return content(); });
  return m_early_stopping.is_due(m_state);
}

template <class Scalar>
checkpoint::Checkpoint Trainer<Scalar>::content() const {
  checkpoint::Checkpoint copy = m_run;
  to_host(m_arrays, copy.state);
  return copy;
}

template <class Scalar>
RunEnd Trainer<Scalar>::run(const io::DirectoryLock& lock) {
  const TrainingConfig& training = m_config.training;
  const StopRequest stop(m_config.limits);
  m_reporter.start({m_workers.dynamics(0).layout().count(), m_run.model.units.n_dims(), m_comm.size(),
                    m_workers.size(), m_train_count, m_validation.count(), m_has_weights},
                   m_state.step);
  Clock::time_point reported = Clock::now();
  m_store.write_under(lock);
  m_store.start_clock();
  StallWatch watch(training.stall_limit, [this](const std::string& what) {
    end_stalled_rank(
        m_comm.rank(),
        what +
            ": a rank does not answer (training.stall_limit); --restart auto continues from the newest "
            "checkpoint in " +
            m_config.checkpoint.directory);
  });
  while (m_state.step < training.steps) {
    watch.begin(StallWatch::Work::step, m_state.step + 1);
    step();
    const std::int64_t made = m_state.step;
    if (m_reporter.is_due_after(made)) {
      const Clock::time_point now = Clock::now();
      m_reporter.report_step(m_state, m_figures, std::chrono::duration<double>(now - reported).count());
      reported = now;
    }
    const bool is_last = made == training.steps;
    const bool validates = training.validate_every > 0 && (made % training.validate_every == 0 || is_last);
    if (validates) watch.begin(StallWatch::Work::validation, made);
    const bool is_enough = validates && validate();
    std::int64_t wishes[2] = {static_cast<std::int64_t>(stop.reason(made - m_first_step)),
                              m_store.is_due_by_time() ? 1 : 0};
    m_comm.max(wishes, 2);  // the ranks agree
    const auto reason = static_cast<StopReason>(wishes[0]);
    const bool is_stopped = reason != StopReason::none && !is_last;
    if (m_store.is_due_after(made) || wishes[1] != 0 || is_last || is_enough || is_stopped) {
      watch.begin(StallWatch::Work::files, made);
      m_store.save(made, [this] { return content(); });
    }
    if (is_enough) {
      m_reporter.early_stop();
      m_reporter.end(m_state, m_validation.count());
      return RunEnd::early_stopping;
    }
    if (is_stopped) {
      m_reporter.stop(made, reason);
      return RunEnd::stopped;
    }
  }
  m_store.save(m_state.step, [this] { return content(); });  // of a run that had no step to make
  m_reporter.end(m_state, m_validation.count());
  return RunEnd::finished;
}

template <class Scalar>
RunEnd train_in(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
                const std::function<void(const std::string&)>& log) {
  io::DirectoryLock lock = lock_directory(config, comm);
  std::unique_ptr<Trainer<Scalar>> trainer;
  const MemoryNeed need = memory_need(config, sources, comm);
  with_sizes(need, [&] {
    RunStart start = find_start(config, sources, comm, log);
    require_memory(need, comm);
    const ScopedRegion region("read data");
    trainer = std::make_unique<Trainer<Scalar>>(config, sources, comm, log,
                                                begin(config, sources, comm, std::move(start)));
  });
  // Only now: everything that the input can have wrong has been found.
  prepare_directory(config, comm, lock, log);
  if (config.has_directory) mpi::on_root(comm, [&] { config.has_directory(); });
  return trainer->run(lock);
}

}  // namespace

parallel::BatchPartition partition_of(const TrainingConfig& training, const objectives::Config& objective,
                                      int threads, const mpi::Communicator& comm) {
  return {comm, training.batch, training.reproducible ? training.reproducible_lanes : 0,
          objective.samples_per_block(), threads};
}

RunEnd train(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
             const std::function<void(const std::string&)>& log) {
  const bool has_validation = sources.data && data::count_rows(*sources.data, io::Split::val, comm).rows > 0;
  if (config.training.patience > 0 && !has_validation)
    fail_input("training.patience = " + std::to_string(config.training.patience) +
               ": there are no validation rows to look at" +
               (sources.count(io::Split::val) > 0 ? " but of weight 0" : "") + "; must be 0");
  if (config.training.matrix_precision == MatrixPrecision::tf32 && !offers_tf32)
    fail_input("training.matrix_precision = tf32: this program computes on " + backend_name() +
               ", which has no such products; must be full");
  if (config.training.precision == Precision::single_precision)
    return train_in<float>(config, sources, comm, log);
  return train_in<double>(config, sources, comm, log);
}

}  // namespace rhoflux::training
