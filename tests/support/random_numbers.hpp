#pragma once

#include <random>
#include <vector>

namespace rhoflux::test {

/// Independent numbers between `low` and `high`, the same for the same seed.
inline std::vector<double> random_numbers(int count, double low, double high, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> values;
  for (int k = 0; k < count; ++k) values.push_back(uniform(engine));
  return values;
}

}  // namespace rhoflux::test
