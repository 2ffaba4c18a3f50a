#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rhoflux/importers/import.hpp"
#include "rhoflux/io/population.hpp"
#include "table.hpp"

namespace rhoflux::importers {

/// Whether a text is one of those that stand where a value is missing, or that no number is: empty, NA, NaN, inf.
bool is_missing_value(std::string_view text);

/// The numbers that labels such as "day0", "day3" differ in; empty where they do not differ in one number alone.
/// A number is a run of digits, which may have one decimal point in it, and a minus before it at the start of the
/// label or after a blank, "=" or "(". Texts that look like dates in other forms than ISO 8601 have none.
std::map<std::string, double> numbers_in_labels(const std::vector<std::string>& labels);

/// Turns the time column of a table into numbers. Making it reads the start of the column, and all of it where
/// it holds labels.
class TimeReader {
 public:
  /// Bad input, naming the file and what would be right, for texts that are no times.
  TimeReader(Table& table, const TimeOptions& options);

  /// The form in which the rows of the column are to be read.
  Form form() const { return m_kind == Kind::number ? Form::number : Form::text; }

  /// The time of row i of a batch. Rows are in order of time exactly if these are; convert() makes the times of
  /// the population of them.
  double sort_key(const Batch::Column& column, std::size_t i, const Table& table);

  /// After the last row: how the times came about.
  TimeMeaning meaning();

  /// After meaning(): the times of sort keys.
  void convert(std::vector<double>& keys) const;

  /// What was found, a line each.
  std::vector<std::string> notes() const;

 private:
  enum class Kind { number, datetime, labels };

  void decide(Table& table);
  void read_labels(Table& table);
  void use_given_values(const std::vector<std::string>& labels, const std::string& place);

  TimeOptions m_options;
  Kind m_kind = Kind::number;
  std::vector<std::string> m_labels;  ///< in order of appearance
  std::map<std::string, double> m_values;
  double m_first = 0;  ///< smallest sort key
  bool m_has_rows = false;
  double m_origin = 0, m_unit = 1;  ///< of dates, in microseconds
  std::string m_origin_text, m_unit_name;
};

}  // namespace rhoflux::importers
