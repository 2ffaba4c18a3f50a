#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "rhoflux/core/text.hpp"

/// Dates and times of the proleptic Gregorian calendar, without leap seconds, as ISO 8601 writes them.
namespace rhoflux {

/// Days from 1970-01-01 to a date. Source: H. Hinnant, "chrono-compatible low-level date algorithms".
constexpr std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

namespace calendar_detail {

/// Reads digits, punctuation and signs from the left of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : m_rest(text) {}
  bool at_end() const { return m_rest.empty(); }
  bool take(char wanted) {
    if (m_rest.empty() || m_rest.front() != wanted) return false;
    m_rest.remove_prefix(1);
    return true;
  }
  bool take_any(std::string_view wanted, char& found) {
    if (m_rest.empty() || wanted.find(m_rest.front()) == std::string_view::npos) return false;
    found = m_rest.front();
    m_rest.remove_prefix(1);
    return true;
  }
  /// A number of exactly `digits` digits.
  bool take_number(std::size_t digits, int& value) {
    if (m_rest.size() < digits) return false;
    value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (m_rest[i] < '0' || m_rest[i] > '9') return false;
      value = 10 * value + (m_rest[i] - '0');
    }
    m_rest.remove_prefix(digits);
    return true;
  }
  /// Digits after a decimal point, as microseconds; more digits than six are dropped.
  bool take_microseconds(std::int64_t& value) {
    value = 0;
    std::size_t digits = 0;
    for (; digits < m_rest.size() && m_rest[digits] >= '0' && m_rest[digits] <= '9'; ++digits)
      if (digits < 6) value = 10 * value + (m_rest[digits] - '0');
    for (std::size_t k = digits; k < 6; ++k) value *= 10;
    m_rest.remove_prefix(digits);
    return digits > 0;
  }

 private:
  std::string_view m_rest;
};

/// Microseconds of 0000-01-01 and 10000-01-01.
inline constexpr std::int64_t first_instant = days_from_civil(0, 1, 1) * std::int64_t{86400000000};
inline constexpr std::int64_t end_of_instants = days_from_civil(10000, 1, 1) * std::int64_t{86400000000};

constexpr int days_in_month(int year, int month) {
  const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

/// "hh:mm", "hh:mm:ss" or "hh:mm:ss.f", in microseconds.
inline bool take_clock(Cursor& cursor, std::int64_t& microseconds) {
  int hour = 0, minute = 0, second = 0;
  std::int64_t fraction = 0;
  if (!cursor.take_number(2, hour) || !cursor.take(':') || !cursor.take_number(2, minute)) return false;
  if (cursor.take(':')) {
    if (!cursor.take_number(2, second)) return false;
    if ((cursor.take('.') || cursor.take(',')) && !cursor.take_microseconds(fraction)) return false;
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  microseconds = ((hour * 60 + minute) * 60 + second) * std::int64_t{1000000} + fraction;
  return true;
}

/// Nothing, "Z", "+hh", "+hhmm" or "+hh:mm" (or with "-"), as microseconds to take away.
inline bool take_zone(Cursor& cursor, std::int64_t& microseconds) {
  microseconds = 0;
  char sign = 0;
  if (cursor.at_end() || cursor.take('Z') || cursor.take('z')) return true;
  if (!cursor.take_any("+-", sign)) return false;
  int hour = 0, minute = 0;
  if (!cursor.take_number(2, hour)) return false;
  cursor.take(':');
  if (!cursor.at_end() && !cursor.take_number(2, minute)) return false;
  if (hour > 14 || minute > 59) return false;
  microseconds = (hour * 60 + minute) * std::int64_t{60000000} * (sign == '-' ? -1 : 1);
  return true;
}

}  // namespace calendar_detail

/// Microseconds from 1970-01-01T00:00:00Z to a date with or without a time of day; nothing where the text is
/// neither.
///
/// Read are "YYYY-MM-DD" and "YYYY/MM/DD", then, after "T" or a blank, "hh:mm[:ss[.f]]", then "Z" or an offset
/// such as "+02:00"; without one the time is taken as UTC. Days and months are never guessed: "3/4/2020" is
/// none of these. A date must exist: "2021-02-29" is none; with its offset taken away it must lie in the years
/// 0000 to 9999, so that it can be printed.
inline std::optional<std::int64_t> read_datetime(std::string_view text) {
  using namespace calendar_detail;
  Cursor cursor(trimmed(text));
  int year = 0, month = 0, day = 0;
  char separator = 0;
  if (!cursor.take_number(4, year) || !cursor.take_any("-/", separator) || !cursor.take_number(2, month) ||
      !cursor.take(separator) || !cursor.take_number(2, day))
    return {};
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return {};
  std::int64_t clock = 0, zone = 0;
  char between = 0;
  if (cursor.take_any("Tt ", between) && !(take_clock(cursor, clock) && take_zone(cursor, zone))) return {};
  if (!cursor.at_end()) return {};
  const std::int64_t found = days_from_civil(year, month, day) * std::int64_t{86400000000} + clock - zone;
  if (found < first_instant || found >= end_of_instants) return {};
  return found;
}

/// "2016-04-14T21:26:00Z", with ".123456" where there are fractions of a second; the inverse of
/// read_datetime().
inline std::string print_datetime(std::int64_t microseconds) {
  constexpr std::int64_t per_day = 86400000000;
  const std::int64_t days = (microseconds >= 0 ? microseconds : microseconds - per_day + 1) / per_day;
  const std::int64_t of_day = microseconds - days * per_day;
  // The inverse of days_from_civil(), from the same source.
  const std::int64_t shifted = days + 719468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const std::int64_t day_of_era = shifted - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int64_t month = shifted_month + (shifted_month < 10 ? 3 : -9);
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const std::int64_t seconds = of_day / 1000000, fraction = of_day % 1000000;
  char printed[80];
  std::snprintf(printed, sizeof(printed), "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld",
                static_cast<long long>(year), static_cast<long long>(month), static_cast<long long>(day),
                static_cast<long long>(seconds / 3600), static_cast<long long>(seconds / 60 % 60),
                static_cast<long long>(seconds % 60));
  std::string result = printed;
  if (fraction != 0) {
    std::snprintf(printed, sizeof(printed), ".%06lld", static_cast<long long>(fraction));
    result += printed;
  }
  return result + "Z";
}

/// Units in which calendar times are counted.
struct CalendarUnit {
  const char* name;     ///< s, min, h, d or y
  double microseconds;  ///< of one; a year is 365.25 days
};
inline constexpr CalendarUnit calendar_units[] = {
    {"s", 1e6}, {"min", 6e7}, {"h", 3.6e9}, {"d", 8.64e10}, {"y", 365.25 * 8.64e10}};

/// Microseconds of one unit; nothing for a text that is no unit of a calendar.
inline std::optional<double> calendar_unit(std::string_view name) {
  for (const CalendarUnit& unit : calendar_units)
    if (name == unit.name) return unit.microseconds;
  return {};
}

}  // namespace rhoflux
