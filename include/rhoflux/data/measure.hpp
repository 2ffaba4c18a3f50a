#pragma once

#include "rhoflux/core/units.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// Units of a model: those of the data (mean 0, scale 1), or such that the training rows have mean 0 and
/// variance 1 in each coordinate.
enum class Scaling { none, standardised };

/// Mean and unbiased standard deviation of the training split (weighted where rows carry weights) and the
/// time range of the rows of weight above 0. One rank streams the rows, so the figures are the same on any number of ranks.
/// Throws Error (bad input) for an empty training split or a coordinate that is constant.
Units measure(const io::PopulationFile& file, const mpi::Communicator& comm, Scaling scaling);

}  // namespace rhoflux::data
