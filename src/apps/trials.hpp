#pragma once

#include <string>
#include <vector>

#include "context.hpp"
#include "rhoflux/suggestion/variations.hpp"

namespace rhoflux::apps {

/// A deck that was tried.
struct Trial {
  suggestion::Variation variation;
  /// Validation NLL (standardised) after each round that it was in; NaN: the run failed.
  std::vector<double> nll;
};

/// What was found.
struct TrialResult {
  std::vector<Trial> trials;  ///< in the order in which they were made; the first one is the suggested deck
  std::vector<std::int64_t> round_steps;  ///< steps after each round
  std::size_t best = 0;                   ///< of the trials
  bool is_stopped = false;                ///< a signal has ended it before it was done
};

/// What --try is about.
struct TrialPlan {
  const suggestion::Portrait& portrait;
  const suggestion::Wishes& wishes;
  int count = 0;       ///< decks, 2 or more
  std::string folder;  ///< of the checkpoints, which is removed at the end
};

/// Successive halving (Jamieson & Talwalkar 2016): short runs of the suggested deck and of variations of it, at most three quarters
/// of them of one thing each and the others of the best of these together; the half with the smaller validation NLL goes on for twice the
/// steps, until one is left. Each run has one rank for itself, so that the result is the same on any number of ranks. Collective.
/// Throws Error (bad input) where there are no validation rows.
TrialResult run_trials(const Context& context, const TrialPlan& plan);

/// As a table: each deck with its validation NLL after each round.
std::vector<std::string> to_text(const TrialResult& result);

/// The deck that was best, with the table as a remark at its head.
std::string deck_of_best(const TrialPlan& plan, const TrialResult& result);

}  // namespace rhoflux::apps
