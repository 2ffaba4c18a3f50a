#pragma once

#include <string>

#include "rhoflux/core/mass.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/core/units.hpp"
#include "rhoflux/data/config.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// The mass of the population at its known times (model.md (10.2)):
/// - none: no knots, M = 1 at all times;
/// - counts: M(t_k) / M(t_1) is the ratio of the sums of weights of the training rows (without weights, of their
///   numbers) at the times t_k of the file; times that are held out are left out. Where the time range is wider than
///   that, log M goes on straight to its ends (it is constant if there is one time alone);
/// - given: the numbers of data.mass.
/// All are scaled such that M = 1 at the first time of the model.
///
/// Collective. Throws Error (bad input) naming data.mass, the file and what is allowed: counts without data, of
/// events in continuous time, and of a time that has rows but none for training; given masses of which the first and
/// the last are not at the ends of the time range.
/// @param units of the model; only the time range counts
MassKnots mass_of(const Config& config, const Sources& sources, const Units& units,
                  const mpi::Communicator& comm);

/// The same with what is to be said of it, from one pass over the times of the rows. Collective.
struct KnownMass {
  MassKnots knots;
  std::string warning;  ///< of counts, see warning_of_counts(); empty: none
};
KnownMass known_mass(const Config& config, const Sources& sources, const Units& units,
                     const mpi::Communicator& comm);

/// mass_of() for counts.
/// @param path of the file, for messages @param meaning what its times are called
MassKnots mass_of_counts(const TimeTable& table, const std::string& path, const Units& units,
                         const TimeMeaning& meaning = {});

/// One line that says where the masses of counts are extrapolated, beyond the times with training rows: where the ends are
/// held out, or data.time_range is wider than the rows; empty: nowhere. Throws as mass_of_counts().
std::string warning_of_counts(const TimeTable& table, const std::string& path, const Units& units,
                              const TimeMeaning& meaning = {});

/// mass_of() for given masses.
MassKnots mass_as_given(const Mass& mass, const Units& units, const TimeMeaning& meaning = {});

}  // namespace rhoflux::data
