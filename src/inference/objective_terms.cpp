#include "objective_terms.hpp"

#include "rhoflux/device/backend.hpp"
#include "rhoflux/inference/condition_scope.hpp"

namespace rhoflux::inference {
namespace {

using objectives::TermKind;

/// The conditions of the model samples of an objective.
objectives::ConditionTable<double> objective_conditions(const Inference& inference,
                                                        const objectives::Config& objective) {
  const ConditionEncoding& encoding = inference.conditions();
  if (encoding.is_empty()) return {};
  const WeightedConditions choices = encoding.weighted(objective.conditions);
  return objectives::ConditionTable<double>::make(encoding.n_rows(), encoding.encoded(choices.conditions),
                                                  choices.weights);
}

}  // namespace

std::vector<double> conditions_of(const Inference& inference, const objectives::Config& objective,
                                  std::int64_t first, std::int64_t n) {
  const ConditionEncoding& encoding = inference.conditions();
  if (encoding.is_empty()) return {};
  return spread_conditions(encoding, encoding.weighted(objective.conditions), first, n,
                           objective.samples_per_time());
}

ObjectiveTerms::ObjectiveTerms(const Inference& inference, const objectives::Config& objective,
                               const flux::Volatility& volatility) {
  for (const TermKind kind :
       {TermKind::integral, TermKind::initial_expectation, TermKind::terminal_expectation}) {
    if (!objective.has(kind)) continue;
    m_parts.push_back({kind, std::make_unique<objectives::Expectations<double>>(
                                 objective, inference.dynamics(),
                                 objectives::ExpectationOptions{kind, inference.model().units, volatility,
                                                                default_chunk_size},
                                 objective_conditions(inference, objective))});
    for (int k = 0; k < m_parts.back().expectations->n_terms(); ++k) {
      names.push_back(m_parts.back().expectations->name(k));
      weights.push_back(m_parts.back().expectations->schedule(k).weight);
    }
  }
}

}  // namespace rhoflux::inference
