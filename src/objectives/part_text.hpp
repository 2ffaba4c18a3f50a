#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/number_text.hpp"

/// Pieces of the texts that the deck describes laws and potentials with: "kind field : field; field : field".
namespace rhoflux::objectives {

inline std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> pieces(1);
  for (const char c : text) {
    if (c == at)
      pieces.emplace_back();
    else
      pieces.back() += c;
  }
  return pieces;
}

inline std::vector<double> parse_numbers(const std::string& text) {
  std::vector<double> values;
  for (const std::string& piece : split(text, ',')) values.push_back(parse_number(piece));
  return values;
}

inline std::string print_numbers(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ",") + print_number(value);
  return text;
}

/// The first word of a text, and what follows without blanks at its ends.
struct Worded {
  std::string word, rest;
};
inline Worded first_word(const std::string& text) {
  const char* blanks = " \t";
  const auto trimmed = [&](const std::string& part) {
    const std::size_t first = part.find_first_not_of(blanks);
    return first == std::string::npos ? "" : part.substr(first, part.find_last_not_of(blanks) - first + 1);
  };
  const std::string all = trimmed(text);
  const std::size_t end = all.find_first_of(blanks);
  return {all.substr(0, end), end == std::string::npos ? "" : trimmed(all.substr(end))};
}

}  // namespace rhoflux::objectives
