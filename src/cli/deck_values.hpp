#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>
#include <type_traits>
#include <vector>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

/// Values of the deck: from text to a type and back. read_value() throws Error with the reason alone, the
/// caller adds where and what; write_value() gives a text that reads back to the same bits; type_of() is for
/// people.
namespace rhoflux::cli {

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
  const NumberRead read = read_number(text);
  if (read.fault != nullptr) fail_input(read.fault);
  value = read.value;
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
  for (const std::string& piece : split(text, ',')) {
    const std::string item(trimmed(piece));
    try {
      parsed.push_back(0);
      read_value(item, parsed.back());
    } catch (const Error& error) {
      fail_input("item " + std::to_string(parsed.size()) + ", '" + item + "', is " + error.what());
    }
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
  for (const EnumName<Enum>& name : EnumText<Enum>::names) {
    if (text == name.text) {
      value = name.value;
      return;
    }
  }
  fail_input("not one of the choices");  // which the caller names
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

inline std::string write_value(double value) {
  return print_number(value);
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
  return enum_to_text(value);
}

template <class T>
std::string type_of(const T&) {
  if constexpr (std::is_enum_v<T>) {
    return enum_choices<T>();
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
