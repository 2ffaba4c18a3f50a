#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/core/precision.hpp"
#include "rhoflux/optim/config.hpp"

namespace rhoflux::training {

/// [training] in the deck.
struct TrainingConfig {
  std::int64_t steps = 10000;
  std::int64_t batch = 1024;  ///< samples a step over all ranks
  std::uint64_t seed = 1;
  Precision precision = Precision::single_precision;
  MatrixPrecision matrix_precision = MatrixPrecision::full;
  optim::ScheduleConfig schedule;  ///< learning_rate, final_learning_rate, schedule, warmup of the deck
  optim::AdamConfig adam;
  double max_gradient_norm = 1.0;  ///< a longer gradient is shortened to it (clip of the deck); 0: no limit
  /// Standard deviation of fresh Gaussian noise on each sample, standardised units (Rothfuss et al. 2019; noise
  /// of the deck).
  double jitter = 0.0;
  /// The same on the times of the rows, as a share of the time range (time_noise of the deck).
  double time_jitter = 0.0;
  double average = 0.0;  ///< decay of the exponential moving average of the parameters; 0: none
  bool reproducible = false;
  int reproducible_lanes = 8;         ///< partial gradients summed in fixed order; at least the rank count
  bool overlap = true;                ///< the gradient is summed over ranks while the rest is computed
  std::int64_t validate_every = 500;  ///< steps; 0: never
  double stall_limit = 0;  ///< ends the run when a step takes so many times the longest one so far; 0: never
  std::int64_t patience = 0;  ///< early stopping after this many validations without improvement; 0: never

  /// Throws Error (bad input) naming the key and what is allowed.
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
