#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/inference/fate.hpp"
#include "rhoflux/inference/inference.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::inference {

/// Two models of the same coordinates, which may stand in another order in the second.
class ModelPair {
 public:
  /// Both must outlive the object. Throws Error (bad input) where the coordinates do not have the same names, or the
  /// conditions are not the same.
  ModelPair(const Inference& first, const Inference& second);

  const Inference& first() const { return m_first; }
  const Inference& second() const { return m_second; }
  /// States (n, n_dims) of the first model as states of the second, and back.
  std::vector<double> to_second(const std::vector<double>& x) const;
  std::vector<double> to_first(const std::vector<double>& x) const;

 private:
  const Inference &m_first, &m_second;
  std::vector<std::size_t> m_to_second, m_to_first;  ///< columns; empty: the same
};

/// What two models say of one quantity at the same rows, means over the rows by their weights. A velocity and a score are
/// taken in the standardised units of the first model.
struct Agreement {
  std::string name;
  bool is_vector = false;
  double first_mean = 0, second_mean = 0;  ///< of a number
  double first_size = 0,
         second_size = 0;  ///< standard deviation over the rows of a number, RMS length of a vector
  double difference = 0;   ///< RMS of the difference
};

struct RowComparison {
  std::int64_t count = 0;     ///< rows of weight above 0
  std::int64_t left_out = 0;  ///< of these, those where a value is not finite
  std::vector<Agreement> quantities;
};

/// Log density, score, drift of dX = u dt + g dW, and growth rate where one of the models grows, at the rows of a split.
/// Collective; the figures do not depend on the number of ranks.
/// @param file read with the coordinates and conditions of the first model
/// @param condition of all rows; empty: that of each
RowComparison compare_at_rows(const ModelPair& models, const io::PopulationFile& file, io::Split split,
                              const mpi::Communicator& comm, const flux::Volatility& volatility,
                              const std::vector<double>& condition);

struct EndComparison {
  std::int64_t count = 0;      ///< particles of weight above 0; means are by their weights
  std::int64_t left_out = 0;   ///< that one of the models cannot follow
  double displacement = 0;     ///< RMS distance from start to end by the first model, its standardised units
  double distance = 0;         ///< RMS distance between the ends by the two models
  double log_weight_size = 0;  ///< standard deviation of log w of the first; 0 unless it grows
  double log_weight_difference = 0;  ///< RMS
  std::int64_t other_labels = 0;     ///< particles that end at another label; 0 without labels
};

/// Follows the rows of a snapshot by the ODE of both models (g = 0) through the frames, and compares where they end.
/// Collective; the figures do not depend on the number of ranks.
/// @param vote gives ends their labels; null: they have none
EndComparison compare_ends(const ModelPair& models, const io::PopulationFile& file, io::Split split,
                           std::int64_t begin, std::int64_t count, const mpi::Communicator& comm,
                           const TrajectoryOptions& options, const std::vector<double>& condition,
                           const LabelVote* vote);

}  // namespace rhoflux::inference
