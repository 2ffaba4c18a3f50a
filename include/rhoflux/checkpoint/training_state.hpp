#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "rhoflux/checkpoint/history.hpp"
#include "rhoflux/core/precision.hpp"

namespace rhoflux::checkpoint {

/// Of a term of the objective, since the last line of the history.
struct TermProgress {
  std::string name;
  double sum = 0;      ///< of its values
  double clipped = 0;  ///< sum of the shares of samples whose cost was saturated
};

/// All that changes while a run trains, and what has to be the same when it is continued. In host memory;
/// arrays have the length of the parameter layout, and numbers are those of the precision of the run, which
/// double holds exactly.
struct TrainingState {
  Precision precision = Precision::single_precision;
  std::uint64_t seed = 0;         ///< key of the random numbers
  std::int64_t n_train_rows = 0;  ///< of the data
  std::int64_t step = 0;          ///< steps made
  std::vector<double> parameters;
  std::vector<double> averaged;  ///< moving average of the parameters, empty without
  std::vector<double> first_moment, second_moment;
  double best_validation = std::numeric_limits<double>::infinity();  ///< smallest so far
  std::int64_t best_step = 0;
  std::int64_t validations_since_best = 0;
  std::vector<TermProgress> terms;
  std::int64_t loss_count = 0;  ///< steps since the last line of the history
  History history;
};

/// The one list of what a state is made of and where a checkpoint has it: reader and writer of checkpoints both
/// go through it, so that a new variable is a member above and a line here.
/// @param state a TrainingState, const for the writer
/// @param fields its functions `choice` (an enumeration), `count` (a whole number from 0), `seed`, `figure`
///        (a number), `terms`, `history`, `array` and `optional_array` each take the place in the file and the
///        variable. Choices and counts are attributes of the group /state, all others are datasets.
template <class State, class Fields>
void for_each_field(State& state, Fields& fields) {
  fields.choice("precision", state.precision);
  fields.count("step", state.step);
  fields.count("best_step", state.best_step);
  fields.count("validations_since_best", state.validations_since_best);
  fields.count("loss_count", state.loss_count);
  fields.count("n_train_rows", state.n_train_rows);
  fields.seed("state/random_key", state.seed);
  fields.figure("state/figures", state.best_validation);
  fields.terms("state/term_sums", state.terms);
  fields.history("history", state.history);
  fields.array("parameters", state.parameters);
  fields.array("optimiser/first_moment", state.first_moment);
  fields.array("optimiser/second_moment", state.second_moment);
  fields.optional_array("averaged_parameters", state.averaged);
}

}  // namespace rhoflux::checkpoint
