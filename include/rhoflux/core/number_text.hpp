#pragma once

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

#include "rhoflux/core/error.hpp"

namespace rhoflux {

/// A finite decimal number, blanks around it allowed. Throws Error (bad input) with the reason alone.
inline double parse_number(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  const std::string number = first == std::string::npos ? "" : text.substr(first, last - first + 1);
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || number.find_first_not_of("0123456789.+-eE") != std::string::npos ||
      !std::isfinite(value))
    fail_input("'" + number + "' is not a finite decimal number");
  return value;
}

/// The shortest text that reads back to the same bits.
inline std::string print_number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, end.ptr);
}

}  // namespace rhoflux
