#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/inference/inference.hpp"

namespace rhoflux::inference {

/// While it lives, the points of every call of an Inference have these conditions; afterwards they have those that they
/// had before, also where an exception ended the life. Without effect on a model without conditions.
class ConditionScope {
 public:
  /// @param inference must outlive the object
  /// @param conditions (n_variables) one for all points, or (n, n_variables) one for each of the n points (particles,
  /// samples) of the calls
  ConditionScope(const Inference& inference, std::vector<double> conditions)
      : m_inference(inference), m_before(inference.exchange_conditions(std::move(conditions))) {}
  ~ConditionScope() { (void)m_inference.exchange_conditions(std::move(m_before)); }
  ConditionScope(const ConditionScope&) = delete;
  ConditionScope& operator=(const ConditionScope&) = delete;

 private:
  const Inference& m_inference;
  std::vector<double> m_before;
};

/// Conditions of n points that stand for some weighted ones, (n, n_variables): group k of points has the choice in whose
/// part of the sums of weights frac(k phi + 1/2) lies, phi the golden ratio. Points first, first + 1, .. of the same
/// sequence.
/// @param group points of one choice
std::vector<double> spread_conditions(const ConditionEncoding& encoding, const WeightedConditions& choices,
                                      std::int64_t first, std::int64_t n, int group = 1);

}  // namespace rhoflux::inference
