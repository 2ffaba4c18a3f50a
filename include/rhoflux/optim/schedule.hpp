#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "rhoflux/core/math.hpp"
#include "rhoflux/optim/config.hpp"

namespace rhoflux::optim {

/// Learning rate of a step t: peak t / warmup up to the end of the warm-up; then peak, or (Loshchilov & Hutter
/// 2017)  last + (peak - last) (1 + cos(pi (t - warmup) / (steps - warmup))) / 2.
/// @param step t, the step about to be made, from 1
/// @param steps of the whole run
inline double learning_rate(const ScheduleConfig& config, std::int64_t step, std::int64_t steps) {
  if (step <= config.warmup)
    return config.peak * static_cast<double>(step) / static_cast<double>(config.warmup);
  if (config.kind == Schedule::constant) return config.peak;
  const auto span = static_cast<double>(std::max<std::int64_t>(1, steps - config.warmup));
  const double progress = std::min(1.0, static_cast<double>(step - config.warmup) / span);
  return config.last + 0.5 * (config.peak - config.last) * (1.0 + std::cos(math::pi * progress));
}

}  // namespace rhoflux::optim
