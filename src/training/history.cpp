#include "rhoflux/training/history.hpp"

#include <cmath>
#include <cstdio>
#include <fstream>

#include "rhoflux/core/error.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::training {

std::vector<double> History::to_numbers() const {
  std::vector<double> numbers;
  for (const HistoryRow& row : m_rows)
    numbers.insert(numbers.end(), {static_cast<double>(row.step), row.nll, row.gradient_norm,
                                   row.learning_rate, row.validation_nll});
  return numbers;
}

History History::from_numbers(const std::vector<double>& numbers) {
  History history;
  for (std::size_t k = 0; k + n_columns <= numbers.size(); k += n_columns)
    history.add({static_cast<std::int64_t>(numbers[k]), numbers[k + 1], numbers[k + 2], numbers[k + 3],
                 numbers[k + 4]});
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
    file << "step,nll,gradient_norm,learning_rate,validation_nll\n";
    for (const HistoryRow& row : m_rows) {
      file << row.step;
      for (const double value : {row.nll, row.gradient_norm, row.learning_rate, row.validation_nll})
        field(value);
      file << '\n';
    }
    file.close();
    if (!file) fail_io(path + ": could not be written");
  };
  io::write_safely(path, true, write, [](const std::string&) {});
}

}  // namespace rhoflux::training
