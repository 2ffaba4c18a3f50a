#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "early_stopping.hpp"
#include "rhoflux/checkpoint/training_state.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/objectives/config.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::training {

/// A term of the objective as reports know it.
struct ReportedTerm {
  std::string name;
  objectives::TermSchedule schedule;
};

/// Sizes that the first lines of the log give.
struct RunSizes {
  int n_parameters = 0, n_dims = 0, n_ranks = 1, n_threads = 1;
  data::RowCount train_rows, validation_rows;
  bool has_weights = false;  ///< of the data
};

/// What the last step says besides the values of the terms.
struct StepFigures {
  std::vector<double> weights;         ///< of the terms; 0: it does not act yet
  std::vector<double> gradient_norms;  ///< of the terms, each times its weight; empty where there is one term
  double gradient_norm = 0;  ///< before it is shortened; of an ensemble the root mean square over its members
  bool is_shortened = false;  ///< that of one member at least
  double learning_rate = 0;
};

/// The lines of the log and the rows of the history.
class Reporter {
 public:
  using Log = std::function<void(const std::string&)>;

  /// The configuration and the log must outlive the object.
  Reporter(const RunConfig& config, std::vector<ReportedTerm> terms, const Log& log);

  const std::vector<ReportedTerm>& terms() const { return m_terms; }
  /// True if the step after `step` steps is followed by a line.
  bool is_due_after(std::int64_t step) const;

  void start(const RunSizes& sizes, std::int64_t step) const;
  /// A line and a row with the means since the last ones, whose sums it then clears.
  /// @param seconds since the last line
  void report_step(checkpoint::TrainingState& state, const StepFigures& figures, double seconds) const;
  void report_validation(checkpoint::TrainingState& state, double nll, Standing standing) const;
  void early_stop() const;
  /// Warns where the validation of the last model is above the smallest by more than noise.
  void end(const checkpoint::TrainingState& state, const data::RowCount& validation_rows) const;
  void stop(std::int64_t step, StopReason reason) const;

 private:
  std::string add_terms(const checkpoint::TrainingState& state, const StepFigures& figures,
                        checkpoint::HistoryRow& row) const;
  std::string add_gradient_norms(const StepFigures& figures, checkpoint::HistoryRow& row) const;
  std::string speed(const checkpoint::TrainingState& state, double seconds) const;

  const RunConfig& m_config;
  std::vector<ReportedTerm> m_terms;
  const Log& m_log;
};

}  // namespace rhoflux::training
