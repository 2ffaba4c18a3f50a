#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/inference/inference.hpp"
#include "rhoflux/inference/mass_comparison.hpp"
#include "rhoflux/inference/progress.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::inference {

struct EvaluationOptions {
  io::Split split = io::Split::test;
  std::uint64_t seed = 1;                    ///< of the samples that are compared with the data
  std::int64_t max_transport_points = 2000;  ///< a larger snapshot is compared through that many of its rows
  int max_times = 100;                       ///< more distinct times in the split: no figures by time
  int max_conditions = 20;  ///< more distinct conditions in the split: no figures by condition
  /// One for all rows; empty: the rows have their own, those that the file was opened with, or the model has none.
  std::vector<double> condition = {};
  Progress::Options progress;  ///< lines that say how far it is
};

/// Figures of one snapshot. Rows of weight 0 do not count.
struct TimeFigures {
  double t = 0;
  std::int64_t count = 0;      ///< rows of the split at that time
  double nll = 0;              ///< standardised
  double w1 = 0, w2 = 0;       ///< standardised
  std::int64_t w_count = 0;    ///< points on each side
  double effective_count = 0;  ///< (sum w)^2 / sum w^2 of the rows
};

/// Figures of one snapshot among the rows of one condition.
struct ConditionTimeFigures {
  double t = 0;
  std::int64_t count = 0;  ///< rows of weight above 0
  double w1 = 0, w2 = 0;   ///< standardised
  std::int64_t w_count = 0;
};

/// Figures of the rows of one condition.
struct ConditionFigures {
  std::vector<double> condition;            ///< (n_variables)
  std::string text;                         ///< "dose=0.5,drug=A"
  std::int64_t count = 0;                   ///< rows of weight above 0
  double nll = 0;                           ///< standardised
  std::vector<ConditionTimeFigures> times;  ///< of snapshots, else empty
};

/// Why there are figures by time, or none.
enum class TimeKind {
  snapshots,
  events,          ///< in continuous time, see data::TimeTable::is_continuous()
  too_many_times,  ///< more than EvaluationOptions::max_times in the split
};

/// Means over rows are weighted where rows carry weights.
struct Evaluation {
  double nll_standardised = 0;
  double nll_original = 0;
  std::int64_t count = 0;      ///< rows of weight above 0
  double effective_count = 0;  ///< (sum w)^2 / sum w^2 of the rows
  bool is_weighted = false;    ///< the file has weights
  TimeKind time_kind = TimeKind::snapshots;
  std::vector<TimeFigures> times;          ///< of snapshots, else empty
  MassComparison mass;                     ///< of snapshots and a model that grows, else empty
  std::vector<double> times_without_rows;  ///< snapshots of the file that have no row in the split
  std::vector<ConditionFigures>
      conditions;  ///< of the rows' own conditions, if there are at most max_conditions
};

/// NLL of a split, overall and by time, and the exact Wasserstein distances between each snapshot and as many
/// samples of the model, with the conditions of the rows, as it has rows. Collective; the figures do not depend on the number of ranks.
///
/// A snapshot of more rows than `max_transport_points` is compared through that many: taken evenly from it where the
/// weights are equal, else by weight (metrics::thinned_by_weight()).
Evaluation evaluate(const Inference& inference, const io::PopulationFile& file, const mpi::Communicator& comm,
                    const EvaluationOptions& options);

}  // namespace rhoflux::inference
