#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rhoflux/io/population.hpp"
#include "rhoflux/io/row_sorter.hpp"

namespace rhoflux::io {

/// Fills the datasets of a population file in pieces of rows that are sorted by time; one process uses it.
class PopulationWriter {
 public:
  /// What the file must know before its first row.
  struct Layout {
    std::int64_t n_rows = 0;
    bool has_split = false;
  };

  /// @param[in] header all that is no row: names, categories, time, texts; which optional columns there are is
  /// seen in `columns`, of which the rows do not matter
  PopulationWriter(const std::string& path, const PopulationData& header, const PopulationData& columns,
                   const Layout& layout);

  /// Appends rows. I/O failure where they cannot be written.
  void append(const PopulationData& rows);

  /// Closes the file.
  void close();

 private:
  void write_attributes(const PopulationData& header);

  Hdf5Writer m_file;
  std::int64_t m_next = 0;
};

/// Makes a population file from rows that come in any order and any number, in bounded memory: they are sorted
/// by time (RowSorter), rows of equal times in the order in which they came. One process uses it.
class PopulationBuilder {
 public:
  /// @param[in] columns names of the coordinates, labels and conditions and which of the optional columns there
  /// are: those that are not empty (one entry is enough); the names of labels and conditions
  PopulationBuilder(const std::string& output, PopulationData columns);

  /// Rows with exactly the columns said at the start; x of (n, D). The caller has checked the numbers.
  void add(const PopulationData& rows);

  std::int64_t n_rows() const { return m_sorter.size(); }

  /// Changes sorted rows before they are written: may set t (in the same order), x, split.
  using Complete = std::function<void(PopulationData& rows)>;

  /// Writes the file crash-safely (see write_safely).
  /// @param[in] header all that is no row
  /// @param[in] has_split whether `complete`, or the rows added, set a split
  struct Finish {
    bool overwrite = false;
    bool has_split = false;
    Complete complete;
  };
  void finish(const PopulationData& header, const Finish& how);

 private:
  class Packing;

  std::string m_output;
  PopulationData m_columns;
  std::size_t m_id_bytes = 1;  ///< of the longest id
  RowSorter m_sorter;
};

}  // namespace rhoflux::io
