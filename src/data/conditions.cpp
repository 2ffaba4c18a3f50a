#include "rhoflux/data/conditions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::data {
namespace {

/// Calls visit(condition, weight) with every training row of weight above 0, on the calling rank alone.
template <class Visit>
void for_each_row(const io::PopulationFile& file, std::size_t width, const Visit& visit) {
  file.for_each_piece(io::Split::train, [&](const io::PopulationRows& piece) {
    for (std::size_t row = 0; row < piece.t.size(); ++row)
      if (piece.weight[row] > 0) visit(&piece.conditions[row * width], piece.weight[row]);
  });
}

/// Mean, deviation and range of the numbers.
void measure_numbers(const io::PopulationFile& file, ConditionEncoding& encoding) {
  const std::size_t width = encoding.n_variables();
  std::vector<double> mean(width, 0.0), square(width, 0.0);  // West 1979
  double total = 0;
  for (ConditionVariable& variable : encoding.variables) {
    variable.least = std::numeric_limits<double>::infinity();
    variable.most = -variable.least;
  }
  for_each_row(file, width, [&](const double* condition, double weight) {
    total += weight;
    for (std::size_t v = 0; v < width; ++v) {
      const double difference = condition[v] - mean[v];
      mean[v] += weight / total * difference;
      square[v] += weight * difference * (condition[v] - mean[v]);
      encoding.variables[v].least = std::min(encoding.variables[v].least, condition[v]);
      encoding.variables[v].most = std::max(encoding.variables[v].most, condition[v]);
    }
  });
  for (std::size_t v = 0; v < width; ++v) {
    ConditionVariable& variable = encoding.variables[v];
    if (variable.is_category()) continue;
    const bool is_constant = !(variable.most > variable.least);
    variable.mean = is_constant ? variable.least : mean[v];
    variable.scale = is_constant ? 1.0 : std::sqrt(square[v] / total);
    if (!std::isfinite(variable.mean) || !(variable.scale > 0) || !std::isfinite(variable.scale))
      fail_input(file.path() + ", 'condition/" + variable.name + "': its numbers, from " +
                 print_number(variable.least) + " to " + print_number(variable.most) +
                 ", have no mean and deviation that could scale them");
  }
}

/// The different conditions with the sums of their weights; empty: there are more than `most`.
std::map<std::vector<double>, double> different_conditions(const io::PopulationFile& file, std::size_t width,
                                                           std::size_t most) {
  std::map<std::vector<double>, double> found;
  bool is_too_many = false;
  for_each_row(file, width, [&](const double* condition, double weight) {
    if (is_too_many) return;
    found[std::vector<double>(condition, condition + width)] += weight;
    is_too_many = found.size() > most;
  });
  if (is_too_many) found.clear();
  return found;
}

/// The conditions of the rows in which the sum of weights passes (k + 1/2) / n of the whole.
void choose_rows(const io::PopulationFile& file, std::size_t n, ConditionEncoding& encoding) {
  const std::size_t width = encoding.n_variables();
  double total = 0, sum = 0;
  for_each_row(file, width, [&](const double*, double weight) { total += weight; });
  for_each_row(file, width, [&](const double* condition, double weight) {
    sum += weight;
    while (encoding.n_choices() < n &&
           (static_cast<double>(encoding.n_choices()) + 0.5) / static_cast<double>(n) * total < sum) {
      encoding.choices.insert(encoding.choices.end(), condition, condition + width);
      encoding.weights.push_back(1.0);
    }
  });
}

}  // namespace

ConditionEncoding named_conditions(const io::PopulationFile& file) {
  ConditionEncoding encoding;
  for (const io::ConditionColumn& column : file.conditions()) {
    encoding.variables.emplace_back();
    encoding.variables.back().name = column.name;
    encoding.variables.back().categories = column.categories;
  }
  return encoding;
}

ConditionEncoding measure_conditions(const io::PopulationFile& file, const mpi::Communicator& comm,
                                     std::size_t most_choices) {
  ConditionEncoding encoding = named_conditions(file);
  if (encoding.is_empty()) return encoding;
  mpi::on_root(comm, [&] {
    measure_numbers(file, encoding);
    for (const auto& [condition, weight] : different_conditions(file, encoding.n_variables(), most_choices)) {
      encoding.choices.insert(encoding.choices.end(), condition.begin(), condition.end());
      encoding.weights.push_back(weight);
    }
    if (encoding.weights.empty()) choose_rows(file, most_choices, encoding);
  });
  for (ConditionVariable& variable : encoding.variables)
    for (double* number : {&variable.mean, &variable.scale, &variable.least, &variable.most})
      comm.broadcast(number, sizeof(*number));
  comm.broadcast(encoding.choices);
  comm.broadcast(encoding.weights);
  return encoding;
}

}  // namespace rhoflux::data
