#include "resolution.hpp"

#include <algorithm>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

namespace {
constexpr std::size_t most_values = 10000;
}

Resolution::Resolution(const std::vector<std::string>& coordinates, const std::vector<std::string>& dim_names,
                       std::uint64_t seed, const std::string& input)
    : m_n_dims(dim_names.size()), m_seed(seed) {
  const bool is_all = coordinates.size() == 1 && coordinates.front() == "all";
  for (const std::string& name : is_all ? dim_names : coordinates) {
    const auto found = std::find(dim_names.begin(), dim_names.end(), name);
    if (found == dim_names.end())
      fail_input(input + ": --dequantise names '" + name + "'; the coordinates are " + joined(dim_names));
    m_coordinates.push_back({static_cast<std::size_t>(found - dim_names.begin()), name, {}, 0.0});
  }
}

void Resolution::see(const std::vector<double>& x) {
  for (Coordinate& coordinate : m_coordinates)
    for (std::size_t i = coordinate.index; i < x.size(); i += m_n_dims)
      if (coordinate.values.size() <= most_values) coordinate.values.insert(x[i]);
}

void Resolution::decide(const std::string& input) {
  for (Coordinate& coordinate : m_coordinates) {
    if (coordinate.values.size() > most_values)
      fail_input(input + ": --dequantise: the coordinate " + coordinate.name + " has more than " +
                 std::to_string(most_values) + " different values, so that it needs no noise");
    if (coordinate.values.size() < 2)
      fail_input(input + ": --dequantise: the coordinate " + coordinate.name +
                 " has one value alone; leave it out");
    double before = *coordinate.values.begin(), smallest = 0;
    for (const double value : coordinate.values) {
      if (value > before && (smallest == 0 || value - before < smallest)) smallest = value - before;
      before = value;
    }
    coordinate.resolution = smallest;
  }
}

void Resolution::add_noise(const std::vector<std::int64_t>& source_row, std::vector<double>& x) const {
  for (const Coordinate& coordinate : m_coordinates) {
    const RandomStream random(m_seed, RandomPurpose::dequantisation, coordinate.index);
    for (std::size_t i = 0; i < source_row.size(); ++i)
      x[i * m_n_dims + coordinate.index] +=
          coordinate.resolution * (random.uniforms(static_cast<std::uint64_t>(source_row[i]), 0).first - 0.5);
  }
}

std::string Resolution::description() const {
  std::vector<std::string> texts;
  for (const Coordinate& coordinate : m_coordinates)
    texts.push_back(coordinate.name + " = " + print_number(coordinate.resolution));
  return joined(texts);
}

}  // namespace rhoflux::importers
