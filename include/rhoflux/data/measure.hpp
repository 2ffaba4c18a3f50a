#pragma once

#include "rhoflux/core/units.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// Units of a model: those of the data (mean 0, scale 1), or such that the training rows have mean 0 and
/// variance 1 in each coordinate, or (robust) median 0 and the interquartile range of a standard normal distribution,
/// 1.349.
enum class Scaling { none, standardised, robust };

/// Mean and unbiased standard deviation of the training split (weighted where rows carry weights) and the
/// time range of the rows of weight above 0. One rank streams the rows, so the figures are the same on any number of ranks.
/// The quantiles of Scaling::robust are those of up to 100000 training rows taken evenly, by weight.
/// Throws Error (bad input) for an empty training split, a coordinate that is constant, and with Scaling::robust for
/// one whose quartiles are equal.
Units measure(const io::PopulationFile& file, const mpi::Communicator& comm, Scaling scaling);

}  // namespace rhoflux::data
