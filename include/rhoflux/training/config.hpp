#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rhoflux::training {

enum class Precision { single_precision, double_precision };
enum class Schedule { constant, cosine };

/// The time range of the model: "data", from the first to the last time of the data file (0 to 1 without
/// one), or "first:last".
struct TimeRange {
  bool is_given = false;
  double first = 0, last = 1;  ///< where given
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static TimeRange parse(const std::string& text);
  static constexpr const char* type = "data, or first:last";
};

/// "none", or times separated by commas.
struct TimeList {
  std::vector<double> values;
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static TimeList parse(const std::string& text);
  static constexpr const char* type = "none, or numbers separated by commas";
};

/// [data] in the deck.
struct DataConfig {
  std::string file;  ///< empty: no data, the laws of the objective alone
  bool standardise =
      true;  ///< train on (x - mean) / scale, per coordinate, of the training split or the given laws
  TimeRange time_range;
  TimeList hold_out_times;  ///< rows at these times are left out of training and validation
  bool hash = true;         ///< SHA-256 of every input file in the provenance
};

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
