#pragma once

#include "rhoflux/core/units.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// Mean and unbiased standard deviation of the training split (weighted where rows carry weights) and the
/// time range of the file. One rank streams the rows, so the figures are the same on any number of ranks.
/// @param standardise false: mean 0 and scale 1
/// Throws Error (bad input) for an empty training split or a coordinate that is constant.
Units measure(const io::PopulationFile& file, const mpi::Communicator& comm, bool standardise);

}  // namespace rhoflux::data
