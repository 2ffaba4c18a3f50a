#include "rhoflux/objectives/condition_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/device_data.hpp"

namespace rhoflux::objectives {
namespace {

using namespace test;

/// Choices 0, 1 and 2 of weights 1, 3 and 4.
ConditionTable<double> three_choices() {
  return ConditionTable<double>::make(2, {0, 10, 1, 11, 2, 12}, {1, 3, 4});
}

/// The choice of each sample.
std::vector<int> drawn(std::int64_t first, int n, const ConditionDraw& how, std::uint64_t step = 0) {
  ConditionDraw draw = how;
  draw.first_sample = first;
  const auto conditions = make_matrix<double>("conditions", 2, n);
  draw_conditions(ExecutionSpace(), RandomStream(5, RandomPurpose::expectation, step), three_choices(), draw,
                  conditions);
  const std::vector<double> values = values_of(conditions);
  std::vector<int> choices;
  for (std::size_t s = 0; s < values.size(); s += 2) {
    EXPECT_EQ(values[s + 1], values[s] + 10);
    choices.push_back(static_cast<int>(values[s]));
  }
  return choices;
}

/// Of n stratified groups each choice has its share but for the discrepancy of the multiples of the golden ratio phi,
///   n D_n <= 3 + (1 / log phi + 1 / log 2) log n
/// (Kuipers & Niederreiter 1974, chapter 2, theorem 3.4); independent ones are off by 4 standard deviations at most.
TEST(ConditionTable, ChoicesComeByTheirWeights) {
  constexpr int n = 8192;
  const double share[] = {1.0 / 8, 3.0 / 8, 4.0 / 8};
  for (const bool is_stratified : {true, false}) {
    std::vector<int> count(3, 0);
    for (const int choice : drawn(0, n, {0, 1, is_stratified})) ++count[static_cast<std::size_t>(choice)];
    for (std::size_t k = 0; k < 3; ++k) {
      const double bound = is_stratified
                               ? 3 + (1 / std::log(1.6180339887498949) + 1 / std::log(2.0)) * std::log(n)
                               : 4 * std::sqrt(n * share[k] * (1 - share[k]));
      EXPECT_NEAR(count[k], n * share[k], bound) << k << (is_stratified ? " stratified" : " independent");
    }
  }
}

TEST(ConditionTable, SamplesOfAGroupHaveOneChoiceWhateverTheirCall) {
  for (const bool is_stratified : {true, false}) {
    const std::vector<int> all = drawn(0, 64, {0, 8, is_stratified});
    for (std::size_t s = 0; s < all.size(); ++s) EXPECT_EQ(all[s], all[s / 8 * 8]);
    const std::vector<int> part = drawn(16, 24, {0, 8, is_stratified});
    EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 16));
    EXPECT_NE(drawn(0, 512, {0, 8, is_stratified}, 1), drawn(0, 512, {0, 8, is_stratified}))
        << "another step";
  }
}

}  // namespace
}  // namespace rhoflux::objectives
