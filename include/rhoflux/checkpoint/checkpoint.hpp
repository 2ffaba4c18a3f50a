#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rhoflux/checkpoint/model_description.hpp"
#include "rhoflux/checkpoint/training_state.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/network/parameter_layout.hpp"

namespace rhoflux::checkpoint {

/// Where a file comes from: name and value pairs, written as attributes of /provenance.
using Provenance = io::TextAttributes;

/// Everything that a continued run needs, in host memory.
struct Checkpoint {
  ModelDescription model;
  std::string deck;  ///< resolved deck
  TrainingState state;
  Provenance provenance;     ///< of the run that wrote it
  std::string earlier_runs;  ///< a line for each run before that one, oldest first

  /// What inference uses: the average if there is one.
  const std::vector<double>& inference_parameters() const {
    return state.averaged.empty() ? state.parameters : state.averaged;
  }
};

/// Version 1 had no flux; it is read as a triangular one. Before version 3 the history had the five first
/// columns alone. Before version 4 terms had no names; what they had gathered since the last line of the
/// history is left out. Before version 5 nothing was known of the origin of the data.
/// Before version 6 there were no conditions and no growth.
constexpr int checkpoint_format_version = 7;

/// Writes crash-safely (see io::write_safely) and reads every dataset back before the file gets its name. `allow` is
/// called at last and may throw: then nothing has been written.
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                      const network::ParameterLayout& layout, const std::function<void()>& allow = {});

/// Reads and checks a checkpoint. Throws Error (bad input) naming the file and what is wrong with it: not a
/// checkpoint, another format version, a damaged or missing dataset, a text that is none of the choices, shapes
/// that do not fit the model.
Checkpoint read_checkpoint(const std::string& path);

/// The value of an entry; empty: there is none of that name.
std::string entry_of(const Provenance& provenance, const std::string& name);

/// What a run that continues from a checkpoint says of the runs before it: a line for each, oldest first.
std::string runs_before(const Checkpoint& start);

}  // namespace rhoflux::checkpoint
