#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rhoflux::io {

/// Sorts any number of rows by a key, rows of equal keys in the order in which they came, in a bounded amount
/// of memory: pieces that fill the memory are sorted and put into a file, and merged at the end.
///
/// The file has no name from the moment it is made, so nothing is left of it whatever happens. I/O failure
/// (exit code 4) naming the folder when it cannot be written or read.
class RowSorter {
 public:
  struct Config {
    std::size_t row_bytes = 0;      ///< bytes of a row beside its text
    std::string folder = ".";       ///< where the file is made, if there is one
    std::size_t memory = 48 << 20;  ///< bytes of rows held at a time
  };

  explicit RowSorter(const Config& config);
  ~RowSorter();
  RowSorter(const RowSorter&) = delete;
  RowSorter& operator=(const RowSorter&) = delete;

  /// @param[in] row row_bytes bytes
  /// @param[in] text of any length, kept with the row
  void add(double key, const char* row, std::string_view text);

  std::int64_t size() const { return m_size; }

  /// Calls visit(key, row, text) for every row in order; to be called once, after the last add().
  using Visit = std::function<void(double key, const char* row, std::string_view text)>;
  void for_each(const Visit& visit);

 private:
  struct Entry {
    double key;
    std::size_t place;
  };
  struct Run {
    std::int64_t begin, end;  ///< bytes in the file
  };
  class RunReader;

  void sort_memory();
  void write_run();
  void merge(const Visit& visit) const;

  Config m_config;
  std::vector<char> m_rows;      ///< text length, row and text of each, one after the other
  std::vector<Entry> m_entries;  ///< of m_rows
  std::vector<Run> m_runs;
  std::int64_t m_size = 0;
  int m_file = -1;
};

}  // namespace rhoflux::io
