#include "rhoflux/metrics/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace rhoflux::metrics {

double kolmogorov_smirnov(std::vector<double> levels) {
  if (std::any_of(levels.begin(), levels.end(), [](double level) { return std::isnan(level); }))
    return std::numeric_limits<double>::infinity();
  std::sort(levels.begin(), levels.end());
  const auto n = static_cast<double>(levels.size());
  double largest = 0;
  for (std::size_t s = 0; s < levels.size(); ++s) {
    const double below = static_cast<double>(s) / n;
    largest = std::max({largest, levels[s] - below, below + 1.0 / n - levels[s]});
  }
  return std::sqrt(n) * largest;
}

double kolmogorov_smirnov(const std::vector<double>& levels, std::size_t n_columns) {
  double largest = 0;
  for (std::size_t column = 0; column < n_columns; ++column) {
    std::vector<double> of_column;
    for (std::size_t k = column; k < levels.size(); k += n_columns) of_column.push_back(levels[k]);
    largest = std::max(largest, kolmogorov_smirnov(std::move(of_column)));
  }
  return largest;
}

namespace {

/// A level and its weight.
struct WeightedLevel {
  double level, weight;
};

double weighted_kolmogorov_smirnov(std::vector<WeightedLevel> levels) {
  double total = 0, most = 0, squared = 0;  // squared: of w / most, which does not overflow
  for (const auto& [level, weight] : levels) {
    if (std::isnan(level)) return std::numeric_limits<double>::infinity();
    total += weight;
    most = std::max(most, weight);
  }
  if (levels.empty()) return 0;
  for (const WeightedLevel& one : levels) squared += one.weight / most * (one.weight / most);
  std::sort(levels.begin(), levels.end(),
            [](const WeightedLevel& a, const WeightedLevel& b) { return a.level < b.level; });
  double largest = 0, below = 0;
  for (const auto& [level, weight] : levels) {
    largest = std::max(largest, level - below / total);
    below += weight;
    largest = std::max(largest, below / total - level);
  }
  return total / most / std::sqrt(squared) * largest;
}

}  // namespace

double kolmogorov_smirnov(const std::vector<double>& levels, const std::vector<double>& weight,
                          std::size_t n_columns) {
  double largest = 0;
  for (std::size_t column = 0; column < n_columns; ++column) {
    std::vector<WeightedLevel> of_column;
    for (std::size_t row = 0; row < weight.size(); ++row)
      if (weight[row] > 0) of_column.push_back({levels[row * n_columns + column], weight[row]});
    largest = std::max(largest, weighted_kolmogorov_smirnov(std::move(of_column)));
  }
  return largest;
}

double kolmogorov_smirnov_bound(double p) {
  return std::sqrt(-0.5 * std::log(0.5 * p));
}

std::vector<double> thinned(const std::vector<double>& x, std::size_t n_columns, std::size_t keep) {
  const std::size_t n = x.size() / n_columns;
  std::vector<double> kept;
  kept.reserve(keep * n_columns);
  for (std::size_t k = 0; k < keep; ++k) {
    const auto row = x.begin() + static_cast<std::ptrdiff_t>(k * n / keep * n_columns);
    kept.insert(kept.end(), row, row + static_cast<std::ptrdiff_t>(n_columns));
  }
  return kept;
}

std::vector<double> thinned_by_weight(const std::vector<double>& x, const std::vector<double>& weight,
                                      std::size_t n_columns, std::size_t keep) {
  double total = 0, sum = 0;
  for (const double w : weight) total += w;
  std::vector<double> kept;
  kept.reserve(keep * n_columns);
  std::size_t taken = 0;
  for (std::size_t row = 0; row < weight.size(); ++row) {
    sum += weight[row];  // at the end exactly the total
    const auto first = x.begin() + static_cast<std::ptrdiff_t>(row * n_columns);
    for (; taken < keep && (static_cast<double>(taken) + 0.5) / static_cast<double>(keep) * total < sum;
         ++taken)
      kept.insert(kept.end(), first, first + static_cast<std::ptrdiff_t>(n_columns));
  }
  return kept;
}

void add_squared_distance(const double* a, const double* b, std::size_t count, double& sum) {
  for (std::size_t k = 0; k < count; ++k) sum += (b[k] - a[k]) * (b[k] - a[k]);
}

Estimate mean_of_independent(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / n / (n - 1))};
}

void Deviations::add(const std::vector<double>& values) {
  m_mean.resize(values.size());
  m_squares.resize(values.size());
  ++m_count;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double change = values[k] - m_mean[k];
    m_mean[k] += change / m_count;
    m_squares[k] += change * (values[k] - m_mean[k]);
  }
}

std::vector<double> Deviations::standard() const {
  std::vector<double> result;
  for (const double squares : m_squares) result.push_back(std::sqrt(squares / (m_count - 1)));
  return result;
}

Interval central_interval(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto beyond = static_cast<std::size_t>(static_cast<double>(values.size()) * share);
  return {values[beyond], values[values.size() - 1 - beyond]};
}

}  // namespace rhoflux::metrics
