#include "delimited_table.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "time_reader.hpp"

namespace rhoflux::importers {

// ---- the header ----

namespace {

constexpr std::size_t sample_rows = 20, most_sample_bytes = std::size_t{4} << 20;

bool is_number(std::string_view field) {
  return read_number(field).fault == nullptr;
}

char character(Delimiter delimiter) {
  switch (delimiter) {
    case Delimiter::tab:
      return '\t';
    case Delimiter::semicolon:
      return ';';
    case Delimiter::space:
      return ' ';
    case Delimiter::comma:
    case Delimiter::automatic:
      break;
  }
  return ',';
}

const char* delimiter_name(char delimiter) {
  return delimiter == '\t'  ? "tabs"
         : delimiter == ';' ? "semicolons"
         : delimiter == ' ' ? "blanks"
                            : "commas";
}

}  // namespace

DelimitedTable::DelimitedTable(const std::string& path, Delimiter delimiter) : m_lines(path) {
  read_header(delimiter);
}

/// The header and the first rows, in which the delimiter shows.
void DelimitedTable::read_header(Delimiter delimiter) {
  std::vector<std::string> sample;
  std::string comment;
  std::int64_t comment_line = 0;
  std::string_view line;
  std::size_t bytes = 0;
  while (sample.size() <= sample_rows && bytes < most_sample_bytes && m_lines.next(line)) {
    if (trimmed(line).empty()) continue;
    if (line.front() == '#') {
      if (sample.empty()) {
        comment = line.substr(line.find_first_not_of("# \t") == std::string_view::npos
                                  ? line.size()
                                  : line.find_first_not_of("# \t"));
        comment_line = m_lines.number();
      }
      continue;
    }
    require_no_carriage_return(line);
    if (sample.empty()) m_header_line = m_lines.number();
    sample.emplace_back(line);
    bytes += line.size();
  }
  if (sample.empty())
    fail_input(m_lines.path() + ": the file is empty; expected a header line such as t,x1,x2");
  choose_delimiter(delimiter, sample);
  std::vector<std::string_view> first;
  m_splitter.split(sample.front(), first);
  const bool is_all_numbers = std::all_of(first.begin(), first.end(), is_number);
  if (is_all_numbers && !comment.empty()) {
    // numpy.savetxt writes its header as a comment.
    std::vector<std::string> with_comment = sample;
    with_comment.insert(with_comment.begin(), comment);
    choose_delimiter(delimiter, with_comment);
    if (m_splitter.count(comment) == m_splitter.count(sample.front())) {
      m_header_was_comment = true;
      m_header_line = comment_line;
      sample = with_comment;
    }
  }
  if (is_all_numbers && !m_header_was_comment)
    fail_input(m_lines.path() + ", line " + std::to_string(m_header_line) +
               ": the first line has numbers alone; expected a header line with the names of the columns, "
               "such as t,x1,x2");
  read_names(sample);
}

/// The delimiter that cuts all lines of the sample into as many fields (one more than the header's is allowed:
/// names of rows), the most of them where several do; else the one that the header has most of.
void DelimitedTable::choose_delimiter(Delimiter delimiter, const std::vector<std::string>& sample) {
  if (delimiter != Delimiter::automatic) {
    m_splitter = FieldSplitter(character(delimiter));
    return;
  }
  char best = ',';
  std::size_t best_count = 1;
  bool best_is_even = false;
  for (const char candidate : {'\t', ';', ',', ' '}) {
    FieldSplitter splitter(candidate);
    const std::size_t count = splitter.count(sample.front());
    if (count < 2) continue;
    const bool is_even = std::all_of(sample.begin() + 1, sample.end(), [&](const std::string& row) {
      const std::size_t found = splitter.count(row);
      return found == 0 || found == count || found == count + 1;
    });
    // Blanks stand in names and texts too: only where nothing else parts the header.
    if (candidate == ' ' && best_is_even) continue;
    if ((is_even && !best_is_even) || (is_even == best_is_even && count > best_count)) {
      best = candidate;
      best_count = count;
      best_is_even = is_even;
    }
  }
  m_splitter = FieldSplitter(best);
}

void DelimitedTable::read_names(const std::vector<std::string>& sample) {
  std::vector<std::string_view> fields;
  const FieldSplitter::Fault fault = m_splitter.split(sample.front(), fields);
  if (fault == FieldSplitter::Fault::too_many_fields)
    fail_input(header_place() + ": the header has more than " +
               counted(FieldSplitter::most_fields, "column"));
  if (fault != FieldSplitter::Fault::none)
    fail_input(header_place() + ": a quote is not closed in the header, or text follows it");
  for (const std::string_view field : fields) m_names.emplace_back(trimmed(field));
  const std::size_t n_names = m_names.size();
  std::size_t n_longer = 0, n_trailing = 0, n_rows = 0;
  for (std::size_t i = 1; i < sample.size(); ++i) {
    if (m_splitter.split(sample[i], fields) != FieldSplitter::Fault::none) continue;
    ++n_rows;
    if (fields.size() != n_names + 1) continue;
    ++n_longer;
    n_trailing += fields.back().empty() ? 1 : 0;
  }
  if (n_rows > 0 && n_longer == n_rows) {
    if (n_trailing == n_rows) {
      m_names.emplace_back();  // every row ends in a delimiter
    } else {
      m_has_row_names = true;
      m_names.insert(m_names.begin(), row_name);
    }
  }
  for (std::size_t i = 0; i < m_names.size(); ++i) {
    if (m_names[i].empty()) continue;
    if (!m_field_of_name.emplace(m_names[i], i).second)
      fail_input(header_place() + ": the header has the column '" + m_names[i] + "' twice");
  }
}

std::vector<std::string> DelimitedTable::column_names() const {
  std::vector<std::string> names;
  for (const std::string& name : m_names)
    if (!name.empty()) names.push_back(name);
  return names;
}

std::vector<BasisColumn> DelimitedTable::basis(const std::string& name, const std::vector<std::string>&) {
  fail_input(m_lines.path() + ": a table of text has no array '" + name +
             "'; name its columns with --columns, without --basis");
}

std::string DelimitedTable::header_place() const {
  return m_lines.path() + ", line " + std::to_string(m_header_line);
}

std::vector<std::string> DelimitedTable::notes() const {
  std::vector<std::string> notes;
  std::string how =
      std::string("a table of text with ") + delimiter_name(m_splitter.delimiter()) + " between its fields";
  if (m_lines.is_compressed()) how += ", compressed";
  if (m_lines.has_cr_lines()) how += ", lines that end in CR";
  if (m_saw_comma) how += "; decimal commas";
  if (m_n_comments > 0 && !m_header_was_comment) how += "; comment lines left out";
  notes.push_back(how);
  if (m_saw_comma && m_all_commas_may_be_thousands)
    notes.push_back(
        "every decimal comma has three digits after it, as in 1,500; if these are thousands, take the commas "
        "out "
        "of the file");
  if (m_header_was_comment)
    notes.push_back("the header is the comment in line " + std::to_string(m_header_line));
  if (m_has_row_names)
    notes.push_back(
        "the rows have one field more than the header: the first field is taken as the name of the row");
  const auto n_unnamed = std::count(m_names.begin(), m_names.end(), std::string());
  if (n_unnamed > 0)
    notes.push_back(std::to_string(n_unnamed) + (n_unnamed == 1 ? " column" : " columns") +
                    " without a name left out");
  return notes;
}

// ---- rows ----

void DelimitedTable::start(const std::vector<Wanted>& wanted) {
  m_sources.clear();
  for (const Wanted& column : wanted) {
    const auto found = m_field_of_name.find(column.column);
    if (found == m_field_of_name.end())
      fail_input(header_place() + ": the header has no column '" + column.column + "'; its columns are " +
                 joined(column_names()));
    m_sources.push_back({found->second, column.form, column.column});
  }
  m_lines.rewind();
  m_n_comments = 0;
  std::string_view line;
  if (m_header_was_comment) {
    while (m_lines.next(line) && m_lines.number() < m_header_line) continue;
  } else {
    next_row(line);
  }
}

/// The next line that is a row; false at the end of the file. Blank lines are passed over only if nothing but
/// blank lines follows.
bool DelimitedTable::next_row(std::string_view& line) {
  while (m_lines.next(line)) {
    if (!line.empty() && line.front() == '#') {
      ++m_n_comments;
      continue;
    }
    if (line.empty() || trimmed(line).empty()) {
      const std::string blank = m_lines.place();
      while (m_lines.next(line))
        if (!trimmed(line).empty() && line.front() != '#')
          fail_input(blank + ": the line is blank, but rows follow it");
      return false;
    }
    return true;
  }
  return false;
}

/// Outside of quotes; most likely the line ends of the file are of several kinds.
void DelimitedTable::require_no_carriage_return(std::string_view line) const {
  if (line.find('\r') != std::string_view::npos && line.find('"') == std::string_view::npos)
    m_lines.fail("there is a carriage return (CR) within the line; write all line ends as LF or CRLF");
}

void DelimitedTable::split_row(std::string_view line) {
  require_no_carriage_return(line);
  while (true) {
    const FieldSplitter::Fault fault = m_splitter.split(line, m_fields);
    if (fault == FieldSplitter::Fault::none) return;
    if (fault == FieldSplitter::Fault::too_many_fields)
      m_lines.fail("the line has more than " + std::to_string(FieldSplitter::most_fields) + " fields");
    if (fault == FieldSplitter::Fault::text_after_quote) m_lines.fail("text follows a closing quote");
    if (!m_lines.extend(line)) m_lines.fail("a quote is not closed up to the end of the file");
  }
}

void DelimitedTable::fail_number(std::string_view field, const Source& source) const {
  const std::string text(field.substr(0, 60));
  const std::string what = "'" + text + "' in the column '" + source.name + "' is ";
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  lower.erase(0, lower.find_first_not_of("+-"));
  if (lower == "nan" || lower == "inf" || lower == "infinity") m_lines.fail(what + "not finite");
  const NumberRead read = read_number(field);
  if (read.fault != nullptr && std::strstr(read.fault, "for a double") != nullptr)
    m_lines.fail(what + "out of the range of double precision");
  if (text.empty()) m_lines.fail(what + "not a number: the field is empty (a missing value?)");
  if (is_missing_value(text)) m_lines.fail(what + "not a number (a missing value?)");
  if (text.find(',') != std::string::npos)
    m_lines.fail(what +
                 "not a number; nothing may stand between thousands, and decimal commas are read where "
                 "the delimiter is no comma");
  m_lines.fail(what + "not a number");
}

double DelimitedTable::number_with_comma(std::string_view field, const Source& source) {
  const std::size_t comma = field.find(',');
  if (field.find('.') != std::string_view::npos || field.find(',', comma + 1) != std::string_view::npos)
    m_lines.fail("'" + std::string(field) + "' in the column '" + source.name +
                 "' has several points or commas; numbers may have one decimal point, or one decimal comma, "
                 "and nothing between thousands");
  if (m_saw_point)
    m_lines.fail("'" + std::string(field) + "' in the column '" + source.name +
                 "' has a decimal comma, while rows before have decimal points");
  m_saw_comma = true;
  // 1,500 and 12,000 may be thousands as well as decimals; 0,500 and 1500,000 are decimals.
  const std::size_t first = field.find_first_of("0123456789");
  const std::size_t before = first < comma ? comma - first : 0;
  const bool may_be_thousands =
      field.size() == comma + 4 && before >= 1 && before <= 3 && field[first] != '0';
  m_all_commas_may_be_thousands = m_all_commas_may_be_thousands && may_be_thousands;
  std::string text(field);
  text[comma] = '.';
  const NumberRead read = read_number(text);
  if (read.fault != nullptr) fail_number(field, source);
  return read.value;
}

double DelimitedTable::number(std::string_view field, const Source& source) {
  if (m_splitter.delimiter() != ',') {
    if (field.find(',') != std::string_view::npos) return number_with_comma(field, source);
    if (field.find('.') != std::string_view::npos) {
      if (m_saw_comma)
        m_lines.fail("'" + std::string(field) + "' in the column '" + source.name +
                     "' has a decimal point, while rows before have decimal commas");
      m_saw_point = true;
    }
  }
  const char* begin = field.data();
  const char* end = begin + field.size();
  if (begin != end && *begin == '+' && end - begin > 1 && begin[1] != '-') ++begin;
  double value = 0.0;
  const auto [stop, status] = std::from_chars(begin, end, value);
  if (status != std::errc() || stop != end || !std::isfinite(value)) fail_number(field, source);
  return value;
}

std::int64_t DelimitedTable::read(std::int64_t most, Batch& batch) {
  batch.columns.resize(m_sources.size());
  for (Batch::Column& column : batch.columns) column.numbers.clear();
  m_rows.clear();
  std::string_view line;
  std::size_t n_rows = 0;
  std::size_t text_bytes = 0;
  while (static_cast<std::int64_t>(n_rows) < most && text_bytes < batch_text_bytes && next_row(line)) {
    split_row(line);
    if (m_fields.size() != m_names.size())
      m_lines.fail("expected " + std::to_string(m_names.size()) + " fields as in the header, found " +
                   std::to_string(m_fields.size()));
    for (std::size_t k = 0; k < m_sources.size(); ++k) {
      const Source& source = m_sources[k];
      const std::string_view field = m_fields[source.field];
      if (source.form == Form::number) {
        batch.columns[k].numbers.push_back(number(field, source));
      } else {
        std::vector<std::string>& texts = batch.columns[k].texts;
        if (texts.size() <= n_rows) texts.emplace_back();
        texts[n_rows].assign(field);
        text_bytes += field.size();
      }
    }
    m_rows.push_back(m_lines.number());
    ++n_rows;
  }
  for (std::size_t k = 0; k < m_sources.size(); ++k)
    if (m_sources[k].form == Form::text) batch.columns[k].texts.resize(n_rows);
  return static_cast<std::int64_t>(n_rows);
}

std::string DelimitedTable::place(std::int64_t i) const {
  return m_lines.path() + ", line " + std::to_string(m_rows[static_cast<std::size_t>(i)]);
}

}  // namespace rhoflux::importers
