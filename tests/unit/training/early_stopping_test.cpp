#include "early_stopping.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rhoflux::training {
namespace {

using checkpoint::TrainingState;

/// The state after validations with these values at steps 1, 2, ..
TrainingState after(const EarlyStopping& stopping, const std::vector<std::optional<double>>& values) {
  TrainingState state;
  for (const std::optional<double>& nll : values) {
    ++state.step;
    stopping.note(state, nll, stopping.standing(state, nll));
  }
  return state;
}

TEST(EarlyStopping, TheFirstValidationIsTheBest) {
  const EarlyStopping stopping({2});
  EXPECT_EQ(stopping.standing(TrainingState(), 1e300), Standing::best);
  EXPECT_EQ(after(stopping, {5.0}).best_validation, 5.0);
  EXPECT_EQ(after(stopping, {5.0}).best_step, 1);
}

TEST(EarlyStopping, IsDueAfterSoManyWithoutImprovement) {
  const EarlyStopping stopping({2});
  EXPECT_FALSE(stopping.is_due(after(stopping, {5.0, 6.0})));
  EXPECT_TRUE(stopping.is_due(after(stopping, {5.0, 6.0, 5.5})));
  EXPECT_TRUE(stopping.is_due(after(stopping, {5.0, 5.0, 5.0})));  // equal is no improvement
  const TrainingState improved = after(stopping, {5.0, 6.0, 4.0, 4.5});
  EXPECT_FALSE(stopping.is_due(improved));
  EXPECT_EQ(improved.best_step, 3);
  EXPECT_EQ(improved.best_validation, 4.0);
  EXPECT_EQ(improved.validations_since_best, 1);
}

TEST(EarlyStopping, NotANumberIsNoImprovement) {
  const EarlyStopping stopping({1});
  EXPECT_TRUE(stopping.is_due(after(stopping, {5.0, std::nan("")})));
}

TEST(EarlyStopping, WithoutPatienceItIsNeverDue) {
  const EarlyStopping stopping({0});
  EXPECT_FALSE(stopping.is_due(after(stopping, {1.0, 2.0, 3.0, 4.0})));
}

TEST(EarlyStopping, TheNewestIsTheBestWhereTheLikelihoodDoesNotDecide) {
  const EarlyStopping newest({2, EarlyStopping::Best::newest}), rows({2});
  EXPECT_EQ(newest.standing(TrainingState(), 1.0), Standing::newest);
  EXPECT_EQ(rows.standing(TrainingState(), std::nullopt), Standing::newest);
  const TrainingState state = after(newest, {1.0, 2.0, 3.0});
  EXPECT_EQ(state.best_step, 3);
  EXPECT_EQ(state.best_validation, 3.0);
  const TrainingState without_rows = after(rows, {std::nullopt, std::nullopt});
  EXPECT_EQ(without_rows.best_step, 2);
  EXPECT_EQ(without_rows.best_validation, std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace rhoflux::training
