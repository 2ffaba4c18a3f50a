#pragma once

#include <string>
#include <vector>

#include "rhoflux/io/population.hpp"
#include "rhoflux/parallel/communicator.hpp"

namespace rhoflux::training {

/// The map between the units of the data and those of the model: x_model = (x - mean) / scale for each
/// coordinate, tau = (t - t_first) / (t_last - t_first).
struct Standardisation {
  std::vector<double> mean, scale;  ///< (n_dims), units of the data
  double t_first = 0.0, t_last = 1.0;

  int n_dims() const { return static_cast<int>(mean.size()); }
  double time_span() const { return t_last > t_first ? t_last - t_first : 1.0; }
  double tau(double t) const { return (t - t_first) / time_span(); }
  double log_volume() const;  ///< sum of log scale: log rho_data = log rho_model - log_volume
};

/// Mean and unbiased standard deviation of the training split (weighted where rows carry weights) and the
/// time range of the file. One rank streams the rows, so the figures are the same on any number of ranks.
/// @param standardise false: mean 0 and scale 1
/// Throws Error (bad input) for an empty training split or a coordinate that is constant.
Standardisation measure(const io::PopulationFile& file, const parallel::Communicator& comm, bool standardise);

}  // namespace rhoflux::training
