#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/io/population.hpp"

namespace rhoflux::io::testing {

/// A folder of its own for one test, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rhoflux_io_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + pattern);
    m_path = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return (m_path / name).string(); }

  /// Names of all files, hidden ones included.
  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(m_path))
      names.push_back(entry.path().filename());
    return names;
  }

 private:
  std::filesystem::path m_path;
};

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Finds the stored bytes of one double in a file and changes one of them.
inline void corrupt_double(const std::string& path, double value) {
  std::string bytes = read_text(path);
  const std::string pattern(reinterpret_cast<const char*>(&value), sizeof(value));
  const std::size_t place = bytes.find(pattern);
  ASSERT_NE(place, std::string::npos) << "the value is not in the file";
  bytes[place + 3] = static_cast<char>(bytes[place + 3] ^ 0x10);
  write_text(path, bytes);
}

/// Rows whose values tell their index: t = i / 4 (four rows a time), x = (i, -i, 1000 + i) .., split from a
/// pattern that leaves long runs without test rows, weight = 1 + i mod 3.
inline PopulationData numbered_population(std::int64_t n_rows, int n_dims) {
  PopulationData data;
  data.n_dims = n_dims;
  data.time.unit = "h";
  data.source = "numbered rows";
  for (std::int64_t i = 0; i < n_rows; ++i) {
    const auto value = static_cast<double>(i);
    data.t.push_back(static_cast<double>(i / 4));
    for (int k = 0; k < n_dims; ++k)
      data.x.push_back(k == 0 ? value : k == 1 ? -value : 1000.0 * (k - 1) + value);
    data.weight.push_back(static_cast<double>(1 + i % 3));
    const bool late = i % 10000 > 8999;
    data.split.push_back(static_cast<std::int8_t>(late && i % 2 == 0 ? 2 : i % 7 == 3 ? 1 : 0));
  }
  return data;
}

}  // namespace rhoflux::io::testing
