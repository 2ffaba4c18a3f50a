#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/data/health.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::suggestion {

/// What a population is like, as far as a deck follows from it. Rows of weight 0 do not count where times are concerned.
struct Portrait {
  std::string path;
  int n_dims = 0;                       ///< D
  std::int64_t n_train = 0, n_val = 0;  ///< rows
  bool is_continuous = false;           ///< events, not snapshots (data::TimeTable)
  std::int64_t n_times = 0;             ///< distinct times of training rows; of events of all rows
  double t_first = 0, t_last = 0;       ///< of the rows, units of time
  double largest_gap = 0;  ///< between neighbouring snapshots, as a share of the time range; of events 0
  std::vector<std::string> without_train;  ///< times of snapshots that have rows but none for training

  /// Median distance of a training row to the nearest one with other coordinates, among `n_compared` rows taken by lot,
  /// standardised units.
  double neighbour = 0;
  /// Geometric mean of these distances over that of rows made of the coordinates of different rows: 1 where the coordinates
  /// are independent, small where rows lie on curves or in small clusters; 1 for D = 1.
  double fineness = 1;
  std::int64_t n_compared = 0;
  /// How often a training row's coordinates are there, on average over the rows: 1 + (n_train - 1) times the share of equal
  /// pairs among a million rows taken by lot. Windows of events that overlap bring the same event again and again.
  double repeats = 1;

  /// Of events: information on where an event lies that its time gives, nats per event, less what sampling alone would give.
  /// The events are divided in eight by their times; what recurs more often than that is not seen. 0 of snapshots.
  double time_information = 0;

  std::vector<data::HealthFinding>
      findings;  ///< what is odd about the data, and which of these kinds there are:
  bool has_few_values = false, has_far_rows = false, has_changing_numbers = false;
  bool has_growth = false;              ///< a rate for each row
  std::vector<std::string> conditions;  ///< names
};

/// Collective; the same on any number of ranks. Bad input for a file without training rows, and for a coordinate that is
/// constant.
Portrait portrait_of(const io::PopulationFile& file, const mpi::Communicator& comm);

}  // namespace rhoflux::suggestion
