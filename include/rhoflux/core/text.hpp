#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "rhoflux/core/error.hpp"

/// Texts and numbers: every other file reads and prints numbers through these, the same way in every locale.
namespace rhoflux {

/// Without blanks, tabs and line ends at either end.
inline std::string_view trimmed(std::string_view text) {
  constexpr const char* blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The pieces between separators, of which there are one more than separators.
inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces(1);
  for (const char c : text) {
    if (c == separator)
      pieces.emplace_back();
    else
      pieces.back() += c;
  }
  return pieces;
}

inline std::string joined(const std::vector<std::string>& pieces, const std::string& separator = ", ") {
  std::string text;
  for (const std::string& piece : pieces) text += (&piece == &pieces.front() ? "" : separator) + piece;
  return text;
}

/// The first word of a text, and what follows without blanks at its ends.
struct FirstWord {
  std::string word, rest;
};
inline FirstWord first_word(std::string_view text) {
  const std::string_view all = trimmed(text);
  const std::size_t end = all.find_first_of(" \t");
  if (end == std::string_view::npos) return {std::string(all), ""};
  return {std::string(all.substr(0, end)), std::string(trimmed(all.substr(end)))};
}

/// printf of one number.
inline std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// "1 rank", "2 ranks"; the plural of `word`, where it is not the word with an s, is given.
template <class Whole>
std::string counted(Whole n, const std::string& word, const std::string& plural = "") {
  return std::to_string(n) + " " + (n == 1 ? word : plural.empty() ? word + "s" : plural);
}

/// Throws Error (bad input), which begins with `where`, for two names that are the same: a user could not tell apart what
/// they name.
inline void require_different(const std::string& where, std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    fail_input(where + ": '" + *twice + "' is there twice; each name must be another");
}

/// Names separated by commas, none of them empty or there twice. Throws Error (bad input) with the reason alone.
inline std::vector<std::string> parse_names(const std::string& text) {
  std::vector<std::string> names;
  for (const std::string& piece : split(text, ',')) {
    const std::string name(trimmed(piece));
    if (name.empty()) fail_input("a name is missing");
    if (std::find(names.begin(), names.end(), name) != names.end())
      fail_input("'" + name + "' is there twice");
    names.push_back(name);
  }
  return names;
}

/// A text read as a number.
struct NumberRead {
  double value = 0;
  const char* fault = nullptr;  ///< what the text is instead, e.g. "not a finite decimal number"; null: good
};

/// Reads a finite decimal number, blanks around it allowed. What strtod takes besides them (nan, inf,
/// hexadecimal) is no number.
inline NumberRead read_number(std::string_view text) {
  const std::string_view number = trimmed(text);
  const char* begin = number.data() + (!number.empty() && number.front() == '+' ? 1 : 0);
  const char* end = number.data() + number.size();
  NumberRead read;
  const auto [stop, error] = std::from_chars(begin, end, read.value);
  const bool is_decimal = number.find_first_not_of("0123456789.+-eE") == std::string_view::npos;
  const bool is_whole_text = !number.empty() && stop == end;
  const bool has_two_signs = begin != number.data() && begin != end && *begin == '-';
  if (!is_decimal || !is_whole_text || has_two_signs)
    read.fault = "not a finite decimal number";
  else if (error == std::errc::result_out_of_range)  // which of the two, from_chars does not say
    read.fault = std::isinf(std::strtod(std::string(number).c_str(), nullptr)) ? "too large for a double"
                                                                               : "too small for a double";
  else if (error != std::errc() || !std::isfinite(read.value))
    read.fault = "not a finite decimal number";
  return read;
}

/// read_number(), or Error (bad input) with the reason alone.
inline double parse_number(std::string_view text) {
  const NumberRead read = read_number(text);
  if (read.fault != nullptr) fail_input("'" + std::string(trimmed(text)) + "' is " + read.fault);
  return read.value;
}

/// Numbers separated by commas.
inline std::vector<double> parse_numbers(std::string_view text) {
  std::vector<double> values;
  for (const std::string& piece : split(text, ',')) values.push_back(parse_number(piece));
  return values;
}

/// A whole number from `least` to `most` written out in digits, blanks around it allowed. Throws Error (bad
/// input) with the reason alone.
inline std::int64_t parse_whole_number(std::string_view text, std::int64_t least, std::int64_t most) {
  const std::string_view number = trimmed(text);
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (number.empty() || error != std::errc() || stop != number.data() + number.size() || value < least ||
      value > most)
    fail_input("'" + std::string(number) + "' must be a whole number from " + std::to_string(least) + " to " +
               std::to_string(most));
  return value;
}

/// A short text that reads back to the same bits: the first of %.15g, %.16g and %.17g that does.
inline std::string print_number(double value) {
  char text[32];
  for (const int digits : {15, 16, 17}) {
    const char* end = std::to_chars(text, text + sizeof(text), value, std::chars_format::general, digits).ptr;
    double found = 0;
    std::from_chars(text, end, found);
    if (found == value || digits == 17) return std::string(static_cast<const char*>(text), end);
  }
  return {};
}

inline std::string print_numbers(const std::vector<double>& values) {
  std::string text;
  for (std::size_t k = 0; k < values.size(); ++k) text += (k == 0 ? "" : ",") + print_number(values[k]);
  return text;
}

}  // namespace rhoflux
