#include "rhoflux/training/config.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::training {
namespace {

template <class T>
void require(bool holds, const char* key, const T& value, const std::string& allowed) {
  if (holds) return;
  std::ostringstream message;
  message << key << " = " << value << ": must be " << allowed;
  fail_input(message.str());
}

void require_decay(const char* key, double value) {
  require(value >= 0.0 && value < 1.0, key, value, "at least 0 and less than 1");
}

}  // namespace

void TrainingConfig::validate() const {
  constexpr std::int64_t largest_batch = std::numeric_limits<std::int32_t>::max();
  std::ostringstream learning_rate_text;
  learning_rate_text << schedule.peak;

  require(steps >= 1, "training.steps", steps, "1 or more");
  require(batch >= 1 && batch <= largest_batch, "training.batch", batch,
          "1 to " + std::to_string(largest_batch));
  require(schedule.peak > 0.0 && schedule.peak <= 1.0, "training.learning_rate", schedule.peak,
          "greater than 0 and at most 1");
  require(schedule.last >= 0.0 && schedule.last <= schedule.peak, "training.final_learning_rate",
          schedule.last, "0 to training.learning_rate = " + learning_rate_text.str());
  require(schedule.warmup >= 0, "training.warmup", schedule.warmup, "0 or more");
  require(max_gradient_norm >= 0.0, "training.clip", max_gradient_norm, "0 (no limit) or more");
  require_decay("training.beta1", adam.beta1);
  require_decay("training.beta2", adam.beta2);
  require(adam.epsilon > 0.0, "training.epsilon", adam.epsilon, "greater than 0");
  require(adam.weight_decay >= 0.0, "training.weight_decay", adam.weight_decay, "0 or more");
  require(matrix_precision == MatrixPrecision::full || precision == Precision::single_precision,
          "training.matrix_precision", enum_to_text(matrix_precision),
          "full where training.precision = double");
  require(jitter >= 0.0, "training.noise", jitter, "0 or more");
  require(time_jitter >= 0.0 && time_jitter <= 0.5, "training.time_noise", time_jitter, "0 to 0.5");
  require_decay("training.average", average);
  require(reproducible_lanes >= 1 && reproducible_lanes <= 4096, "training.reproducible_lanes",
          reproducible_lanes, "1 to 4096");
  require(validate_every >= 0, "training.validate_every", validate_every, "0 (never) or more");
  require(stall_limit == 0 || stall_limit >= 2, "training.stall_limit", stall_limit,
          "0 (never) or 2 or more");
  require(patience >= 0, "training.patience", patience, "0 (never) or more");
  require(patience == 0 || validate_every > 0, "training.patience", patience,
          "0 when training.validate_every = 0, which leaves nothing to wait for");
}

void CheckpointConfig::validate() const {
  require(!directory.empty(), "checkpoint.directory", directory, "a path");
  require(every >= 1, "checkpoint.every", every, "1 or more");
  require(every_minutes >= 0.0, "checkpoint.every_minutes", every_minutes, "0 (by steps alone) or more");
  require(keep >= 1, "checkpoint.keep", keep, "1 or more");
}

void OutputConfig::validate() const {
  require(log_every >= 1, "output.log_every", log_every, "1 or more");
}

}  // namespace rhoflux::training
