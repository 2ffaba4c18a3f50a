#include "reporter.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "rhoflux/core/text.hpp"
#include "rhoflux/device/thread_team.hpp"
#include "rhoflux/training/rank_use.hpp"

namespace rhoflux::training {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::string step_text(std::int64_t step) {
  return "step " + formatted("%8.0f", static_cast<double>(step));
}

/// What the members of a bootstrap are.
std::string bootstrap_text(const RunConfig& config) {
  const std::string units =
      config.data.bootstrap.kind == data::Bootstrap::Kind::rows ? "row" : config.data.bootstrap.label;
  return "bootstrap: " +
         (config.model.n_members > 1
              ? "each member weighs every " + units +
                    " by a random number of its own; the spread over the "
                    "members is the standard error of the result"
              : "every " + units +
                    " is weighed by a random number: this is one replicate, to be joined with "
                    "those of other seeds (rhoflux combine)");
}

}  // namespace

Reporter::Reporter(const RunConfig& config, std::vector<ReportedTerm> terms, const Log& log)
    : m_config(config), m_terms(std::move(terms)), m_log(log) {}

bool Reporter::is_due_after(std::int64_t step) const {
  return step % m_config.output.log_every == 0 || step == m_config.training.steps;
}

void Reporter::start(const RunSizes& sizes, std::int64_t step) const {
  std::string terms;
  for (const ReportedTerm& term : m_terms)
    terms += (terms.empty() ? "" : " + ") + formatted("%g ", term.schedule.weight) + term.name;
  m_log("model: " + counted(sizes.n_parameters, "parameter") + ", " + counted(sizes.n_dims, "dimension") +
        "; data: " + std::to_string(sizes.train_rows.rows) + " training and " +
        counted(sizes.validation_rows.rows, "validation row") + "; " + counted(sizes.n_ranks, "rank") +
        (sizes.n_threads > 1 ? " of " + counted(sizes.n_threads, "thread") : ""));
  if (sizes.has_weights)
    m_log("weights: these rows have a weight above 0; effective numbers (sum w)^2 / sum w^2: " +
          formatted("%.1f", sizes.train_rows.effective()) + " training and " +
          formatted("%.1f", sizes.validation_rows.effective()) + " validation rows");
  if (sizes.n_threads < m_config.threads)
    m_log("note: " + std::to_string(m_config.threads - sizes.n_threads) + " of " +
          counted(m_config.threads, "thread") +
          " of a rank (OMP_NUM_THREADS) have no work: training.reproducible_lanes = " +
          std::to_string(m_config.training.reproducible_lanes) + " on " + counted(sizes.n_ranks, "rank"));
  if (const int processors = processors_of_process(); sizes.n_threads > processors)
    m_log("note: the " + counted(sizes.n_threads, "thread") + " of a rank share " +
          std::to_string(processors) + (processors == 1 ? " processor" : " processors") +
          ", to which mpirun binds it; give mpirun --map-by slot:PE=" + std::to_string(sizes.n_threads) +
          ", or --bind-to none");
  if (const std::string warning = warning_of_small_shares(sizes.n_ranks, m_config.training.batch);
      !warning.empty())
    m_log(warning);
  m_log("objective: " + terms);
  if (m_config.model.n_members > 1)
    m_log("ensemble: the objective is the mean over " + std::to_string(m_config.model.n_members) +
          " members, each trained on its own; validation nll is of the mean of their densities");
  if (m_config.data.bootstrap.is_on()) m_log(bootstrap_text(m_config));
  if (m_config.flux.divergence_free != flux::DivergenceFree::none &&
      !m_config.objective.has(objectives::TermKind::integral))
    m_log("note: the objective does not depend on the divergence-free part of the flux, which stays zero");
  if (step >= m_config.training.steps)
    m_log("nothing to do: step " + std::to_string(step) + " of " + std::to_string(m_config.training.steps) +
          " done; a training.steps above " + std::to_string(step) + " would go on");
  else if (step > 0)
    m_log("continuing after step " + std::to_string(step));
}

/// Means of the terms: into the row, and as text.
std::string Reporter::add_terms(const checkpoint::TrainingState& state, const StepFigures& figures,
                                checkpoint::HistoryRow& row) const {
  std::string text;
  for (std::size_t k = 0; k < m_terms.size(); ++k) {
    if (figures.weights[k] == 0) continue;  // not yet
    const auto& [name, schedule] = m_terms[k];
    // over the steps in which the term acted
    const auto count = static_cast<double>(std::min(state.loss_count, state.step - schedule.start));
    const double mean = state.terms[k].sum / count;
    const double clipped = state.terms[k].clipped / count;
    text += "  " + name + formatted(k == 0 ? " %10.5f" : " %.5g", mean);
    if (clipped > 0) text += " (" + formatted("%.2g", 100 * clipped) + " % clipped)";
    if (name == "nll")
      row.nll = mean;
    else
      row.more.emplace_back(name, mean);
    if (schedule.saturation > 0) row.more.emplace_back(name + "_clipped", clipped);
  }
  return text;
}

std::string Reporter::add_gradient_norms(const StepFigures& figures, checkpoint::HistoryRow& row) const {
  std::string text;
  for (std::size_t k = 0; k < figures.gradient_norms.size(); ++k) {
    if (figures.weights[k] == 0) continue;
    const std::string& name = m_terms[k].name;
    text += (text.empty() ? " (" : ", ") + name + " " + formatted("%.1e", figures.gradient_norms[k]);
    row.more.emplace_back(name + "_gradient_norm", figures.gradient_norms[k]);
  }
  return text.empty() ? text : text + ")";
}

/// Samples a second, and the time left.
std::string Reporter::speed(const checkpoint::TrainingState& state, double seconds) const {
  const double rate = static_cast<double>(state.loss_count * m_config.training.batch) / seconds;
  const double left = seconds / static_cast<double>(state.loss_count) *
                      static_cast<double>(m_config.training.steps - state.step);
  const int seconds_left = static_cast<int>(left);
  char text[96];
  std::snprintf(text, sizeof(text), "  %9.0f samples/s  ETA %02d:%02d:%02d", rate, seconds_left / 3600,
                seconds_left / 60 % 60, seconds_left % 60);
  return text;
}

void Reporter::report_step(checkpoint::TrainingState& state, const StepFigures& figures,
                           double seconds) const {
  checkpoint::HistoryRow row;
  row.step = state.step;
  row.nll = row.validation_nll = not_a_number;
  row.gradient_norm = figures.gradient_norm;
  row.learning_rate = figures.learning_rate;
  const std::string terms = add_terms(state, figures, row);
  const std::string norms = add_gradient_norms(figures, row);
  m_log(step_text(state.step) + terms + "  |gradient| " + formatted("%9.3e", figures.gradient_norm) + norms +
        (figures.is_shortened ? " (clipped)" : "") + formatted("  rate %8.2e", figures.learning_rate) +
        speed(state, seconds));
  state.history.add(row);
  for (checkpoint::TermProgress& term : state.terms) term.sum = term.clipped = 0;
  state.loss_count = 0;
}

void Reporter::report_validation(checkpoint::TrainingState& state, double nll, Standing standing) const {
  checkpoint::HistoryRow row;
  row.step = state.step;
  row.nll = row.gradient_norm = row.learning_rate = not_a_number;
  row.validation_nll = nll;
  state.history.add(row);
  std::string verdict;
  if (standing == Standing::newest)
    verdict = "kept as best.h5, the newest model";
  else if (standing == Standing::best)
    verdict = "best so far";
  else
    verdict =
        "best " + formatted("%.5f", state.best_validation) + " at step " + std::to_string(state.best_step);
  m_log(step_text(state.step) + "  validation nll " + formatted("%.5f", nll) + "  (" + verdict + ")");
}

void Reporter::early_stop() const {
  m_log("early stopping: no improvement in " + counted(m_config.training.patience, "validation"));
}

void Reporter::end(const checkpoint::TrainingState& state, const data::RowCount& validation_rows) const {
  const auto smallest = state.history.smallest_validation(), last = state.history.last_validation();
  if (!smallest || validation_rows.rows == 0) return;
  // A mean over n rows of differences of log densities, which are about one.
  const double noise = 0.02 + 1 / std::sqrt(validation_rows.effective());
  if (!(last->nll - smallest->nll > noise)) return;
  const std::string last_nll = formatted("%.5f", last->nll),
                    smallest_nll =
                        formatted("%.5f", smallest->nll) + " of step " + std::to_string(smallest->step);
  if (state.best_step == smallest->step)
    m_log("warning: the model of the last step is overtrained: its validation nll " + last_nll +
          " is far above the smallest, " + smallest_nll +
          ", which best.h5 is of; training.patience ends such a run early");
  else
    m_log("warning: the validation nll of the last step, which best.h5 is of, is " + last_nll +
          ", far above the smallest, " + smallest_nll +
          ": the model is overtrained, or the other terms of the objective cost that much; fewer "
          "training.steps, training.noise, or smaller weights of these terms tell which");
}

void Reporter::stop(std::int64_t step, StopReason reason) const {
  m_log("stopped after step " + std::to_string(step) + " by " + to_string(reason) +
        "; run again with --restart auto to continue");
}

}  // namespace rhoflux::training
