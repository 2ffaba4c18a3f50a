#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/core/coordinate_names.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::io {

/// Part of a data set; `all` stands for every row.
enum class Split : int { all = -1, train = 0, val = 1, test = 2 };

/// "all", "train", "val" or "test".
std::string to_string(Split split);

/// Inverse of to_string; anything else is bad input.
Split parse_split(const std::string& name);

/// A category of each row, such as its cell type.
struct LabelColumn {
  std::string name;
  std::vector<std::string> categories;
  std::vector<std::int32_t> code;  ///< (N), index into categories
};

/// A covariate of each row, such as its dose: a number, or one of several categories.
struct ConditionColumn {
  std::string name;
  std::vector<std::string> categories;  ///< empty: a number
  std::vector<double> value;            ///< (N), the number, or the index into categories
};

/// A data set in memory, whole or some of its rows, as importers and generators make it.
struct PopulationData {
  std::vector<double> t;                 ///< (N), in time.unit
  std::vector<double> x;                 ///< (N, D), C order, original units
  std::vector<double> weight;            ///< (N) or empty: every row counts 1
  std::vector<double> growth;            ///< (N) births minus deaths per unit of time, or empty
  std::vector<std::int8_t> split;        ///< (N) of 0 train, 1 val, 2 test, or empty: all train
  std::vector<std::string> id;           ///< (N) names of the rows, or empty
  std::vector<std::int64_t> source_row;  ///< (N) row of the imported file, from 0, or empty
  std::vector<LabelColumn> labels;
  std::vector<ConditionColumn> conditions;
  int n_dims = 0;                      ///< D
  std::vector<std::string> dim_names;  ///< (D), or empty: x1 .. xD
  TimeMeaning time;
  std::string source;
  TextAttributes import_choices;  ///< attributes of /import: what was chosen of the input file; may be empty
  TextAttributes provenance;      ///< attributes of /provenance; empty: no such group

  std::int64_t n_rows() const { return static_cast<std::int64_t>(t.size()); }
};

/// Sorts the rows by t (rows of equal t keep their order) and writes them crash-safely; one process calls it.
///
/// Datasets /t (N), /x (N, D); where given /weight (N), /growth (N), /split (N) int8, /id (N) UTF-8 strings,
/// /source_row (N) int64, /label/NAME (N) int32 with the attribute categories, /condition/NAME (N) float64,
/// or int32 with the attribute categories; attributes kind = "population", format_version, dim_names, time_unit,
/// time_origin, time_labels, time_label_values, source. Bad input: no rows, sizes that disagree, a number that is
/// not finite, a negative weight, an unknown split or category, or an existing file without overwrite.
void write_population(const std::string& path, const PopulationData& data, bool overwrite);

/// True if the path is an HDF5 file that holds population data (not a checkpoint or an output of another
/// command).
bool is_population(const std::string& path);

/// Some rows of a population file.
struct PopulationRows {
  int n_dims = 0;                      ///< D
  std::vector<double> t;               ///< (n)
  std::vector<double> x;               ///< (n, D), C order, original units
  std::vector<double> weight;          ///< (n), 1 where the file has no weights
  std::vector<std::int64_t> file_row;  ///< (n), row of the file, from 0
  std::vector<std::int8_t> split;      ///< (n), 0 train, 1 val, 2 test as the file has it
  std::vector<double> conditions;      ///< (n, n_conditions), those that the file was opened with

  std::int64_t size() const { return static_cast<std::int64_t>(t.size()); }
};

/// Some rows of a population file without their coordinates.
struct RowMarks {
  std::vector<double> t;       ///< (n)
  std::vector<double> weight;  ///< (n), 1 where the file has no weights
  std::vector<Split> split;    ///< (n), Split::all for a row that is held out
};

/// Which rows of a file belong to no split but Split::all, and which of its conditions and coordinates are read.
struct PopulationChoice {
  std::vector<GivenTime> hold_out_times = {};  ///< rows at the times that these name (named_time())
  std::vector<std::string> conditions = {};    ///< names
  ConditionList hold_out_conditions = {};      ///< rows of these conditions; of the names above
  /// By condition the categories, empty for a number, in whose places codes are given; none: those of the file.
  std::vector<std::vector<std::string>> categories = {};
  std::string hint = {};  ///< for messages about a condition that is not there: what would help
  /// Names of the coordinates that are read, in this order; empty: all as they stand in the file.
  std::vector<std::string> coordinates = {};
  NameRule coordinate_rule = NameRule::required;
};

struct PopulationInfo {
  std::int64_t n_rows = 0;                 ///< N, of all splits
  int n_dims = 0;                          ///< D, of the coordinates that are read
  std::vector<std::string> dim_names;      ///< (D)
  std::vector<std::string> all_dim_names;  ///< of all coordinates of the file
  std::string time_unit;                   ///< may be empty
  TimeMeaning time;                        ///< with the same unit
  TextAttributes import_choices;    ///< see PopulationData, of the coordinates that are read; may be empty
  std::string source;               ///< may be empty
  std::vector<LabelColumn> labels;  ///< names and categories alone
  std::vector<ConditionColumn> conditions;    ///< names and categories alone
  std::array<std::int64_t, 3> split_count{};  ///< rows of train, val, test
  double t_min = 0.0;                         ///< over all rows
  double t_max = 0.0;
  bool has_weight = false;
  bool has_split = false;
  bool has_growth = false;
  bool has_id = false;
  bool has_source_row = false;

  /// Rows of one split, or N for Split::all.
  std::int64_t count(Split split) const;
};

/// A population file opened by all ranks of a communicator, each for itself. No rank ever holds all rows.
///
/// Not through MPI-IO, which independent reads do not need: Open MPI guards a pointer that nobody uses by a
/// semaphore of the whole machine with the name of the file, without its folder. A process killed at the
/// wrong moment leaves it locked, and every later run on that machine that opens a file of this name waits
/// for ever.
///
/// Opening reads every row once, each rank its own slab, and fails on all ranks with the same message (bad
/// input) if the file is missing, a dataset has the wrong shape or type, a number is not finite, a weight is
/// negative, a split is not 0, 1 or 2, or t is not sorted; rows in messages count from 0 and are the first of
/// their kind.
class PopulationFile {
 public:
  /// Collective. The communicator must outlive the object.
  /// Bad input, naming those that there are, for a coordinate or condition that the file does not have, or one with a number that is not
  /// finite or a code without category, and for a condition to be held out that no row has, or a name of a time that the file
  /// does not know.
  /// @param hold_out_times rows at the times that these name (named_time()) belong to no split but Split::all
  PopulationFile(const std::string& path, const mpi::Communicator& comm,
                 const std::vector<double>& hold_out_times = {});
  PopulationFile(const std::string& path, const mpi::Communicator& comm, const PopulationChoice& choice);

  const std::string& path() const { return m_path; }
  const PopulationInfo& info() const { return m_info; }
  /// Those that are read: names and categories alone.
  const std::vector<ConditionColumn>& conditions() const { return m_conditions; }

  /// Rows begin .. end of a split, counted within the split in file order. Collective; each rank gives its
  /// own range (begin = end for none). Memory is that of the result and one piece of at most 65536 rows.
  PopulationRows read_split(Split split, std::int64_t begin, std::int64_t end) const;

  /// Growth rates of the same rows, 1/time; 0 in a row of weight 0. Bad input where the file has none, and where one is not
  /// finite. Collective as read_split().
  std::vector<double> growth_of(Split split, std::int64_t begin, std::int64_t end) const;

  /// Calls visit with all rows of a split in file order, in pieces of at most 65536 rows, on the calling rank
  /// alone. Not collective: sums taken this way on one rank do not depend on the number of ranks.
  void for_each_piece(Split split, const std::function<void(const PopulationRows&)>& visit) const;

  /// Rows of the imported file from which rows of this file came: /source_row, or the rows themselves where
  /// the file has none. Reads on the calling rank alone.
  /// @param[in] file_rows ascending
  std::vector<std::int64_t> source_rows(const std::vector<std::int64_t>& file_rows) const;

  /// Names of rows. Bad input where the file has none. Reads on the calling rank alone.
  std::vector<std::string> ids(const std::vector<std::int64_t>& file_rows) const;

  /// Codes of rows in the label column `name`. Bad input, naming the columns there are, for an unknown one, and
  /// for a code without category. Reads on the calling rank alone.
  std::vector<std::int32_t> label_codes(const std::string& name,
                                        const std::vector<std::int64_t>& file_rows) const;

  /// The same for t, weight and split of every row, without reading x.
  void for_each_marks(const std::function<void(const RowMarks&)>& visit) const;

  /// The time in the file that t names (named_time()), found by bisection on the calling rank alone; none: there is
  /// no such time.
  std::optional<double> named_time(double t) const;

 private:
  struct Dataset {
    Hdf5Handle handle;
    std::string name;
  };
  /// Rows as they stand in the file; weight and split are empty where the file has none.
  struct FileRows {
    std::vector<double> t, x, weight;
    std::vector<double> conditions;  ///< (n, n_conditions)
    std::vector<std::int8_t> split;
  };
  class Scan;
  static constexpr std::size_t held_out = 3;  ///< after train, val and test in the counts of a block

  void read_attributes();
  void read_optional_columns(const Hdf5Reader& file, const Shape& rows);
  void read_time_meaning(const Hdf5Reader& file);
  void broadcast_info();
  template <class T, class Read>
  std::vector<T> gather_rows(const std::vector<std::int64_t>& file_rows, const Read& read) const;
  void open();
  Dataset open_dataset(const std::string& name, bool integers_only) const;
  void scan();
  template <class T>
  std::vector<T> read_slab(const Dataset& dataset, std::int64_t first_row, std::int64_t n_rows,
                           int n_columns) const;
  FileRows read_rows(std::int64_t first_row, std::int64_t n_rows) const;
  std::int64_t piece_rows() const;
  void resolve_held_out(const std::vector<GivenTime>& times);
  std::int64_t count_in_block(Split split, std::size_t block) const;
  bool is_held_out(double t, const double* condition) const;
  bool has_condition(const double* condition, const std::vector<double>& wanted) const;
  void require_held_out_rows(const std::vector<std::int64_t>& rows) const;
  std::string condition_text(std::size_t condition, double value) const;
  std::string values_of_condition(std::size_t condition) const;
  void choose_coordinates(const PopulationChoice& choice);
  void choose_conditions(const PopulationChoice& choice);
  void take_categories(const std::vector<std::string>& categories);
  std::vector<double> read_conditions(std::int64_t first_row, std::int64_t n_rows) const;
  void visit_split(Split split, std::int64_t begin, std::int64_t end,
                   const std::function<void(const PopulationRows&)>& visit) const;

  std::string m_path;
  const mpi::Communicator& m_comm;
  std::vector<double> m_hold_out_times;
  std::vector<std::size_t> m_columns;         ///< of /x that are read; empty: all
  int m_file_dims = 0;                        ///< columns of /x
  std::vector<ConditionColumn> m_conditions;  ///< that are read
  std::vector<Dataset> m_condition_data;      ///< of these
  /// By condition, of each category of the file its place among those asked for, NaN where it is none; empty: the code.
  std::vector<std::vector<double>> m_places;
  /// Values of conditions whose rows are held out, NaN where any value will do.
  std::vector<std::vector<double>> m_hold_out_conditions;
  PopulationInfo m_info;
  Hdf5Handle m_file;
  Dataset m_t, m_x, m_weight, m_split;
  std::int64_t m_block_rows = 1;  ///< file rows per counted block
  /// Rows of train, val and test in each block, and of those held out.
  std::vector<std::array<std::int64_t, 4>> m_block_counts;
};

}  // namespace rhoflux::io
