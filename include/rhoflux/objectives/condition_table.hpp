#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/types.hpp"

namespace rhoflux::objectives {

/// The conditions that model samples have: each sample, or group of samples of one time, has those of one of the choices,
/// with a probability in proportion to the weight of the choice.
template <class Scalar>
struct ConditionTable {
  Matrix<Scalar> values;      ///< (n_conditions, n_choices) model units; empty: a model without conditions
  Vector<double> cumulative;  ///< (n_choices) sums of the weights up to each choice, the last one 1

  bool is_empty() const { return values.extent(0) == 0; }
  /// A view of the same that owns nothing, for threads.
  ConditionTable borrow() const { return {borrowed(values), borrowed(cumulative)}; }
  /// @param choices (n_choices, n_conditions) in C order @param weight (n_choices), above 0
  static ConditionTable make(int n_conditions, const std::vector<double>& choices,
                             const std::vector<double>& weight);
};

/// How the conditions of some samples are chosen.
struct ConditionDraw {
  std::int64_t first_sample = 0;
  int group = 1;              ///< samples of one choice
  bool is_stratified = true;  ///< false: each group independent of the others
};

/// Fills `conditions` (n_conditions, n) for the samples first_sample, first_sample + 1, ...: group k has the choice in
/// whose part of the sums of weights u_k lies, u_k uniform in (0, 1). Stratified: u_k = frac(u + k phi), phi the golden
/// ratio, which spreads evenly over the choices, and over the times of the groups, whose strata follow k. A function of
/// `random` and the number of the sample alone.
template <class Scalar>
void draw_conditions(const ExecutionSpace& space, const RandomStream& random,
                     const ConditionTable<Scalar>& table, const ConditionDraw& draw,
                     const Matrix<Scalar>& conditions);

}  // namespace rhoflux::objectives
