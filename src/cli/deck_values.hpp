#pragma once

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/density/config.hpp"
#include "rhoflux/flux/config.hpp"
#include "rhoflux/objectives/config.hpp"
#include "rhoflux/training/config.hpp"

/// Values of the deck: from text to a type and back. read_value() throws Error with the reason alone, the
/// caller adds where and what; write_value() gives a text that reads back to the same bits; type_of() is for
/// people.
namespace rhoflux::cli {

/// Without blanks at either end.
inline std::string trimmed(const std::string& text) {
  const char* blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

template <class Enum>
struct Choice {
  const char* name;
  Enum value;
};

inline std::vector<Choice<density::Family>> choices_of(density::Family) {
  return {{"autoregressive", density::Family::autoregressive}, {"factorised", density::Family::factorised}};
}
inline std::vector<Choice<density::MixtureWeights>> choices_of(density::MixtureWeights) {
  return {{"time_dependent", density::MixtureWeights::time_dependent},
          {"time_constant", density::MixtureWeights::time_constant}};
}
inline std::vector<Choice<Precision>> choices_of(Precision) {
  return {{"single", Precision::single_precision}, {"double", Precision::double_precision}};
}
inline std::vector<Choice<training::Schedule>> choices_of(training::Schedule) {
  return {{"constant", training::Schedule::constant}, {"cosine", training::Schedule::cosine}};
}

inline std::vector<Choice<flux::Kind>> choices_of(flux::Kind) {
  return {{"triangular", flux::Kind::triangular}, {"sigmoid", flux::Kind::sigmoid}};
}
inline std::vector<Choice<objectives::Estimator>> choices_of(objectives::Estimator) {
  return {{"pathwise", objectives::Estimator::pathwise},
          {"score_function", objectives::Estimator::score_function}};
}
inline std::vector<Choice<objectives::Metric>> choices_of(objectives::Metric) {
  return {{"data", objectives::Metric::data}, {"standardised", objectives::Metric::standardised}};
}
inline std::vector<Choice<flux::DivergenceFree>> choices_of(flux::DivergenceFree) {
  return {{"none", flux::DivergenceFree::none},
          {"density_weighted", flux::DivergenceFree::density_weighted},
          {"antisymmetric", flux::DivergenceFree::antisymmetric}};
}

template <class T>
std::enable_if_t<std::is_integral_v<T>> read_value(const std::string& text, T& value) {
  const bool negative = text.size() > 1 && text[0] == '-';
  const char* begin = text.data() + (!text.empty() && text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  const bool digits =
      std::all_of(begin + (negative ? 1 : 0), end, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || begin == end) fail_input("not a whole number");
  if (negative && std::is_unsigned_v<T>) fail_input("negative");
  if (std::from_chars(begin, end, value).ec != std::errc()) {
    fail_input("too large for a whole number of " + std::to_string(8 * sizeof(T)) + " bits");
  }
}

inline void read_value(const std::string& text, double& value) {
  // The character set excludes what strtod takes besides decimal numbers: nan, inf, hexadecimal.
  char* end = nullptr;
  errno = 0;
  const double parsed = std::strtod(text.c_str(), &end);
  const bool decimal = text.find_first_not_of("0123456789.+-eE") == std::string::npos;
  if (!decimal || end == text.c_str() || *end != '\0') fail_input("not a finite decimal number");
  if (!std::isfinite(parsed)) fail_input("too large for a double");
  if (errno == ERANGE && parsed == 0.0) fail_input("too small for a double");
  value = parsed;
}

inline void read_value(const std::string& text, bool& value) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* yes : {"true", "yes", "on", "1"}) {
    if (lower == yes) {
      value = true;
      return;
    }
  }
  for (const char* no : {"false", "no", "off", "0"}) {
    if (lower == no) {
      value = false;
      return;
    }
  }
  fail_input("neither true nor false");
}

inline void read_value(const std::string& text, std::string& value) {
  if (text.find('#') != std::string::npos) fail_input("contains '#', which begins a comment in a deck");
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), is_control)) fail_input("contains a control character");
  value = text;
}

inline void read_value(const std::string& text, std::vector<int>& values) {
  std::vector<int> parsed;
  std::size_t begin = 0;
  while (true) {
    const std::size_t comma = text.find(',', begin);
    const std::string item = trimmed(text.substr(begin, comma == std::string::npos ? comma : comma - begin));
    try {
      parsed.push_back(0);
      read_value(item, parsed.back());
    } catch (const Error& error) {
      fail_input("item " + std::to_string(parsed.size()) + ", '" + item + "', is " + error.what());
    }
    if (comma == std::string::npos) break;
    begin = comma + 1;
  }
  values = parsed;
}

/// A type that reads and writes itself: parse(), to_string() and a line about its form.
template <class T>
auto read_value(const std::string& text, T& value) -> decltype(value = T::parse(text), void()) {
  value = T::parse(text);
}

template <class Enum>
std::enable_if_t<std::is_enum_v<Enum>> read_value(const std::string& text, Enum& value) {
  for (const auto& choice : choices_of(Enum{})) {
    if (text == choice.name) {
      value = choice.value;
      return;
    }
  }
  fail_input("not one of the choices");
}

template <class T>
std::enable_if_t<std::is_integral_v<T>, std::string> write_value(T value) {
  return std::to_string(value);
}
inline std::string write_value(bool value) {
  return value ? "true" : "false";
}
inline std::string write_value(const std::string& value) {
  return value;
}

/// The shortest of %.15g, %.16g, %.17g that reads back to the same bits.
inline std::string write_value(double value) {
  char text[32];
  for (const int digits : {15, 16, 17}) {
    std::snprintf(text, sizeof(text), "%.*g", digits, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  return text;
}

inline std::string write_value(const std::vector<int>& values) {
  std::string text;
  for (const int value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
  return text;
}

template <class T>
auto write_value(const T& value) -> decltype(value.to_string()) {
  return value.to_string();
}

template <class Enum>
std::enable_if_t<std::is_enum_v<Enum>, std::string> write_value(Enum value) {
  for (const auto& choice : choices_of(value)) {
    if (choice.value == value) return choice.name;
  }
  return "";
}

template <class T>
std::string type_of(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    std::string names;
    for (const auto& choice : choices_of(value)) {
      names += (names.empty() ? "" : " | ") + std::string(choice.name);
    }
    return names;
  } else if constexpr (std::is_same_v<T, bool>) {
    return "true | false (or yes, no, on, off, 1, 0)";
  } else if constexpr (std::is_integral_v<T>) {
    return "whole number";
  } else if constexpr (std::is_same_v<T, double>) {
    return "number";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "text";
  } else if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::vector<int>>) {
    return T::type;
  } else {
    return "whole numbers separated by commas";
  }
}

}  // namespace rhoflux::cli
