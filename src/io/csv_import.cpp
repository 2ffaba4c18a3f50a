#include "rhoflux/io/csv_import.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "sample_random.hpp"

namespace rhoflux::io {

namespace {

/// The lines of a CSV file, split into fields, with the place of the last one for messages.
class CsvLines {
 public:
  explicit CsvLines(const std::string& path) : m_path(path), m_stream(path, std::ios::binary) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) fail_input(path + ": no such file");
    if (std::filesystem::is_directory(path, ignored)) fail_input(path + ": is a folder, expected a CSV file");
    if (!m_stream) fail_input(path + ": cannot be opened for reading");
  }

  /// False at the end of the file; blank lines are passed over only if nothing but blank lines follows.
  bool next(std::vector<std::string>& fields) {
    std::string line;
    if (!get_line(line)) return false;
    if (trimmed(line).empty()) {
      const std::int64_t blank = m_line;
      while (get_line(line)) {
        if (trimmed(line).empty()) continue;
        m_line = blank;
        fail("the line is blank, but rows follow it");
      }
      return false;
    }
    split(line, fields);
    return true;
  }

  [[noreturn]] void fail(const std::string& message) const {
    fail_input(m_path + ", line " + std::to_string(m_line) + ": " + message);
  }

 private:
  bool get_line(std::string& line) {
    if (!std::getline(m_stream, line)) {
      if (m_stream.bad()) fail_io(m_path + ": reading failed after line " + std::to_string(m_line));
      return false;
    }
    ++m_line;
    if (m_line == 1 && line.compare(0, 3, "\xEF\xBB\xBF") == 0) line.erase(0, 3);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
  }

  void split(const std::string& line, std::vector<std::string>& fields) const {
    fields.clear();
    std::size_t position = 0;
    while (true) {
      while (position < line.size() && line[position] == ' ') ++position;
      if (position < line.size() && line[position] == '"') {
        fields.push_back(quoted(line, position));
      } else {
        const std::size_t end = std::min(line.find(',', position), line.size());
        fields.emplace_back(trimmed(std::string_view(line).substr(position, end - position)));
        position = end;
      }
      if (position == line.size()) return;
      ++position;
    }
  }

  /// Reads a field in quotes, where "" stands for one quote; leaves `position` at the comma or the end.
  std::string quoted(const std::string& line, std::size_t& position) const {
    std::string field;
    for (++position; position < line.size(); ++position) {
      if (line[position] != '"') {
        field += line[position];
      } else if (position + 1 < line.size() && line[position + 1] == '"') {
        field += line[position++];
      } else {
        ++position;
        while (position < line.size() && line[position] == ' ') ++position;
        if (position < line.size() && line[position] != ',') fail("text follows a closing quote");
        return field;
      }
    }
    fail("a quote is not closed on the same line");
  }

  std::string m_path;
  std::ifstream m_stream;
  std::int64_t m_line = 0;
};

/// Positions of the columns that are used.
struct Columns {
  std::size_t n_columns = 0;
  std::size_t time = 0;
  std::vector<std::size_t> coordinates;
  int weight = -1;
  int split = -1;
  std::vector<std::string> coordinate_names;
  std::vector<std::string> ignored;
};

class Header {
 public:
  Header(const CsvLines& lines, std::vector<std::string> names) : m_lines(lines), m_names(std::move(names)) {
    for (std::size_t i = 0; i < m_names.size(); ++i) {
      if (m_names[i].empty()) m_lines.fail("column " + std::to_string(i + 1) + " of the header has no name");
      if (static_cast<std::size_t>(find(m_names[i])) != i) {
        m_lines.fail("the header has the column '" + m_names[i] + "' twice");
      }
    }
  }

  Columns choose(const CsvOptions& options) const {
    Columns columns;
    columns.n_columns = m_names.size();
    columns.time = require(options.time_column);
    columns.coordinate_names =
        options.coordinate_columns.empty() ? numbered_coordinates() : options.coordinate_columns;
    for (const std::string& name : columns.coordinate_names) columns.coordinates.push_back(require(name));
    columns.weight = optional(options.weight_column, "weight");
    columns.split = optional(options.split_column, "split");
    std::vector<int> uses(m_names.size(), 0);
    ++uses[columns.time];
    for (const std::size_t column : columns.coordinates) ++uses[column];
    if (columns.weight >= 0) ++uses[static_cast<std::size_t>(columns.weight)];
    if (columns.split >= 0) ++uses[static_cast<std::size_t>(columns.split)];
    for (std::size_t i = 0; i < m_names.size(); ++i) {
      if (uses[i] > 1) m_lines.fail("the column '" + m_names[i] + "' was given for two purposes");
      if (uses[i] == 0) columns.ignored.push_back(m_names[i]);
    }
    return columns;
  }

 private:
  int find(const std::string& name) const {
    const auto place = std::find(m_names.begin(), m_names.end(), name);
    return place == m_names.end() ? -1 : static_cast<int>(place - m_names.begin());
  }

  std::size_t require(const std::string& name) const {
    const int column = find(name);
    if (column < 0) {
      m_lines.fail("the header has no column '" + name + "'; its columns are " + joined(m_names));
    }
    return static_cast<std::size_t>(column);
  }

  int optional(const std::string& given, const std::string& usual) const {
    return given.empty() ? find(usual) : static_cast<int>(require(given));
  }

  std::vector<std::string> numbered_coordinates() const {
    std::vector<std::string> names;
    while (find("x" + std::to_string(names.size() + 1)) >= 0)
      names.push_back("x" + std::to_string(names.size() + 1));
    if (names.empty()) {
      m_lines.fail("the header has no coordinate columns x1, x2, ..; give their names; its columns are " +
                   joined(m_names));
    }
    for (const std::string& name : m_names) require_no_gap(name, names.size());
    return names;
  }

  /// x1, x2, x4 is more likely a mistake than two coordinates and a column to be ignored.
  void require_no_gap(const std::string& name, std::size_t n_found) const {
    std::size_t number = 0;
    const char* end = name.data() + name.size();
    if (name.size() < 2 || name[0] != 'x') return;
    const auto [stop, status] = std::from_chars(name.data() + 1, end, number);
    if (status != std::errc() || stop != end || number <= n_found) return;
    m_lines.fail("the header has the column '" + name + "' but no column 'x" + std::to_string(n_found + 1) +
                 "'");
  }

  const CsvLines& m_lines;
  std::vector<std::string> m_names;
};

double parse_number(const CsvLines& lines, const std::string& field, const std::string& column) {
  const char* begin = field.data();
  const char* end = begin + field.size();
  if (begin != end && *begin == '+' && end - begin > 1 && begin[1] != '-') ++begin;
  double value = 0.0;
  const auto [stop, status] = std::from_chars(begin, end, value);
  if (status == std::errc::result_out_of_range && stop == end) {
    lines.fail("'" + field + "' in the column '" + column + "' is out of the range of double precision");
  }
  if (status != std::errc() || stop != end) {
    lines.fail("'" + field + "' in the column '" + column + "' is not a number");
  }
  if (!std::isfinite(value)) lines.fail("'" + field + "' in the column '" + column + "' is not finite");
  return value;
}

std::int8_t parse_split_label(const CsvLines& lines, const std::string& field) {
  if (field == "train" || field == "0") return 0;
  if (field == "val" || field == "1") return 1;
  if (field == "test" || field == "2") return 2;
  lines.fail("unknown split '" + field + "'; allowed are train, val, test or 0, 1, 2");
}

void require_fractions(const std::string& input, const CsvOptions& options, bool has_split_column) {
  const bool in_range = options.val_fraction >= 0.0 && options.test_fraction >= 0.0 &&
                        options.val_fraction + options.test_fraction < 1.0;
  if (!in_range) {
    fail_input(input + ": the fractions for val and test must be at least 0 and together less than 1");
  }
  if (has_split_column && options.val_fraction + options.test_fraction > 0.0) {
    fail_input(input + ": the file has a split column, so that no fractions can be given for val and test");
  }
}

void add_row(const CsvLines& lines, const std::vector<std::string>& fields, const Columns& columns,
             const CsvOptions& options, PopulationData& data) {
  if (fields.size() != columns.n_columns) {
    lines.fail("expected " + std::to_string(columns.n_columns) + " fields as in the header, found " +
               std::to_string(fields.size()));
  }
  data.t.push_back(parse_number(lines, fields[columns.time], options.time_column));
  for (std::size_t k = 0; k < columns.coordinates.size(); ++k) {
    data.x.push_back(parse_number(lines, fields[columns.coordinates[k]], columns.coordinate_names[k]));
  }
  if (columns.weight >= 0) {
    const std::string& field = fields[static_cast<std::size_t>(columns.weight)];
    data.weight.push_back(parse_number(lines, field, "weight"));
    if (data.weight.back() < 0.0) lines.fail("the weight " + field + " is negative");
  }
  if (columns.split >= 0) {
    data.split.push_back(parse_split_label(lines, fields[static_cast<std::size_t>(columns.split)]));
  } else if (options.val_fraction + options.test_fraction > 0.0) {
    const SampleRandom random(options.seed, RandomPurpose::data_split,
                              static_cast<std::uint64_t>(data.t.size() - 1));
    data.split.push_back(split_of(random.uniforms(0).first, options.val_fraction, options.test_fraction));
  }
}

CsvSummary summarise(const PopulationData& data, const Columns& columns) {
  CsvSummary summary;
  summary.n_rows = data.n_rows();
  if (data.split.empty()) summary.split_count[0] = summary.n_rows;
  for (const std::int8_t split : data.split) ++summary.split_count[static_cast<std::size_t>(split)];
  summary.dim_names = columns.coordinate_names;
  summary.ignored_columns = columns.ignored;
  const auto [t_min, t_max] = std::minmax_element(data.t.begin(), data.t.end());
  summary.t_min = *t_min;
  summary.t_max = *t_max;
  summary.has_weight = columns.weight >= 0;
  return summary;
}

}  // namespace

CsvSummary import_csv(const std::string& input, const std::string& output, const CsvOptions& options,
                      bool overwrite) {
  require_absent(output, overwrite);
  CsvLines lines(input);
  std::vector<std::string> fields;
  if (!lines.next(fields)) fail_input(input + ": the file is empty; expected a header line such as t,x1,x2");
  const Columns columns = Header(lines, fields).choose(options);
  require_fractions(input, options, columns.split >= 0);

  PopulationData data;
  data.n_dims = static_cast<int>(columns.coordinates.size());
  data.dim_names = columns.coordinate_names;
  data.time_unit = options.time_unit;
  data.provenance = options.provenance;
  data.source = options.source.empty() ? std::filesystem::path(input).filename().string() : options.source;
  while (lines.next(fields)) add_row(lines, fields, columns, options, data);
  if (data.t.empty()) fail_input(input + ": there are no rows after the header");

  CsvSummary summary = summarise(data, columns);
  write_population(output, std::move(data), overwrite);
  return summary;
}

}  // namespace rhoflux::io
