#include "rhoflux/inference/economy.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/text.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/metrics/wasserstein.hpp"

namespace rhoflux::inference {

namespace {

/// Under the conditions of the model samples that are set.
Economy economy_of_samples(const Inference& inference, std::uint64_t seed) {
  constexpr int n_intervals = 8, n_inside = 4;  // times within an interval at which the energy is taken
  constexpr std::int64_t n_samples = 256;
  constexpr std::uint64_t stream = 2100;  // of the model samples
  const Units& units = inference.model().units;
  const double duration = units.t_last - units.t_first, step = duration / n_intervals;
  const int n_dims = units.n_dims();
  const auto samples = [&](double t, std::uint64_t of) {
    return inference.sample_at(t, 0, n_samples, seed, stream + of);
  };
  Economy economy;
  std::vector<double> before = units.to_model(samples(units.t_first, 0));
  for (int k = 0; k < n_intervals; ++k) {
    const std::vector<double> after =
        units.to_model(samples(units.t_first + (k + 1) * step, static_cast<std::uint64_t>(k) + 1));
    const double w2 =
        metrics::wasserstein(before.data(), after.data(), static_cast<int>(n_samples), n_dims).w2;
    economy.least += w2 * w2 / step;
    before = after;
    for (int j = 0; j < n_inside; ++j) {
      const double t = units.t_first + (k + (j + 0.5) / n_inside) * step;
      const std::vector<double> x = samples(t, static_cast<std::uint64_t>(100 + k * n_inside + j));
      const std::vector<double> v =
          inference.dynamics_at(std::vector<double>(n_samples, t), x, flux::Volatility()).velocity;
      double square = 0;
      for (std::size_t i = 0; i < v.size(); ++i) {
        const double scaled = v[i] / units.scale[i % static_cast<std::size_t>(n_dims)];
        square += scaled * scaled;
      }
      economy.energy += square / static_cast<double>(n_samples) * step / n_inside;
    }
  }
  return economy;
}

}  // namespace

/// With conditions the mean over some: mass that changes its condition is none that moves.
Economy economy_of(const Inference& inference, std::uint64_t seed) {
  const ConditionEncoding& encoding = inference.conditions();
  if (encoding.is_empty()) return economy_of_samples(inference, seed);
  const auto n = static_cast<std::int64_t>(std::min<std::size_t>(3, encoding.n_choices()));
  Economy mean;
  for (std::int64_t k = 0; k < n; ++k) {
    const ConditionScope scope(inference, spread_conditions(encoding, encoding.weighted({}), k, 1));
    const Economy one = economy_of_samples(inference, seed);
    mean.energy += one.energy / static_cast<double>(n);
    mean.least += one.least / static_cast<double>(n);
  }
  return mean;
}

std::optional<std::string> economy_warning(const Economy& economy) {
  constexpr double far_from_economical = 10;
  if (!std::isfinite(economy.energy))
    return "the velocity of the model is beyond the range of numbers at some of its own samples, so that its "
           "kinetic "
           "energy is not known; rows far outside of the others in the training data do that";
  if (!(economy.ratio() > far_from_economical)) return {};
  return "the kinetic energy of the model is " + formatted("%.3g", economy.ratio()) +
         " times what its marginals need: the motion is far from economical, and paths and fates may mean "
         "nothing. "
         "The likelihood alone does not say how the population moves between snapshots; objective.kinetic in "
         "the "
         "deck (with a small weight, 0.01 to 0.1) makes motion economical";
}

}  // namespace rhoflux::inference
