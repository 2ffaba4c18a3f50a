#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/checkpoint/checkpoint.hpp"

namespace rhoflux::checkpoint {

/// directory/checkpoint_000001000.h5
std::string checkpoint_path(const std::string& directory, std::int64_t step);
/// Whether a file name is checkpoint_, digits and .h5: others in the directory are not touched.
bool is_checkpoint_name(const std::string& name);
/// directory/best.h5
std::string best_path(const std::string& directory);

/// A history.csv or a best.h5 in the directory that another program has written: a table whose first column is not step, or
/// a file that is no HDF5 or has no attribute kind; "" where there is none.
std::string foreign_file(const std::string& directory);

/// Checkpoints of a directory, newest first.
std::vector<std::string> list_checkpoints(const std::string& directory);

/// Removes all but the newest `keep`.
void remove_old_checkpoints(const std::string& directory, int keep);

/// The newest checkpoint that can be read; each damaged one on the way is reported to `warn`.
std::optional<Checkpoint> read_newest_checkpoint(const std::string& directory,
                                                 const std::function<void(const std::string&)>& warn);

}  // namespace rhoflux::checkpoint
