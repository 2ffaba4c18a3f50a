#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux {

/// "all", or names of coordinates separated by commas: which are read, and in which order.
struct CoordinateNames {
  std::vector<std::string> names;  ///< empty: all

  std::string to_string() const { return names.empty() ? "all" : joined(names, ","); }
  /// Throws Error (bad input) with the reason alone.
  static CoordinateNames parse(const std::string& text) {
    return {text == "all" ? std::vector<std::string>() : parse_names(text)};
  }
  static constexpr const char* type = "all, or names separated by commas";
};

/// How the coordinates of a file are found by names.
enum class NameRule {
  required,  ///< each name must be there
  /// Where none of the names is there, all coordinates are taken as they stand: files need not have names. Neither need
  /// x1, x2, .. be the names of a file with more of them than are wanted: that may be another file.
  preferred,
  preferred_among_more  ///< the same, but x1, x2, .. are names: of those of such a file the wanted ones were chosen
};

/// x1 .. xD, of coordinates without names.
inline std::vector<std::string> numbered_names(int n_dims) {
  std::vector<std::string> names;
  for (int k = 1; k <= n_dims; ++k) names.push_back("x" + std::to_string(k));
  return names;
}
inline bool are_numbered(const std::vector<std::string>& names) {
  return names == numbered_names(static_cast<int>(names.size()));
}

/// The columns of a file that have the names `wanted`, in their order; empty: all columns as they stand.
/// Throws Error (bad input), with the reason alone, for a name that is not there.
/// @param present names of the columns of the file
inline std::vector<std::size_t> columns_of(const std::vector<std::string>& wanted,
                                           const std::vector<std::string>& present, NameRule rule) {
  std::vector<std::size_t> columns;
  if (wanted.empty() || wanted == present) return columns;
  const bool may_be_another =
      wanted.size() != present.size() && are_numbered(wanted) && are_numbered(present);
  if (rule == NameRule::preferred && may_be_another) return columns;
  std::string missing;
  for (const std::string& name : wanted) {
    if (std::count(present.begin(), present.end(), name) > 1)
      fail_input("the coordinate '" + name + "' is there twice among " + joined(present));
    const auto found = std::find(present.begin(), present.end(), name);
    if (found == present.end() && missing.empty()) missing = name;
    if (found != present.end()) columns.push_back(static_cast<std::size_t>(found - present.begin()));
  }
  if (columns.empty() && rule != NameRule::required) return columns;
  if (!missing.empty())
    fail_input("there is no coordinate '" + missing + "' among " + joined(present) + "; needed are " +
               joined(wanted));
  return columns;
}

/// Columns of numbers (n, n_present) in C order; all, where `columns` is empty.
inline std::vector<double> chosen_columns(std::vector<double> numbers,
                                          const std::vector<std::size_t>& columns, std::size_t n_present) {
  if (columns.empty()) return numbers;
  std::vector<double> chosen;
  chosen.reserve(numbers.size() / n_present * columns.size());
  for (std::size_t row = 0; row < numbers.size(); row += n_present)
    for (const std::size_t column : columns) chosen.push_back(numbers[row + column]);
  return chosen;
}

}  // namespace rhoflux
