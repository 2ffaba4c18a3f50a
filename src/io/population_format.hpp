#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rhoflux::io {

/// What writing and reading population files have in common.
constexpr std::int64_t population_format_version = 1;

inline std::string row_text(std::int64_t row) {
  return "row " + std::to_string(row) + " (from 0)";
}

inline std::vector<std::string> default_dim_names(int n_dims) {
  std::vector<std::string> names;
  for (int k = 1; k <= n_dims; ++k) names.push_back("x" + std::to_string(k));
  return names;
}

}  // namespace rhoflux::io
