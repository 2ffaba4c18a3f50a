#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "rhoflux/core/math.hpp"

namespace rhoflux::optim {

/// Learning rate by step: linear growth over the warm-up, then constant, or half a cosine down to `last` at
/// the final step (Loshchilov & Hutter 2017).
struct ScheduleConfig {
  bool cosine = true;
  double peak = 1e-3;
  double last = 0.0;
  std::int64_t warmup = 100;
  std::int64_t steps = 10000;
};

/// @param step the step about to be made, from 1
inline double learning_rate(const ScheduleConfig& config, std::int64_t step) {
  if (step <= config.warmup)
    return config.peak * static_cast<double>(step) / static_cast<double>(config.warmup);
  if (!config.cosine) return config.peak;
  const auto span = static_cast<double>(std::max<std::int64_t>(1, config.steps - config.warmup));
  const double progress = std::min(1.0, static_cast<double>(step - config.warmup) / span);
  return config.last + 0.5 * (config.peak - config.last) * (1.0 + std::cos(math::pi * progress));
}

}  // namespace rhoflux::optim
