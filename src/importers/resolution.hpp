#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace rhoflux::importers {

/// The noise that makes a coordinate of few distinct values, such as a count, continuous: x + h (U - 1/2) with
/// the resolution h, the smallest distance between two of its values, and U uniform on (0, 1). The likelihood of
/// the result is a bound on that of the discrete values (Theis et al., ICLR 2016).
class Resolution {
 public:
  /// @param[in] coordinates names of those that get noise, or "all"
  /// Bad input for a name that is not among `dim_names`.
  Resolution(const std::vector<std::string>& coordinates, const std::vector<std::string>& dim_names,
             std::uint64_t seed, const std::string& input);

  bool is_on() const { return !m_coordinates.empty(); }

  /// Sees rows x (n, D).
  void see(const std::vector<double>& x);

  /// After the last row. Bad input for a coordinate with one value, or with more than 10000.
  void decide(const std::string& input);

  /// Adds the noise. @param[in] source_row rows of the input, which with the seed decide
  void add_noise(const std::vector<std::int64_t>& source_row, std::vector<double>& x) const;

  /// "x1 = 1, x3 = 0.5"
  std::string description() const;

 private:
  struct Coordinate {
    std::size_t index = 0;
    std::string name;
    std::set<double> values;
    double resolution = 0;
  };
  std::size_t m_n_dims;
  std::uint64_t m_seed;
  std::vector<Coordinate> m_coordinates;
};

}  // namespace rhoflux::importers
