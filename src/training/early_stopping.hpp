#pragma once

#include <cstdint>
#include <optional>

#include "rhoflux/checkpoint/training_state.hpp"

namespace rhoflux::training {

/// Of a model after its validation, among those before it. `newest`: kept as the best because it is the newest
/// one, where the likelihood of the validation rows does not decide.
enum class Standing { worse, best, newest };

/// Keeps in the state which validation was the best, and says when enough have come since.
class EarlyStopping {
 public:
  /// What makes a model the best. `newest`: the likelihood of the validation rows is not the whole objective.
  enum class Best { by_likelihood, newest };
  struct Config {
    std::int64_t patience = 0;  ///< validations without improvement; 0: never stops
    Best best = Best::by_likelihood;
  };
  explicit EarlyStopping(const Config& config) : m_config(config) {}

  /// @param nll of the validation rows; none: there are no rows, and the newest model is the best
  Standing standing(const checkpoint::TrainingState& state, std::optional<double> nll) const {
    if (!nll || m_config.best == Best::newest) return Standing::newest;
    return *nll < state.best_validation ? Standing::best : Standing::worse;
  }

  /// Takes a validation into the state.
  void note(checkpoint::TrainingState& state, std::optional<double> nll, Standing standing) const {
    if (standing == Standing::worse) {
      ++state.validations_since_best;
      return;
    }
    if (nll) state.best_validation = *nll;
    state.best_step = state.step;
    state.validations_since_best = 0;
  }

  bool is_due(const checkpoint::TrainingState& state) const {
    return m_config.patience > 0 && state.validations_since_best >= m_config.patience;
  }

 private:
  Config m_config;
};

}  // namespace rhoflux::training
