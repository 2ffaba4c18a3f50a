#pragma once

#include <vector>

#include "rhoflux/data/time_table.hpp"
#include "rhoflux/inference/inference.hpp"

namespace rhoflux::inference {

/// Mass of the population at one snapshot, relative to that at the first snapshot of the split.
struct MassFigures {
  double t = 0;
  double model = 0;           ///< M(t) / M(t_1)
  double data = 0;            ///< sum of the weights of the rows at t over that at t_1
  double relative_error = 0;  ///< model / data - 1
  double sampling_error =
      0;  ///< relative standard error of `data`, (1 / n(t) + 1 / n(t_1))^(1/2), n effective numbers
};

/// How the mass of a model fits the rows of a split.
struct MassComparison {
  std::vector<MassFigures>
      times;  ///< empty where the mass is 1 at all times, and with less than two snapshots
  /// False where the rows of the split are another share of all rows at one time than at another, beyond what chance
  /// explains: then they do not tell how the mass changes.
  bool has_even_shares = true;
};

/// Compares M(t) of a model whose density grows with the rows of a split; nothing is compared of one that does not grow.
MassComparison compare_mass(const Inference& inference, const data::TimeTable& table, io::Split split);

}  // namespace rhoflux::inference
