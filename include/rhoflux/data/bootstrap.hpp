#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/core/math.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/data/config.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// The weight of a unit (a row, or all rows of a donor) in a replicate of the Bayesian bootstrap (Rubin 1981),
///   c = -log U,
/// U uniform on (0, 1) from (seed, replicate, unit): mean 1, variance 1; model.md (12.4).
RHOFLUX_FUNCTION double replicate_weight(std::uint64_t seed, std::uint64_t replicate, std::uint64_t unit) {
  return -math::log(RandomStream(seed, RandomPurpose::bootstrap, replicate).uniforms(unit, 0).first);
}

/// A bootstrap replicate of the rows: each counts `scale` replicate_weight(seed, index, its unit) times its weight.
struct Replicate {
  std::uint64_t index = 0;
  double scale = 0;  ///< 0: none, rows count as they are
};

/// What a bootstrap over the categories of a label weighs.
struct BootstrapUnits {
  /// By category: sum of the weights of its training rows; empty: each row is a unit.
  std::vector<double> mass;
  /// Units with weight in the snapshot with the fewest, or of all rows that are events.
  std::int64_t fewest = 0;
  double t_fewest = 0;      ///< time of that snapshot
  bool are_events = false;  ///< the rows are no snapshots

  /// sum_g m_g / sum_g m_g c_g, so that the weights of a replicate are as large as those of the rows; 1 for rows, where
  /// this is 1 but for a deviation of N^(-1/2).
  double scale(std::uint64_t seed, std::uint64_t replicate) const;
};

/// Collective; one rank streams the rows. Throws Error (bad input) naming data.bootstrap where the file does not have the
/// label, or the training rows have one category of it alone.
BootstrapUnits read_bootstrap_units(const Bootstrap& bootstrap, const io::PopulationFile& file,
                                    const mpi::Communicator& comm);

/// One line that says that standard errors of so few units are too small, and by how much; empty: there are enough, 8 in
/// each snapshot.
std::string warning_of_few_units(const Bootstrap& bootstrap, const BootstrapUnits& units,
                                 const TimeMeaning& meaning);

/// The replicates of the members of an ensemble: member k has that of index k.
struct Replicates {
  std::vector<double> scale;  ///< by member, see Replicate; empty: none, rows count as they are
  Replicate of(int member) const {
    return scale.empty()
               ? Replicate()
               : Replicate{static_cast<std::uint64_t>(member), scale[static_cast<std::size_t>(member)]};
  }
};

}  // namespace rhoflux::data
