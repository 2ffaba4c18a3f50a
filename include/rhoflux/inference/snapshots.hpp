#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/io/population.hpp"

namespace rhoflux::inference {

/// Rows begin .. begin + count - 1 of a split at a time.
struct Snapshot {
  std::int64_t begin = 0, count = 0;
  double t = 0;  ///< their time; with a window, the time that was asked for
};

/// Which rows count as rows of a time t.
struct TimeMatch {
  double window = 0;  ///< above 0: all rows with |their time - t| <= window, where there are any
  double tolerance =
      0;  ///< else those at the time of the file that t names (rhoflux::named_time()), or that is so near
};

/// The rows of a split at time t; none: count = 0, and the time is t. Reads the file on the calling rank alone.
Snapshot find_snapshot(const io::PopulationFile& file, io::Split split, double t,
                       const TimeMatch& match = {});

/// The first distinct times of a split for a message, "0, 1, 2, ...", each of which names its snapshot; empty for an
/// empty split. Reads the file on the calling rank alone.
std::string first_times(const io::PopulationFile& file, io::Split split);

/// The rows of weight above 0 of some rows.
struct CountedRows {
  int n_dims = 0;
  std::vector<double> x;       ///< (n, n_dims)
  std::vector<double> weight;  ///< (n)
  bool has_equal_weights = true;
  std::int64_t size() const { return static_cast<std::int64_t>(weight.size()); }
};
CountedRows counted_rows(const io::PopulationRows& rows);

/// n points (n, n_dims) that stand for the rows with equal weights: taken evenly where their weights are equal, else by
/// weight (metrics::thinned_by_weight()).
std::vector<double> equal_mass_points(const CountedRows& rows, std::int64_t n);

/// The same of the conditions of the rows, (n, n_variables); empty where they have none.
std::vector<double> equal_mass_conditions(const io::PopulationRows& rows, std::int64_t n);

}  // namespace rhoflux::inference
