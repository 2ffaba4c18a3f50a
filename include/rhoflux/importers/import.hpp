#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/core/time_names.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::importers {

/// What stands between the fields of a table of text.
enum class Delimiter { automatic, comma, tab, semicolon, space };

/// How the time column is read.
enum class TimeFormat { automatic, number, datetime };

/// What the growth column holds.
enum class GrowthForm {
  rate,   ///< births minus deaths per unit of time
  factor  ///< by which the population grows in a unit of time; its logarithm is stored
};

struct TimeOptions {
  std::string column = "t";
  TimeFormat format = TimeFormat::automatic;
  std::map<std::string, double> values;  ///< of labels; empty: none given
  std::string unit;                      ///< empty: for dates "d", else none
  std::string origin;                    ///< date and time at t = 0; empty: the first date of the file
};

/// How rows without a split of their own are split.
struct SplitOptions {
  double val_fraction = 0.0;
  double test_fraction = 0.0;
  std::uint64_t seed = 1;
  std::string by;  ///< a column whose categories (donors, batches) go to one split as a whole; empty: by rows
};

/// Which columns of a file mean what. A column is a column of a table, an array of an .npz file with one entry
/// a row, or a column of `obs` of an AnnData file.
struct Options {
  TimeOptions time;
  std::vector<std::string> coordinate_columns;  ///< empty: x1, x2, .. as far as they go, or the basis
  std::string basis;                            ///< two-dimensional array (.npz) or key of obsm, or X (.h5ad)
  std::vector<std::string> genes;               ///< with basis X: names in var
  std::vector<int> dims;                        ///< numbers of the coordinates to keep, from 1; empty: all
  std::string weight_column;                    ///< empty: the column "weight" if there is one
  std::string split_column;                     ///< empty: the column "split" if there is one
  std::string id_column;                        ///< empty: names of rows where the file has them
  std::vector<std::string> label_columns;       ///< empty: for .h5ad all columns of categories, else none
  std::vector<std::string> condition_columns;
  std::string growth_column;
  GrowthForm growth_form = GrowthForm::rate;
  Delimiter delimiter = Delimiter::automatic;
  SplitOptions split;
  std::vector<std::string> dequantise;  ///< coordinates to which noise of their resolution is added; "all"
  std::string source;                   ///< empty: the name of the input file
  io::TextAttributes provenance;        ///< see io::PopulationData
};

struct Summary {
  std::int64_t n_rows = 0;
  std::array<std::int64_t, 3> split_count{};  ///< rows of train, val, test
  std::vector<std::string> dim_names;         ///< the coordinates, in the order stored
  double t_min = 0.0;
  double t_max = 0.0;
  TimeMeaning time;
  bool has_weight = false;
  std::vector<std::string> ignored_columns;  ///< columns that were not used
  std::vector<std::string> notes;            ///< what was found and how it was read, a line each
};

/// Formats that import_population() reads, for messages: ".csv, .tsv, .txt (each also .gz), .npz, .h5ad".
const char* import_formats();

/// Converts a file to a population file (see io::write_population), in pieces, so that memory does not grow with
/// the file; one process calls it. The format is that of the name's ending, in capitals or not:
///
/// - .csv, .tsv, .txt, each also with .gz: a table of text with a header line. The delimiter is found in the first
///   lines: tab, semicolon, comma or blanks. Read are decimal commas (where the delimiter is no comma), CRLF line
///   ends, quoted fields (across lines too), a byte order mark, comment lines (#), blank lines at the end, columns
///   without a name (left out), and row names as R's write.table has them (a header with one field less than the
///   rows).
/// - .npz: arrays of NumPy, of one entry a row, and the two-dimensional array `basis`.
/// - .h5ad: AnnData, as its versions 0.7 to 0.11 write it.
///
/// Times are numbers; or texts that differ in one number, which becomes the time ("day3"); or labels with given
/// values; or dates with or without times of day (see read_datetime), which are counted in time.unit from
/// time.origin.
///
/// Splits are those of the split column (train, val, test or 0, 1, 2), or drawn: with up to 100 distinct times
/// within each time, so that each split has its share of every snapshot to a row (at least one row where a
/// snapshot has four); with more (events) row by row; or by whole categories (split.by).
///
/// Bad input, naming file and line or row: a row with too few or too many fields, a field that is not a finite
/// number, a negative weight, an unknown split; a missing or repeated column, a file without rows, or an existing
/// output without overwrite.
Summary import_population(const std::string& input, const std::string& output, const Options& options,
                          bool overwrite);

}  // namespace rhoflux::importers
