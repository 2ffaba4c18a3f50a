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

/// A (n, n) matrix given as one number (times the identity), n (a diagonal) or n * n (row by row); empty
/// where `given` has another length.
inline std::vector<double> square_matrix(const std::vector<double>& given, std::size_t n) {
  if (given.size() == n * n) return given;
  if (given.size() != 1 && given.size() != n) return {};
  std::vector<double> matrix(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) matrix[i * n + i] = given[given.size() == 1 ? 0 : i];
  return matrix;
}

/// The numbers that gave a (n, n) matrix, as many as there were.
inline std::vector<double> given_numbers(const std::vector<double>& matrix, std::size_t n,
                                         std::size_t n_given) {
  if (n_given == n * n) return matrix;
  std::vector<double> given;
  for (std::size_t i = 0; i < n_given; ++i) given.push_back(matrix[i * n + i]);
  return given;
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
