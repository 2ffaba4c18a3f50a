#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::io {

/// Which columns of a CSV file mean what, and how rows are split.
struct CsvOptions {
  std::string time_column = "t";
  std::vector<std::string> coordinate_columns;  ///< empty: x1, x2, .. as far as they go
  std::string weight_column;                    ///< empty: the column "weight" if there is one
  std::string split_column;                     ///< empty: the column "split" if there is one
  double val_fraction = 0.0;                    ///< share drawn for validation when there is no split column
  double test_fraction = 0.0;                   ///< share drawn for testing when there is no split column
  std::uint64_t seed = 1;                       ///< of the drawn split; row i gets the same split in any file
  std::string time_unit;
  std::string source;         ///< empty: the name of the input file
  TextAttributes provenance;  ///< see PopulationData
};

struct CsvSummary {
  std::int64_t n_rows = 0;
  std::array<std::int64_t, 3> split_count{};  ///< rows of train, val, test
  std::vector<std::string> dim_names;         ///< the coordinate columns, in the order stored
  std::vector<std::string> ignored_columns;   ///< columns that were not used
  double t_min = 0.0;
  double t_max = 0.0;
  bool has_weight = false;
};

/// Converts a comma-separated file with a header line to a population file (see write_population); one
/// process calls it.
///
/// Accepts CRLF line ends, quoted fields (not across lines), a byte order mark and blank lines at the end.
/// Split values are train, val, test or 0, 1, 2. Numbers are read the same way in every locale. Bad input,
/// with the line number: a row with too few or too many fields, a field that is not a finite number, a
/// negative weight, an unknown split; also a missing or repeated column, a file without rows, or an existing
/// output without overwrite.
CsvSummary import_csv(const std::string& input, const std::string& output, const CsvOptions& options,
                      bool overwrite);

}  // namespace rhoflux::io
