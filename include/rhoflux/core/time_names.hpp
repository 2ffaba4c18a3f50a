#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rhoflux/core/calendar.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/times.hpp"

/// Times as a user knows them: numbers, with the date or the label that the data have for them.
namespace rhoflux {

/// How the numbers of a population's times came from what the input file had.
struct TimeMeaning {
  std::string unit;                  ///< may be empty
  std::string origin;                ///< date and time at t = 0 (ISO 8601), or empty: t is no calendar time
  std::vector<std::string> labels;   ///< texts that stood for times, such as "day3"; usually none
  std::vector<double> label_values;  ///< the time of each

  bool is_calendar() const { return read_datetime(origin) && calendar_unit(unit); }
};

/// The date at time t, without the time of day at midnight; empty where t is no calendar time, or beyond the years
/// 0000 to 9999.
inline std::string date_of_time(const TimeMeaning& meaning, double t) {
  if (!meaning.is_calendar()) return "";
  const double since_1970 =
      static_cast<double>(*read_datetime(meaning.origin)) + t * *calendar_unit(meaning.unit);
  if (!(since_1970 >= static_cast<double>(calendar_detail::first_instant) &&
        since_1970 < static_cast<double>(calendar_detail::end_of_instants)))
    return "";
  // The sum of whole numbers keeps the microseconds that a double of that size has not.
  const std::int64_t elapsed = std::llround(t * *calendar_unit(meaning.unit));
  std::string text = print_datetime(*read_datetime(meaning.origin) + elapsed);
  const std::string midnight = "T00:00:00Z";
  if (text.size() > midnight.size() &&
      text.compare(text.size() - midnight.size(), midnight.size(), midnight) == 0)
    text.resize(text.size() - midnight.size());
  return text;
}

/// What the data call time t: the label that stood for it, else its date; empty where they have neither.
inline std::string name_of_time(const TimeMeaning& meaning, double t) {
  for (std::size_t k = 0; k < meaning.labels.size(); ++k)
    if (same_time(meaning.label_values[k], t)) return meaning.labels[k];
  return date_of_time(meaning, t);
}

/// The texts of distinct_texts(), each with the name of its time: "3 (2016-04-14)".
inline std::vector<std::string> time_texts(const TimeMeaning& meaning, const std::vector<double>& times) {
  std::vector<std::string> texts = distinct_texts(times);
  for (std::size_t k = 0; k < times.size(); ++k) {
    const std::string name = name_of_time(meaning, times[k]);
    if (!name.empty() && name != texts[k]) texts[k] += " (" + name + ")";
  }
  return texts;
}

inline std::string time_text(const TimeMeaning& meaning, double t) {
  return time_texts(meaning, {t}).front();
}

/// list_of_times() with their names.
inline std::string list_of_times(const TimeMeaning& meaning, const std::vector<double>& times) {
  return list_of_texts(time_texts(meaning, times));
}

/// What a user may write for a time.
inline std::string allowed_times(const TimeMeaning& meaning) {
  std::string allowed = "a number";
  if (meaning.is_calendar()) allowed += ", or a date such as " + date_of_time(meaning, 0);
  std::vector<std::string> labels;
  for (std::size_t k = 0; k < meaning.labels.size(); ++k)
    labels.push_back(meaning.labels[k] + " = " + print_number(meaning.label_values[k]));
  if (!labels.empty()) allowed += ", or a label of " + list_of_texts(labels);
  return allowed;
}

/// The time that a text stands for: a number, a label of the data, or a date where t is calendar time.
inline std::optional<double> read_time(const TimeMeaning& meaning, std::string_view text) {
  const std::string_view given = trimmed(text);
  const NumberRead number = read_number(given);
  if (number.fault == nullptr) return number.value;
  for (std::size_t k = 0; k < meaning.labels.size(); ++k)
    if (meaning.labels[k] == given) return meaning.label_values[k];
  const std::optional<std::int64_t> date = read_datetime(given);
  if (!date || !meaning.is_calendar()) return {};
  return static_cast<double>(*date - *read_datetime(meaning.origin)) / *calendar_unit(meaning.unit);
}

/// read_time(), or Error (bad input) with the reason alone, which lists what is allowed.
inline double parse_time(const TimeMeaning& meaning, std::string_view text) {
  const std::optional<double> time = read_time(meaning, text);
  if (time) return *time;
  fail_input("'" + std::string(trimmed(text)) + "' is " + read_number(text).fault + "; a time is given as " +
             allowed_times(meaning));
}

/// A time in a deck, which is read before the data that have names of times: a number, or a name as it is written.
struct GivenTime {
  double number = 0;
  std::string name = {};  ///< empty: the time is the number

  /// Throws Error (bad input) with the reason alone.
  static GivenTime parse(std::string_view text) {
    const NumberRead read = read_number(text);
    if (read.fault == nullptr) return {read.value};
    if (trimmed(text).empty()) fail_input("a time is missing");
    return {0, std::string(trimmed(text))};
  }
  std::string to_string() const { return name.empty() ? print_number(number) : name; }
  /// The time, as parse_time() reads it.
  double in(const TimeMeaning& meaning) const { return name.empty() ? number : parse_time(meaning, name); }
  /// Whether it is read without data: a number, or a date.
  bool is_plain() const { return name.empty() || read_datetime(name).has_value(); }
};

/// Times given as a list "0,0.5,1" or as "first:last:count", each as parse_time() reads it. Throws Error (bad input)
/// with the reason alone.
inline std::vector<double> parse_times(const TimeMeaning& meaning, const std::string& text) {
  if (trimmed(text).empty()) fail_input("the list is empty; give for example 0,0.5,1");
  const std::vector<std::string> pieces = split(text, ','), parts = split(text, ':');
  // A time of day has colons, too.
  const auto is_time = [&](const std::string& piece) { return read_time(meaning, piece).has_value(); };
  std::vector<double> times;
  if (parts.size() == 1 || std::all_of(pieces.begin(), pieces.end(), is_time)) {
    for (const std::string& piece : pieces) times.push_back(parse_time(meaning, piece));
    return times;
  }
  if (parts.size() != 3) fail_input("give first:last:count, for example 0:1:11");
  const std::int64_t count = parse_whole_number(parts[2], 1, 10000000);
  const double first = parse_time(meaning, parts[0]), last = parse_time(meaning, parts[1]);
  const auto n = static_cast<double>(count);
  for (std::int64_t k = 0; k < count; ++k)
    times.push_back(count == 1 ? first : first + (last - first) * static_cast<double>(k) / (n - 1));
  return times;
}

}  // namespace rhoflux
