#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rhoflux::importers {

/// So many coordinates can be taken from one file.
constexpr std::int64_t most_coordinates = 100000;

/// Bytes that the name of a row, a category or a label of a time may have.
constexpr std::size_t longest_text = 1024;

/// Bytes of texts that are read at a time, about.
constexpr std::size_t batch_text_bytes = std::size_t{8} << 20;

/// As what a column is read.
enum class Form { number, text };

/// A column that is to be read.
struct Wanted {
  std::string column;
  Form form = Form::number;
};

/// Some rows, column by column, in the order in which the columns were wanted.
struct Batch {
  struct Column {
    std::vector<double> numbers;
    std::vector<std::string> texts;
  };
  std::vector<Column> columns;
};

/// A coordinate of a basis.
struct BasisColumn {
  std::string column;    ///< by which Table reads it
  std::string dim_name;  ///< its name in the population
};

/// An input file as rows of named columns, read from the first row to the last.
class Table {
 public:
  virtual ~Table() = default;

  /// Columns that may be wanted, in the order of the file.
  virtual std::vector<std::string> column_names() const = 0;

  /// The column that names the rows without having been asked for; empty: there is none.
  virtual std::string row_name_column() const { return {}; }

  /// Columns of categories that are kept without having been asked for.
  virtual std::vector<std::string> default_labels() const { return {}; }

  /// Coordinates of a two-dimensional array. Bad input, naming those there are, for an unknown one.
  virtual std::vector<BasisColumn> basis(const std::string& name, const std::vector<std::string>& genes) = 0;

  /// The basis that is taken where none is given; empty: columns.
  virtual std::string default_basis() const { return {}; }

  /// Goes to the first row and from now on reads these columns. Bad input for an unknown column.
  virtual void start(const std::vector<Wanted>& wanted) = 0;

  /// Reads the next rows, `most` at most; 0 at the end. Bad input, naming the place, for what is no number.
  virtual std::int64_t read(std::int64_t most, Batch& batch) = 0;

  /// Where row i of the last batch stands, "FILE, line 12" or "FILE, row 3 (from 0)".
  virtual std::string place(std::int64_t i) const = 0;

  /// Where the names of the columns stand, "FILE, line 1".
  virtual std::string header_place() const = 0;

  /// What was found in the file and how it is read, a line each.
  virtual std::vector<std::string> notes() const { return {}; }
};

}  // namespace rhoflux::importers
