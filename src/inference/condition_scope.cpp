#include "rhoflux/inference/condition_scope.hpp"

#include <cmath>

namespace rhoflux::inference {

std::vector<double> spread_conditions(const ConditionEncoding& encoding, const WeightedConditions& choices,
                                      std::int64_t first, std::int64_t n, int group) {
  constexpr double golden = 0.6180339887498949;
  const std::size_t width = encoding.n_variables();
  double total = 0;
  for (const double weight : choices.weights) total += weight;
  std::vector<double> result;
  for (std::int64_t s = first; s < first + n; ++s) {
    const double turns = 0.5 + golden * static_cast<double>(s / group);
    const double level = (turns - std::floor(turns)) * total;
    std::size_t k = 0;
    for (double sum = choices.weights[0]; k + 1 < choices.weights.size() && sum <= level;)
      sum += choices.weights[++k];
    const auto at = choices.conditions.begin() + static_cast<std::ptrdiff_t>(k * width);
    result.insert(result.end(), at, at + static_cast<std::ptrdiff_t>(width));
  }
  return result;
}

}  // namespace rhoflux::inference
