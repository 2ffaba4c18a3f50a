#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "field_splitter.hpp"
#include "rhoflux/importers/import.hpp"
#include "table.hpp"
#include "text_lines.hpp"

namespace rhoflux::importers {

/// A table of text with a header line (see import_population).
class DelimitedTable : public Table {
 public:
  DelimitedTable(const std::string& path, Delimiter delimiter);

  std::vector<std::string> column_names() const override;
  std::string row_name_column() const override { return m_has_row_names ? row_name : std::string(); }
  std::vector<BasisColumn> basis(const std::string& name, const std::vector<std::string>& genes) override;
  void start(const std::vector<Wanted>& wanted) override;
  std::int64_t read(std::int64_t most, Batch& batch) override;
  std::string place(std::int64_t i) const override;
  std::string header_place() const override;
  std::vector<std::string> notes() const override;

  /// The column of names that R's write.table puts before the first named one.
  static constexpr const char* row_name = "name of the row";

 private:
  struct Source {
    std::size_t field = 0;
    Form form = Form::number;
    std::string name;
  };

  void read_header(Delimiter delimiter);
  void choose_delimiter(Delimiter delimiter, const std::vector<std::string>& sample);
  void read_names(const std::vector<std::string>& sample);
  bool next_row(std::string_view& line);
  void require_no_carriage_return(std::string_view line) const;
  void split_row(std::string_view line);
  double number(std::string_view field, const Source& source);
  double number_with_comma(std::string_view field, const Source& source);
  [[noreturn]] void fail_number(std::string_view field, const Source& source) const;

  TextLines m_lines;
  FieldSplitter m_splitter;
  std::vector<std::string> m_names;  ///< of the header, empty where a column has none
  std::unordered_map<std::string, std::size_t> m_field_of_name;
  std::int64_t m_header_line = 0, m_n_comments = 0;
  bool m_has_row_names = false, m_header_was_comment = false;
  bool m_saw_comma = false, m_saw_point = false;  ///< in numbers, where the delimiter is no comma
  bool m_all_commas_may_be_thousands = true;
  std::vector<Source> m_sources;
  std::vector<std::string_view> m_fields;
  std::vector<std::int64_t> m_rows;  ///< line of each row of the last batch
};

}  // namespace rhoflux::importers
