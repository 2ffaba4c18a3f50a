#include "rhoflux/objectives/config.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {
namespace {

/// Draws whose mean is the baseline of the score function.
constexpr int baseline_block = 32;

[[noreturn]] void refuse(const std::string& key, const std::string& value, const std::string& what) {
  fail_input("objective." + key + " = " + value + ": " + what);
}

void check(const std::string& name, const Term& term) {
  const auto not_negative = [&](const std::string& key, double value) {
    if (!(value >= 0) || !std::isfinite(value)) refuse(key, print_number(value), "must be 0 or more");
  };
  not_negative(name, term.weight);
  not_negative(name + "_start", static_cast<double>(term.start));
  not_negative(name + "_ramp", static_cast<double>(term.ramp));
  not_negative(name + "_clip", term.clip);
}

/// A setting that goes with a term: needed with it or without effect.
template <class Setting>
void check_goes_with(const char* key, const Setting& setting, const char* name, const Term& term) {
  if (!term.is_active() && setting.is_given())
    refuse(key, setting.to_string(), std::string("has no effect without objective.") + name + ", its weight");
}

}  // namespace

double Term::at(std::int64_t step) const {
  if (step < start) return 0;
  const auto done = static_cast<double>(step - start + 1);
  return ramp == 0 ? weight : weight * std::min(1.0, done / static_cast<double>(ramp));
}

std::vector<Config::NamedTerm> Config::terms() const {
  return {{"nll", &nll},
          {"initial", &initial},
          {"terminal", &terminal},
          {"initial_reverse", &initial_reverse},
          {"terminal_reverse", &terminal_reverse},
          {"kinetic", &kinetic},
          {"control", &control},
          {"entropy", &entropy},
          {"congestion", &congestion},
          {"state_cost", &state_cost},
          {"jacobian_symmetry", &jacobian_symmetry}};
}

bool Config::has_integral_terms() const {
  return kinetic.is_active() || control.is_active() || entropy.is_active() || congestion.is_active() ||
         state_cost.is_active() || jacobian_symmetry.is_active();
}

int Config::samples_per_time() const {
  return congestion.is_active() && congestion_kernel.is_pairwise() ? congestion_group : 1;
}

int Config::samples_per_block() const {
  return estimator == Estimator::score_function && has_expectations()
             ? std::max(samples_per_time(), baseline_block)
             : samples_per_time();
}

void Config::validate() const {
  for (const NamedTerm& named : terms()) check(named.name, *named.term);
  for (const NamedTerm& named :
       {NamedTerm{"nll", &nll}, NamedTerm{"initial", &initial}, NamedTerm{"terminal", &terminal},
        NamedTerm{"initial_reverse", &initial_reverse}, NamedTerm{"terminal_reverse", &terminal_reverse},
        NamedTerm{"entropy", &entropy}})
    if (named.term->clip > 0)
      refuse(std::string(named.name) + "_clip", print_number(named.term->clip),
             "must be 0: only a cost that is never negative can be clipped");
  for (const auto& [name, reverse, likelihood_name, likelihood] :
       {std::make_tuple("initial_reverse", &initial_reverse, "initial", &initial),
        std::make_tuple("terminal_reverse", &terminal_reverse, "terminal", &terminal)})
    if (reverse->is_active() && !likelihood->is_active())
      refuse(name, print_number(reverse->weight),
             std::string("needs objective.") + likelihood_name +
                 " too: alone it lets the model leave out a part of its law");
  check_goes_with("state_cost_potential", state_cost_potential, "state_cost", state_cost);
  check_goes_with("initial_law", initial_distribution, "initial", initial);
  check_goes_with("terminal_law", terminal_distribution, "terminal", terminal);
  check_goes_with("terminal_potential", terminal_potential, "terminal", terminal);
  if (state_cost.is_active() && !state_cost_potential.is_given())
    refuse("state_cost", print_number(state_cost.weight),
           "needs a potential, objective.state_cost_potential");
  if (initial.is_active() && !initial_distribution.is_given())
    refuse("initial", print_number(initial.weight), "needs a law, objective.initial_law");
  if (terminal.is_active() && terminal_distribution.is_given() == terminal_potential.is_given())
    refuse("terminal", print_number(terminal.weight),
           "needs one of objective.terminal_law and objective.terminal_potential");
  for (const auto& [name, term, distribution] :
       {std::make_tuple("initial_reverse", &initial_reverse, &initial_distribution),
        std::make_tuple("terminal_reverse", &terminal_reverse, &terminal_distribution)})
    if (term->is_active() && distribution->kind != EndpointDistribution::Kind::gaussians)
      refuse(name, print_number(term->weight), "needs a law whose density is known, Gaussians");
  if (!nll.is_active() && !initial.is_active() && !terminal_distribution.is_given())
    refuse("nll", print_number(nll.weight),
           "must be greater than 0 without objective.initial and objective.terminal_law: nothing else ties "
           "the model to a population");
  if (!(control_sigma > 0) || !std::isfinite(control_sigma))
    refuse("control_sigma", print_number(control_sigma), "must be greater than 0");
  if (kinetic_metric != Metric::data && !kinetic.is_active())
    refuse("kinetic_metric", "standardised", "has no effect without objective.kinetic, its weight");
  if (control_base.kind != BaseDrift::Kind::zero && !control.is_active())
    refuse("control_base", control_base.to_string(), "has no effect without objective.control, its weight");
  if (control_sigma != 1 && !control.is_active())
    refuse("control_sigma", print_number(control_sigma),
           "has no effect without objective.control, its weight");
  if (congestion_kernel.is_pairwise() && !congestion.is_active())
    refuse("congestion_kernel", congestion_kernel.to_string(),
           "has no effect without objective.congestion, its weight");
  if (congestion_group != 2 && congestion_group != 4 && congestion_group != 8 && congestion_group != 16 &&
      congestion_group != 32 && congestion_group != 64)
    refuse("congestion_group", std::to_string(congestion_group), "must be 2, 4, 8, 16, 32 or 64");
  if (estimator == Estimator::score_function && congestion_group > baseline_block / 2)
    refuse("congestion_group", std::to_string(congestion_group),
           "must be 16 or less with objective.estimator = score_function");
}

void Config::require_dimension(int n_dims) const {
  const auto check_dims = [&](const std::string& key, int found) {
    if (found > 0 && found != n_dims)
      fail_input("objective." + key + ": has " + std::to_string(found) + " coordinates, the model has " +
                 std::to_string(n_dims));
  };
  check_dims("initial_law", initial_distribution.n_dims());
  check_dims("terminal_law", terminal_distribution.n_dims());
  check_dims("terminal_potential", terminal_potential.n_dims());
  check_dims("state_cost_potential", state_cost_potential.n_dims());
  check_dims("control_base", control_base.n_dims());
  if (jacobian_symmetry.is_active() && n_dims == 1)
    refuse("jacobian_symmetry", print_number(jacobian_symmetry.weight),
           "has no effect in one dimension, where every drift is a gradient; must be 0");
}

}  // namespace rhoflux::objectives
