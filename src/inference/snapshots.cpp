#include "rhoflux/inference/snapshots.hpp"

#include <cmath>

#include "rhoflux/core/text.hpp"

namespace rhoflux::inference {

Snapshot find_snapshot(const io::PopulationFile& file, io::Split split, double t, double window) {
  Snapshot found;
  std::int64_t row = 0;
  file.for_each_piece(split, [&](const io::PopulationRows& rows) {
    for (const double value : rows.t) {
      if (std::fabs(value - t) <= window) {
        if (found.count == 0) found.begin = row;
        ++found.count;
      }
      ++row;
    }
  });
  return found;
}

std::string first_times(const io::PopulationFile& file, io::Split split) {
  constexpr std::size_t max_times = 8;
  std::vector<double> times;  // one more than are named
  file.for_each_piece(split, [&](const io::PopulationRows& rows) {
    for (const double t : rows.t)
      if (times.size() <= max_times && (times.empty() || t != times.back())) times.push_back(t);
  });
  std::vector<std::string> texts;
  for (std::size_t k = 0; k < times.size(); ++k)
    texts.push_back(k < max_times ? formatted("%g", times[k]) : "...");
  return joined(texts);
}

}  // namespace rhoflux::inference
