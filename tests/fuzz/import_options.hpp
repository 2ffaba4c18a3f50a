#pragma once

#include <string>
#include <vector>

#include "input.hpp"
#include "rhoflux/importers/import.hpp"

namespace rhoflux::fuzz {

/// The words of the first line that is not empty, at most 12.
inline std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names;
  std::string word;
  for (const char c : text) {
    if (std::string(",;\t \r\n\"").find(c) == std::string::npos) {
      word += c;
      continue;
    }
    if (!word.empty()) names.push_back(word);
    word.clear();
    if ((c == '\n' && !names.empty()) || names.size() == 12) break;
  }
  if (names.empty()) names.emplace_back("t");
  return names;
}

/// Options of an import as a user may give them, with some of these columns.
inline importers::Options chosen_options(Input& input, const std::vector<std::string>& columns) {
  importers::Options options;
  const auto column = [&] { return columns[input.take<std::uint8_t>() % columns.size()]; };
  const auto yes = [&](unsigned bits, unsigned bit) { return (bits >> bit & 1U) != 0; };
  const unsigned first = input.take<std::uint8_t>(), second = input.take<std::uint8_t>();
  options.delimiter = static_cast<importers::Delimiter>(input.take<std::uint8_t>() % 5);
  if (yes(first, 0)) options.time.column = column();
  if (yes(first, 1)) options.id_column = column();
  if (yes(first, 2)) options.label_columns = {column()};
  if (yes(first, 3)) options.condition_columns = {column()};
  if (yes(first, 4)) options.coordinate_columns = {column(), column()};
  if (yes(first, 5)) options.split.val_fraction = 0.5;
  if (yes(second, 0)) options.dequantise = {"all"};
  if (yes(second, 1)) options.split.by = column();
  if (yes(second, 2)) options.growth_column = column();
  if (yes(second, 3)) options.growth_form = importers::GrowthForm::factor;
  if (yes(second, 4)) options.time.format = importers::TimeFormat::datetime;
  if (yes(second, 5)) options.time.values = {{"a", 0.0}, {"b", 1.0}};
  if (yes(second, 6)) options.dims = {2, 1};
  if (yes(second, 7)) options.weight_column = column();
  if (yes(first, 6)) options.time.unit = "h";
  if (yes(first, 7)) options.time.origin = "2020-01-01";
  return options;
}

}  // namespace rhoflux::fuzz
