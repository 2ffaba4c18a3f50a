#pragma once

#include <string>
#include <vector>

#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// One thing that is odd about a population.
struct HealthFinding {
  enum class Kind {
    few_values,          ///< a coordinate of few distinct values, or one value in many rows
    constant,            ///< a coordinate that is constant or nearly so
    far_rows,            ///< rows far outside
    single_time,         ///< all rows at one time
    small_snapshot,      ///< fewer than 20 rows at a time
    split_without_rows,  ///< a time without rows in a split which other times have
    changing_numbers     ///< numbers of rows that change in time by more than sampling explains
  };
  Kind kind;
  std::string text;  ///< one line
};

/// What is odd about a population and makes results bad or misleading, in the same words wherever it is
/// reported:
///
/// - a coordinate with few distinct values, or one value in many rows: its likelihood has no bound;
/// - a coordinate that is constant or nearly so;
/// - rows far outside: more than 15 interquartile ranges from the median (20 deviations of a Gaussian);
/// - all rows at one time, or fewer than 20 rows at a time;
/// - times that have no rows in a split which other times have;
/// - numbers of rows that change in time by more than sampling explains.
///
/// Rows of weight 0 count for what is said of coordinates, and not for what is said of times: there the TimeTable decides,
/// which also tells snapshots from events.
///
/// Collective; one rank streams the rows, twice, so the lines do not depend on the number of ranks.
std::vector<HealthFinding> population_health(const io::PopulationFile& file, const mpi::Communicator& comm);

}  // namespace rhoflux::data
