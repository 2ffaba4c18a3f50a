#pragma once

#include <cstdint>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// The conditions that a file was opened with: names and categories alone.
ConditionEncoding named_conditions(const io::PopulationFile& file);

/// The conditions that a file was opened with: mean and deviation of the numbers over the training rows (weighted; a
/// constant one has scale 1), their ranges, and the conditions of the rows: each different one, with the sum of its
/// weights, where there are at most `most_choices`; else those of `most_choices` rows, taken evenly in file order by
/// weight. One rank streams the rows, so the figures are the same on any number of ranks. Collective.
ConditionEncoding measure_conditions(const io::PopulationFile& file, const mpi::Communicator& comm,
                                     std::size_t most_choices = 4096);

}  // namespace rhoflux::data
