#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/checkpoint/history.hpp"
#include "rhoflux/core/precision.hpp"
#include "rhoflux/core/units.hpp"
#include "rhoflux/density/config.hpp"
#include "rhoflux/flux/config.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/network/parameter_layout.hpp"

namespace rhoflux::checkpoint {

/// What inference needs to know of a model besides its parameters.
struct ModelDescription {
  density::Config config;
  Units units;
  std::vector<std::string> dim_names;
  std::string time_unit;
  flux::Config flux;
};

/// Where a file comes from: name and value pairs, written as attributes of /provenance.
using Provenance = io::TextAttributes;

/// Everything that a continued run needs, in host memory. Arrays have the length of the parameter layout.
/// Numbers are stored in the precision of the run, which double holds exactly.
struct Checkpoint {
  ModelDescription model;
  Precision precision = Precision::single_precision;
  std::string deck;        ///< resolved deck
  std::uint64_t seed = 0;  ///< key of the random numbers
  std::int64_t step = 0;   ///< steps made
  std::vector<double> parameters;
  std::vector<double> averaged;  ///< moving average of the parameters, empty without
  std::vector<double> first_moment, second_moment;
  double best_validation = 0;  ///< smallest so far; +inf before the first
  std::int64_t best_step = 0;
  std::int64_t validations_since_best = 0;
  /// Of a term of the objective, since the last line of the history.
  struct TermProgress {
    std::string name;
    double sum = 0, clipped = 0;
  };
  std::vector<TermProgress> terms;
  std::int64_t loss_count = 0;  ///< steps since the last line of the history
  std::int64_t n_train_rows = 0;
  History history;
  Provenance provenance;     ///< of the run that wrote it
  std::string earlier_runs;  ///< a line for each run before that one, oldest first

  /// What inference uses: the average if there is one.
  const std::vector<double>& inference_parameters() const { return averaged.empty() ? parameters : averaged; }
};

/// Version 1 had no flux; it is read as a triangular one. Before version 4 terms had no names; what they had
/// gathered since the last line of the history is left out.
constexpr int checkpoint_format_version = 4;

/// Writes crash-safely (see io::write_safely) and reads every dataset back before the file gets its name.
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                      const network::ParameterLayout& layout);

/// Reads and checks a checkpoint. Throws Error (bad input) naming the file and what is wrong with it: not a
/// checkpoint, another format version, a damaged or missing dataset, shapes that do not fit the model.
Checkpoint read_checkpoint(const std::string& path);

/// What a run that continues from a checkpoint says of the runs before it: a line for each, oldest first.
std::string runs_before(const Checkpoint& start);

/// directory/checkpoint_000001000.h5
std::string checkpoint_path(const std::string& directory, std::int64_t step);
/// directory/best.h5
std::string best_path(const std::string& directory);

/// Checkpoints of a directory, newest first.
std::vector<std::string> list_checkpoints(const std::string& directory);

/// Removes all but the newest `keep`.
void remove_old_checkpoints(const std::string& directory, int keep);

/// The newest checkpoint that can be read; each damaged one on the way is reported to `warn`.
std::optional<Checkpoint> read_newest_checkpoint(const std::string& directory,
                                                 const std::function<void(const std::string&)>& warn);

}  // namespace rhoflux::checkpoint
