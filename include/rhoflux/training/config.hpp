#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/core/precision.hpp"

namespace rhoflux::training {

enum class Schedule { constant, cosine };

/// [training] in the deck.
struct TrainingConfig {
  std::int64_t steps = 10000;
  std::int64_t batch = 1024;  ///< samples a step over all ranks
  std::uint64_t seed = 1;
  Precision precision = Precision::single_precision;
  double learning_rate = 1e-3;
  double final_learning_rate = 0.0;  ///< reached at the last step of the cosine schedule
  Schedule schedule = Schedule::cosine;
  std::int64_t warmup = 100;  ///< steps of linear growth of the learning rate
  double clip = 1.0;          ///< largest gradient norm; 0: no clipping
  double beta1 = 0.9;         ///< Adam
  double beta2 = 0.999;       ///< Adam
  double epsilon = 1e-8;      ///< Adam
  double weight_decay = 0.0;  ///< decoupled (AdamW)
  double noise =
      0.0;  ///< of fresh Gaussian noise on each drawn state, standardised units (Rothfuss et al. 2019)
  double average = 0.0;  ///< decay of the exponential moving average of the parameters; 0: none
  bool reproducible = false;
  int reproducible_lanes = 8;         ///< partial gradients summed in fixed order; at least the rank count
  bool overlap = true;                ///< the gradient is summed over ranks while the rest is computed
  std::int64_t validate_every = 500;  ///< steps; 0: never
  std::int64_t patience = 0;  ///< early stopping after this many validations without improvement; 0: never

  void validate() const;
};

/// [checkpoint] in the deck.
struct CheckpointConfig {
  std::string directory = "output";
  std::int64_t every = 1000;  ///< steps
  double every_minutes = 0;   ///< and after this much wall-clock time since the last one; 0: by steps alone
  int keep = 3;               ///< most recent checkpoints kept, besides the best one

  void validate() const;
};

/// [output] in the deck.
struct OutputConfig {
  std::int64_t log_every = 100;  ///< steps

  void validate() const;
};

}  // namespace rhoflux::training
