#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::io {

/// What writing and reading population files have in common.
constexpr std::int64_t population_format_version = 1;

inline std::string row_text(std::int64_t row) {
  return "row " + std::to_string(row) + " (from 0)";
}

inline Shape require_dataset(const Hdf5Reader& file, const std::string& name) {
  if (!file.is_dataset(name)) {
    fail_input(file.path() + ": there is no dataset '" + name +
               "'; a population file has /t (N) and /x (N, D)");
  }
  return file.shape(name);
}

inline void require_matching(const std::string& path, const std::string& name, const Shape& found,
                             const Shape& expected) {
  if (found == expected) return;
  fail_input(path + ", '" + name + "': expected shape " + to_string(expected) + ", found " +
             to_string(found));
}

}  // namespace rhoflux::io
