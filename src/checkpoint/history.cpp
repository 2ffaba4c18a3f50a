#include "rhoflux/checkpoint/history.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>

#include "rhoflux/core/error.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::checkpoint {

const std::vector<std::string>& History::fields() {
  static const std::vector<std::string> names = {"step", "nll", "gradient_norm", "learning_rate",
                                                 "validation_nll"};
  return names;
}

std::optional<ValidationFigure> History::smallest_validation() const {
  std::optional<ValidationFigure> smallest;
  for (const HistoryRow& row : m_rows)
    if (!std::isnan(row.validation_nll) && (!smallest || row.validation_nll < smallest->nll))
      smallest = {row.step, row.validation_nll};
  return smallest;
}

std::optional<ValidationFigure> History::last_validation() const {
  for (auto row = m_rows.rbegin(); row != m_rows.rend(); ++row)
    if (!std::isnan(row->validation_nll)) return ValidationFigure{row->step, row->validation_nll};
  return std::nullopt;
}

std::vector<std::string> History::columns() const {
  std::vector<std::string> names = fields();
  for (const HistoryRow& row : m_rows)
    for (const auto& [name, value] : row.more)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

std::vector<double> History::to_numbers() const {
  const std::vector<std::string> names = columns();
  std::vector<double> numbers;
  numbers.reserve(m_rows.size() * names.size());
  for (const HistoryRow& row : m_rows) {
    numbers.insert(numbers.end(), {static_cast<double>(row.step), row.nll, row.gradient_norm,
                                   row.learning_rate, row.validation_nll});
    for (std::size_t k = fields().size(); k < names.size(); ++k) {
      double found = std::numeric_limits<double>::quiet_NaN();
      for (const auto& [name, value] : row.more)
        if (name == names[k]) found = value;
      numbers.push_back(found);
    }
  }
  return numbers;
}

History History::from_numbers(const std::vector<std::string>& columns, const std::vector<double>& numbers) {
  History history;
  const std::size_t n_fields = fields().size(), width = columns.size();
  for (std::size_t k = 0; k + width <= numbers.size(); k += width) {
    HistoryRow row = {static_cast<std::int64_t>(numbers[k]),
                      numbers[k + 1],
                      numbers[k + 2],
                      numbers[k + 3],
                      numbers[k + 4],
                      {}};
    for (std::size_t c = n_fields; c < width; ++c)
      if (!std::isnan(numbers[k + c])) row.more.emplace_back(columns[c], numbers[k + c]);
    history.add(row);
  }
  return history;
}

void History::write_csv(const std::string& path) const {
  const auto write = [&](const std::string& temporary) {
    std::ofstream file(temporary);
    const auto field = [&](double value) {
      char text[40];
      std::snprintf(text, sizeof(text), "%.9g", value);
      file << ',' << (std::isnan(value) ? "" : text);
    };
    const std::vector<std::string> names = columns();
    for (std::size_t c = 0; c < names.size(); ++c) file << (c == 0 ? "" : ",") << names[c];
    file << '\n';
    const std::vector<double> numbers = to_numbers();
    for (std::size_t k = 0; k < numbers.size(); k += names.size()) {
      file << static_cast<std::int64_t>(numbers[k]);
      for (std::size_t c = 1; c < names.size(); ++c) field(numbers[k + c]);
      file << '\n';
    }
    file.close();
    if (!file) fail_io(path + ": could not be written");
  };
  io::write_safely(path, true, write, [](const std::string&) {});
}

}  // namespace rhoflux::checkpoint
