#include "file_values.hpp"

#include <cmath>
#include <limits>

#include "rhoflux/core/text.hpp"

namespace rhoflux::checkpoint {

std::int64_t read_count(const io::Hdf5Reader& file, const std::string& object, const std::string& name,
                        std::int64_t max) {
  const std::int64_t value = file.attribute_int(object, name);
  if (value < 0 || value > max)
    fail_input(place_of(file, object, name) + ": found " + std::to_string(value) +
               ", expected a whole number from 0 to " + std::to_string(max));
  return value;
}

std::vector<int> read_widths(const io::Hdf5Reader& file, const std::string& object) {
  std::vector<int> widths;
  for (const double width : file.attribute_doubles(object, "hidden")) {
    if (!(width >= 1 && width <= std::numeric_limits<int>::max() && width == std::floor(width)))
      fail_input(place_of(file, object, "hidden") + ": " + print_number(width) + " is not a width");
    widths.push_back(static_cast<int>(width));
  }
  return widths;
}

}  // namespace rhoflux::checkpoint
