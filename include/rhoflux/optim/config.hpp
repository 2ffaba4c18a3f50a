#pragma once

#include <cstdint>

#include "rhoflux/core/enum_text.hpp"

/// Settings of the optimiser, apart from its kernels, so that reading a deck needs no Kokkos.
namespace rhoflux::optim {

/// Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019).
struct AdamConfig {
  double beta1 = 0.9;         ///< decay of the mean gradient, a step
  double beta2 = 0.999;       ///< decay of the mean squared gradient, a step
  double epsilon = 1e-8;      ///< added to the root of the mean squared gradient
  double weight_decay = 0.0;  ///< share of each parameter taken off in a step, times the learning rate
};

/// Learning rate after the warm-up: held, or half a cosine down to the last step.
enum class Schedule { constant, cosine };

/// Learning rate by step.
struct ScheduleConfig {
  Schedule kind = Schedule::cosine;
  double peak = 1e-3;         ///< at the end of the warm-up
  double last = 0.0;          ///< at the last step of the cosine
  std::int64_t warmup = 100;  ///< steps of linear growth
};

}  // namespace rhoflux::optim

namespace rhoflux {

template <>
struct EnumText<optim::Schedule> {
  static constexpr EnumName<optim::Schedule> names[] = {{"constant", optim::Schedule::constant},
                                                        {"cosine", optim::Schedule::cosine}};
};

}  // namespace rhoflux
