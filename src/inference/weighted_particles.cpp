#include "rhoflux/inference/weighted_particles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/random.hpp"

namespace rhoflux::inference {
namespace {

/// Weight of each family.
std::vector<double> family_weights(const ParticleFamilies& particles) {
  std::int64_t n_families = 0;
  for (const std::int64_t family : particles.family) n_families = std::max(n_families, family + 1);
  std::vector<double> weights(static_cast<std::size_t>(n_families), 0.0);
  for (std::size_t s = 0; s < particles.weight.size(); ++s)
    weights[static_cast<std::size_t>(particles.family[s])] += particles.weight[s];
  return weights;
}

/// A level and the particle that it is of.
struct Level {
  double value;
  std::size_t particle;
};

/// See family_ks(); for one column.
double column_ks(std::vector<Level> levels, const ParticleFamilies& particles,
                 const std::vector<double>& of_family) {
  double total = 0, squares = 0;  // squares: sum of W^2
  for (const double weight : of_family) {
    total += weight;
    squares += weight * weight;
  }
  for (const Level& level : levels)
    if (std::isnan(level.value)) return std::numeric_limits<double>::infinity();
  if (!(total > 0)) return 0;
  std::sort(levels.begin(), levels.end(), [](const Level& a, const Level& b) { return a.value < b.value; });
  std::vector<double> below_of(of_family.size(), 0.0);  // weight A_f of each family below the level
  double below = 0, own_squares = 0, products = 0;      // sums of A_f, A_f^2 and A_f W_f
  double largest = 0, variance = 0;
  const auto look = [&](double u) {
    largest = std::max(largest, std::fabs(below / total - u));
    variance = std::max(variance, (own_squares - 2 * u * products + u * u * squares) / (total * total));
  };
  for (const Level& level : levels) {
    look(level.value);
    const double weight = particles.weight[level.particle];
    const auto family = static_cast<std::size_t>(particles.family[level.particle]);
    own_squares += weight * (2 * below_of[family] + weight);
    products += weight * of_family[family];
    below_of[family] += weight;
    below += weight;
    look(level.value);
  }
  return largest / (2 * std::sqrt(variance));
}

}  // namespace

Resampling resample(const std::vector<double>& log_weight, const std::vector<double>& weight,
                    double uniform) {
  const std::size_t n = log_weight.size();
  const auto counts = [&](std::size_t s) { return !std::isnan(log_weight[s]) && weight[s] > 0; };
  double most = -std::numeric_limits<double>::infinity();
  std::size_t last = n;  // the last particle that counts
  for (std::size_t s = 0; s < n; ++s) {
    if (!counts(s)) continue;
    most = std::max(most, log_weight[s]);
    last = s;
  }
  if (last == n) fail_numerics("none of the " + std::to_string(n) + " particles can be followed further");
  // Weights in parts of the largest, which do not overflow.
  const auto weight_of = [&](std::size_t s) {
    return counts(s) ? weight[s] * std::exp(log_weight[s] - most) : 0.0;
  };
  double total = 0, at_start = 0;
  for (std::size_t s = 0; s < n; ++s) {
    total += weight_of(s);
    at_start += counts(s) ? weight[s] : 0.0;
  }
  Resampling result;
  result.log_mean_weight = most + std::log(total / at_start);
  result.ancestor.reserve(n);
  double sum = 0;
  for (std::size_t s = 0; s < n; ++s) {
    sum += weight_of(s);  // at the end exactly the total
    const auto passed = [&] {
      return (static_cast<double>(result.ancestor.size()) + uniform) / static_cast<double>(n) * total < sum;
    };
    while (result.ancestor.size() < n && passed()) result.ancestor.push_back(static_cast<std::int64_t>(s));
  }
  // Where U is so close to 1 that the last place is rounded to the total.
  result.ancestor.resize(n, static_cast<std::int64_t>(last));
  return result;
}

double resampling_uniform(std::uint64_t seed, std::size_t frame, std::uint64_t block) {
  // Beyond every step whose noise has numbers of the same purpose.
  constexpr std::uint64_t after_all_steps = std::uint64_t{1} << 62;
  return RandomStream(seed, RandomPurpose::transport, after_all_steps + frame).uniforms(block, 0).first;
}

double family_ks(const std::vector<double>& levels, const ParticleFamilies& particles,
                 std::size_t n_columns) {
  const std::vector<double> of_family = family_weights(particles);
  double largest = 0;
  for (std::size_t column = 0; column < n_columns; ++column) {
    std::vector<Level> of_column;
    for (std::size_t s = 0; s < particles.weight.size(); ++s)
      of_column.push_back({levels[s * n_columns + column], s});
    largest = std::max(largest, column_ks(std::move(of_column), particles, of_family));
  }
  return largest;
}

double effective_number(const ParticleFamilies& particles) {
  return effective_number(family_weights(particles));
}

double effective_number(const std::vector<double>& weights) {
  double total = 0, squares = 0;
  for (const double weight : weights) {
    total += weight;
    squares += weight * weight;
  }
  return total / squares * total;
}

bool is_degenerate(double effective_number, std::int64_t n) {
  const auto count = static_cast<double>(n);
  return effective_number < 0.1 * count || (effective_number < 50 && effective_number < 0.5 * count);
}

Ratio relative_mass(const std::vector<double>& start_weight, const ParticleFamilies& particles) {
  std::vector<double> at_end = family_weights(particles);
  at_end.resize(start_weight.size(), 0.0);
  double start = 0, end = 0, squares = 0;
  std::size_t n_families = 0;
  for (std::size_t f = 0; f < start_weight.size(); ++f) {
    start += start_weight[f];
    end += at_end[f];
    n_families += start_weight[f] > 0 ? 1 : 0;
  }
  const double ratio = end / start;
  if (n_families < 2) return {ratio, std::numeric_limits<double>::quiet_NaN()};
  for (std::size_t f = 0; f < start_weight.size(); ++f)
    squares += (at_end[f] - ratio * start_weight[f]) * (at_end[f] - ratio * start_weight[f]);
  return {ratio, std::sqrt(squares) / start};
}

}  // namespace rhoflux::inference
