#pragma once

#include <cstdint>
#include <string>

#include "rhoflux/io/population.hpp"

namespace rhoflux::inference {

/// Rows begin .. begin + count - 1 of a split, which have one time.
struct Snapshot {
  std::int64_t begin = 0, count = 0;
};

/// The rows of a split with |their time - t| <= window; none: count = 0. Reads the file on the calling rank
/// alone.
Snapshot find_snapshot(const io::PopulationFile& file, io::Split split, double t, double window);

/// The first distinct times of a split for a message, "0, 1, 2, ..."; empty for an empty split. Reads the
/// file on the calling rank alone.
std::string first_times(const io::PopulationFile& file, io::Split split);

}  // namespace rhoflux::inference
