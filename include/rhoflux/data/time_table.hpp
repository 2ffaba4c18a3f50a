#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// Rows with their weights. A row of weight 0 does not count.
struct RowCount {
  std::int64_t rows = 0;                                             ///< of weight above 0
  double weight = 0;                                                 ///< sum of weights
  double least = std::numeric_limits<double>::infinity(), most = 0;  ///< weight of these rows
  double squared = 0;  ///< sum of (w / most)^2, which no weight makes too large or too small for a double

  void add(double w) {
    if (w > 0) *this += {1, w, w, w, 1};
  }
  RowCount& operator+=(const RowCount& other) {
    if (other.rows == 0) return *this;
    const double larger = std::max(most, other.most), a = most / larger, b = other.most / larger;
    squared = squared * a * a + other.squared * b * b;
    rows += other.rows;
    weight += other.weight;
    least = std::min(least, other.least);
    most = larger;
    return *this;
  }
  bool has_equal_weights() const { return least >= most; }
  /// Number of equally weighted rows whose mean has the same variance, (sum w)^2 / sum w^2 (Kish 1965); the number
  /// of rows where all weights are equal.
  double effective() const { return rows > 0 ? weight / most * (weight / most / squared) : 0; }
};

/// The rows at one time, by split.
struct TimeRows {
  double t = 0;
  std::array<RowCount, 4> counts;  ///< of train, val, test, and of those held out
  RowCount of(io::Split split) const;
};

/// The distinct times of a population file and how its rows are spread over them. Times that differ in a bit are
/// distinct.
struct TimeTable {
  static constexpr std::size_t most_listed = 10000;
  std::vector<TimeRows> times;     ///< ascending; empty where there are more than `most_listed`
  std::int64_t n_times = 0;        ///< distinct ones, with a row of weight above 0
  std::int64_t n_sparse = 0;       ///< of these, with one or two such rows
  std::array<RowCount, 4> counts;  ///< over all times

  /// Events in continuous time rather than snapshots: there are more than two times, and most of them have one or
  /// two rows, of whatever split.
  bool is_continuous() const { return n_times > 2 && 2 * n_sparse > n_times; }
  RowCount of(io::Split split) const;
};

/// Builds a table from rows in the order of time.
class TimeTableBuilder {
 public:
  /// @param split Split::all for a row that is held out
  void add(double t, double weight, io::Split split);
  /// Once, after the last row.
  TimeTable finish();

 private:
  void finish_time();

  TimeTable m_table;
  TimeRows m_current;
  bool m_has_time = false, m_is_too_long = false;
};

/// Reads /t, /weight and /split on one rank. Collective.
TimeTable read_time_table(const io::PopulationFile& file, const mpi::Communicator& comm);

/// First and last time of the rows of weight above 0, of whatever split. Collective; the file is read only where it has
/// weights.
struct TimeSpan {
  double first = 0, last = 0;
};
TimeSpan time_span(const io::PopulationFile& file, const mpi::Communicator& comm);

/// Rows of a split. Collective; the file is read only where it has weights.
RowCount count_rows(const io::PopulationFile& file, io::Split split, const mpi::Communicator& comm);

}  // namespace rhoflux::data
