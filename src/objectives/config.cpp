#include "rhoflux/objectives/config.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "rhoflux/core/error.hpp"

namespace rhoflux::objectives {
namespace {

[[noreturn]] void refuse(const std::string& key, double value, const char* what) {
  char text[40];
  std::snprintf(text, sizeof(text), "%g", value);
  fail_input("objective." + key + " = " + text + ": " + what);
}

void check(const std::string& name, const Term& term) {
  if (!(term.weight >= 0) || !std::isfinite(term.weight)) refuse(name, term.weight, "must be 0 or more");
  if (term.start < 0) refuse(name + "_start", static_cast<double>(term.start), "must be 0 or more");
  if (term.ramp < 0) refuse(name + "_ramp", static_cast<double>(term.ramp), "must be 0 or more");
}

}  // namespace

double Term::at(std::int64_t step) const {
  if (step < start) return 0;
  const auto done = static_cast<double>(step - start + 1);
  return ramp == 0 ? weight : weight * std::min(1.0, done / static_cast<double>(ramp));
}

bool Config::has_expectations() const {
  return kinetic.is_there() || control.is_there() || entropy.is_there() || congestion.is_there() ||
         state_cost.is_there();
}

void Config::validate() const {
  check("nll", nll);
  check("kinetic", kinetic);
  check("control", control);
  check("entropy", entropy);
  check("congestion", congestion);
  check("state_cost", state_cost);
  if (state_cost.is_there() && !state_cost_potential.is_there())
    refuse("state_cost", state_cost.weight, "needs a potential, objective.state_cost_potential");
  if (!state_cost.is_there() && state_cost_potential.is_there())
    fail_input("objective.state_cost_potential = " + state_cost_potential.to_string() +
               ": has no effect without objective.state_cost, its weight");
  if (!nll.is_there())
    refuse("nll", nll.weight, "must be greater than 0, nothing else ties the model to the data");
  if (!(control_sigma > 0) || !std::isfinite(control_sigma))
    refuse("control_sigma", control_sigma, "must be greater than 0");
}

void Config::require_dimension(int n_dims) const {
  if (state_cost_potential.is_there() && state_cost_potential.n_dims() != n_dims)
    fail_input("objective.state_cost_potential: has " + std::to_string(state_cost_potential.n_dims()) +
               " coordinates, the data have " + std::to_string(n_dims));
}

}  // namespace rhoflux::objectives
