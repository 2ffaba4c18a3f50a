#include "time_reader.hpp"

#include <algorithm>
#include <set>

#include "rhoflux/core/calendar.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

namespace {

constexpr std::int64_t sample_rows = 1000;
constexpr std::size_t most_labels = 1000;
constexpr std::size_t longest_label = 200;  // with shorter ones no number is too large

/// A date in another form than read_datetime() reads, such as 14/04/2016 or 4.14.16, or a time of day alone: which
/// of its numbers is the time nobody can tell.
bool looks_like_date(const std::string& label) {
  std::size_t at = 0;
  const auto digits = [&](std::size_t most) {
    const std::size_t begin = at;
    while (at < label.size() && label[at] >= '0' && label[at] <= '9') ++at;
    return at > begin && at - begin <= most;
  };
  const auto separator = [&](const char* allowed) {
    return at < label.size() && std::string(allowed).find(label[at++]) != std::string::npos;
  };
  if (digits(4) && separator("./-") && digits(2) && separator("./-") && digits(4)) return true;
  at = 0;
  return digits(2) && separator(":") && digits(2) &&
         (at == label.size() || label[at] == ':' || label[at] == ' ');
}

/// A label cut into texts and the numbers between them; there is one text more than numbers. A minus at the start
/// of the label, or after a blank, "=" or "(", belongs to the number; elsewhere it is a hyphen.
struct CutLabel {
  std::vector<std::string> texts = {""};
  std::vector<double> numbers;
};

CutLabel cut(const std::string& label) {
  const auto is_digit = [&](std::size_t i) { return i < label.size() && label[i] >= '0' && label[i] <= '9'; };
  CutLabel result;
  for (std::size_t i = 0; i < label.size();) {
    if (!is_digit(i)) {
      result.texts.back() += label[i++];
      continue;
    }
    std::size_t end = i;
    while (is_digit(end)) ++end;
    if (end < label.size() && label[end] == '.' && is_digit(end + 1)) {
      ++end;
      while (is_digit(end)) ++end;
    }
    std::string& before = result.texts.back();
    const bool is_negative = !before.empty() && before.back() == '-' &&
                             (i == 1 || std::string(" =(").find(label[i - 2]) != std::string::npos);
    if (is_negative) before.pop_back();
    result.numbers.push_back((is_negative ? -1 : 1) * read_number(label.substr(i, end - i)).value);
    result.texts.emplace_back();
    i = end;
  }
  return result;
}

bool is_number(const std::string& text) {
  if (read_number(text).fault == nullptr) return true;
  const std::size_t comma = text.find(',');
  if (comma == std::string::npos) return false;
  std::string with_point = text;
  with_point[comma] = '.';
  return read_number(with_point).fault == nullptr;
}

std::string quoted(const std::vector<std::string>& labels) {
  std::string text;
  constexpr std::size_t most = 6;
  for (std::size_t i = 0; i < std::min(labels.size(), most); ++i)
    text += (i == 0 ? "'" : ", '") + labels[i].substr(0, 60) + "'";
  return text + (labels.size() > most ? ", .." : "");
}

}  // namespace

bool is_missing_value(std::string_view text) {
  std::string lower;
  for (const char c : text.substr(0, 20))
    lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  static const std::set<std::string> texts = {"",          "nan",       "na",      "n/a",  "#n/a", "null",
                                              "none",      "nat",       "inf",     "+inf", "-inf", "infinity",
                                              "+infinity", "-infinity", "missing", ".",    "-",    "?"};
  return texts.count(lower) > 0;
}

std::map<std::string, double> numbers_in_labels(const std::vector<std::string>& labels) {
  std::vector<CutLabel> cuts;
  for (const std::string& label : labels) {
    if (label.size() > longest_label || looks_like_date(label)) return {};
    cuts.push_back(cut(label));
  }
  std::set<std::size_t> differing;
  for (const CutLabel& one : cuts) {
    if (one.texts != cuts.front().texts) return {};
    for (std::size_t k = 0; k < one.numbers.size(); ++k)
      if (one.numbers[k] != cuts.front().numbers[k]) differing.insert(k);
  }
  if (cuts.empty() || cuts.front().numbers.empty()) return {};
  if (differing.empty() && cuts.front().numbers.size() == 1) differing.insert(0);
  if (differing.size() != 1) return {};
  std::map<std::string, double> values;
  for (std::size_t i = 0; i < labels.size(); ++i) values[labels[i]] = cuts[i].numbers[*differing.begin()];
  return values;
}

TimeReader::TimeReader(Table& table, const TimeOptions& options) : m_options(options) {
  decide(table);
  if (m_kind == Kind::labels) read_labels(table);
  const bool is_calendar = m_kind == Kind::datetime;
  m_unit_name = options.unit.empty() && is_calendar ? "d" : options.unit;
  if (is_calendar) {
    const std::optional<double> unit = calendar_unit(m_unit_name);
    if (!unit)
      fail_input("--time-unit is '" + m_unit_name +
                 "'; dates are counted in one of s, min, h, d, y (365.25 days)");
    m_unit = *unit;
  }
  if (options.origin.empty()) return;
  if (!is_calendar)
    fail_input(table.header_place() + ": --time-origin is for dates; the column '" + options.column +
               "' holds " + (m_kind == Kind::number ? "numbers" : "labels"));
  const std::optional<std::int64_t> origin = read_datetime(options.origin);
  if (!origin)
    fail_input("--time-origin is '" + options.origin +
               "'; expected a date such as 2016-04-14 or 2016-04-14T21:26:00Z");
  m_origin = static_cast<double>(*origin);
  m_origin_text = print_datetime(*origin);
}

/// Looks at the first rows.
void TimeReader::decide(Table& table) {
  if (!m_options.values.empty()) {
    if (m_options.format != TimeFormat::automatic)
      fail_input("--time-values and --time-format exclude each other");
    m_kind = Kind::labels;
    return;
  }
  if (m_options.format == TimeFormat::number) return;
  m_kind = Kind::datetime;
  if (m_options.format == TimeFormat::datetime) return;
  table.start({{m_options.column, Form::text}});
  Batch batch;
  const std::int64_t n = table.read(sample_rows, batch);
  std::int64_t n_numbers = 0, n_dates = 0, n_none = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::string& text = batch.columns[0].texts[static_cast<std::size_t>(i)];
    if (is_missing_value(text))
      ++n_none;
    else if (is_number(text))
      ++n_numbers;
    else if (read_datetime(text))
      ++n_dates;
  }
  if (n_numbers + n_none == n)
    m_kind = Kind::number;
  else if (2 * (n_dates + n_none) < n || n_dates == 0)
    m_kind = 2 * n_numbers > n ? Kind::number : Kind::labels;
}

void TimeReader::use_given_values(const std::vector<std::string>& labels, const std::string& place) {
  std::vector<std::string> unknown;
  for (const std::string& label : labels) {
    const auto found = m_options.values.find(label);
    if (found == m_options.values.end())
      unknown.push_back(label);
    else
      m_values[label] = found->second;
  }
  if (!unknown.empty())
    fail_input(place + ": the column '" + m_options.column + "' has " + quoted(unknown) +
               ", for which --time-values gives no time");
  for (const auto& [label, value] : m_options.values)
    if (m_values.count(label) == 0)
      fail_input(place + ": --time-values has a time for '" + label + "', which the column '" +
                 m_options.column + "' does not have; it has " + quoted(labels));
}

/// Collects all labels of the column, and finds their times.
void TimeReader::read_labels(Table& table) {
  table.start({{m_options.column, Form::text}});
  Batch batch;
  std::set<std::string> seen;
  while (const std::int64_t n = table.read(65536, batch)) {
    for (std::int64_t i = 0; i < n; ++i) {
      const std::string& text = batch.columns[0].texts[static_cast<std::size_t>(i)];
      if (seen.insert(text).second) m_labels.push_back(text);
      if (text.size() > longest_text)
        fail_input(table.place(i) + ": the text in the column '" + m_options.column + "' has " +
                   std::to_string(text.size()) + " bytes; labels of times may have " +
                   std::to_string(longest_text));
      if (m_labels.size() <= most_labels) continue;
      fail_input(table.place(i) + ": the column '" + m_options.column + "' has more than " +
                 std::to_string(most_labels) + " different texts, such as " + quoted(m_labels) +
                 "; expected numbers, dates (2016-04-14 or 2016-04-14T21:26:00Z), or a few labels");
    }
  }
  const std::string place = table.header_place();
  if (!m_options.values.empty()) {
    use_given_values(m_labels, place);
    return;
  }
  for (const std::string& label : m_labels)
    if (looks_like_date(label))
      fail_input(place + ": '" + label.substr(0, 60) + "' in the column '" + m_options.column +
                 "' may be a date in a form that is not read, as it could be taken in several ways; write "
                 "2016-04-14 or 2016-04-14T21:26:00Z, or give the time of each text with --time-values");
  m_values = numbers_in_labels(m_labels);
  if (!m_values.empty()) return;
  std::string example;
  for (std::size_t i = 0; i < std::min<std::size_t>(m_labels.size(), 6); ++i)
    example += (i == 0 ? "" : ",") + m_labels[i] + "=" + std::to_string(i);
  if (m_labels.size() > 6) example += ",..";
  fail_input(place + ": the column '" + m_options.column + "' has " + quoted(m_labels) +
             ", which are not numbers or dates, nor texts that differ in one number alone; give the time of "
             "each, such as --time-values " +
             example);
}

double TimeReader::sort_key(const Batch::Column& column, std::size_t i, const Table& table) {
  double key = 0;
  if (m_kind == Kind::number) {
    key = column.numbers[i];
  } else if (m_kind == Kind::labels) {
    key = m_values.at(column.texts[i]);
  } else {
    const std::optional<std::int64_t> found = read_datetime(column.texts[i]);
    if (!found)
      fail_input(table.place(static_cast<std::int64_t>(i)) + ": '" + column.texts[i].substr(0, 60) +
                 "' in the column '" + m_options.column +
                 "' is no date or time such as 2016-04-14, 2016-04-14 21:26:00 or 2016-04-14T21:26:00.5Z");
    key = static_cast<double>(*found);
  }
  m_first = m_has_rows ? std::min(m_first, key) : key;
  m_has_rows = true;
  return key;
}

TimeMeaning TimeReader::meaning() {
  TimeMeaning meaning;
  meaning.unit = m_unit_name;
  if (m_kind == Kind::datetime) {
    if (m_origin_text.empty()) {
      m_origin = m_first;
      m_origin_text = print_datetime(static_cast<std::int64_t>(m_first));
    }
    meaning.origin = m_origin_text;
  }
  for (const auto& [label, value] : m_values) {
    meaning.labels.push_back(label);
    meaning.label_values.push_back(value);
  }
  return meaning;
}

void TimeReader::convert(std::vector<double>& keys) const {
  if (m_kind != Kind::datetime) return;
  for (double& key : keys) key = (key - m_origin) / m_unit;
}

std::vector<std::string> TimeReader::notes() const {
  if (m_kind == Kind::datetime) return {"times: dates, counted in " + m_unit_name + " from " + m_origin_text};
  if (m_kind != Kind::labels) return {};
  std::string note = m_options.values.empty() ? "times: the number in each text:" : "times: as given:";
  std::vector<std::string> labels = m_labels;
  std::sort(labels.begin(), labels.end(), [&](const std::string& a, const std::string& b) {
    return m_values.at(a) < m_values.at(b) || (m_values.at(a) == m_values.at(b) && a < b);
  });
  std::size_t k = 0;
  constexpr std::size_t most = 8;
  for (const std::string& label : labels)
    if (k++ < most) note += (k == 1 ? " " : ", ") + label + " = " + print_number(m_values.at(label));
  return {note + (m_labels.size() > most ? ", .." : "")};
}

}  // namespace rhoflux::importers
