#include "not_finite.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include "rhoflux/core/text.hpp"

namespace rhoflux::apps {

NotFinite::NotFinite(const std::vector<std::string>& names) {
  for (const std::string& name : names)
    m_arrays.push_back({name, 0, std::numeric_limits<double>::infinity()});
}

void NotFinite::add(std::size_t array, std::int64_t first, std::size_t n_components,
                    const std::vector<double>& values) {
  Array& to = m_arrays[array];
  const std::size_t width = std::max<std::size_t>(n_components, 1);
  for (std::size_t at = 0; at + width <= values.size(); at += width) {
    const double* row = &values[at];
    if (std::all_of(row, row + width, [](double value) { return std::isfinite(value); })) continue;
    ++to.count;
    to.first =
        std::min(to.first, static_cast<double>(first) + static_cast<double>(at) / static_cast<double>(width));
  }
}

void NotFinite::add_up(const mpi::Communicator& comm) {
  for (Array& array : m_arrays) {
    comm.sum(&array.count, 1);
    comm.min(&array.first, 1);
  }
}

void NotFinite::print(const mpi::Communicator& comm, std::int64_t count,
                      const std::function<std::string(std::int64_t)>& place_of) const {
  if (!comm.is_root()) return;
  for (const Array& array : m_arrays) {
    if (array.count == 0) continue;
    const auto row = static_cast<std::int64_t>(array.first);
    std::cerr << "rhoflux: warning: /" << array.name << ": " << array.count << " of " << count
              << " rows are beyond the range of numbers (inf or NaN); the first is " << place_of(row)
              << std::endl;
  }
}

std::string text_of_point(const TimeMeaning& meaning, double t, const std::vector<double>& x) {
  std::string place;
  for (const double value : x) place += (place.empty() ? "" : ", ") + formatted("%.6g", value);
  return "t = " + time_text(meaning, t) + ", x = (" + place + ")";
}

}  // namespace rhoflux::apps
