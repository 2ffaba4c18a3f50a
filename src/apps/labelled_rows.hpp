#pragma once

#include <string>
#include <vector>

#include "context.hpp"
#include "rhoflux/inference/fate.hpp"
#include "rhoflux/inference/snapshots.hpp"
#include "rhoflux/io/population.hpp"

namespace rhoflux::apps {

/// The labelled rows that give end points their labels.
struct Labelled {
  inference::LabelledRows rows;
  std::vector<std::string> categories;
  double t = 0;  ///< their time
  /// How many of the nearest rows give an end point its label: 15, fewer where the rarest label has fewer than 8 rows, so that
  /// all of these together, of equal weights, have most of the votes.
  int voters = 0;
};

/// The rows of the snapshot nearest to the end time, the same on every rank. Warns of labels that few or none of them have.
/// Collective.
Labelled read_labelled(const Context& context, const io::PopulationFile& file, const std::string& label,
                       double to, const inference::TimeMatch& match);

}  // namespace rhoflux::apps
