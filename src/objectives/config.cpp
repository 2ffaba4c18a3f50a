#include "rhoflux/objectives/config.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {
namespace {

/// Samples whose mean is the baseline of the score function.
constexpr int baseline_block = 32;

[[noreturn]] void refuse(const std::string& key, const std::string& value, const std::string& what) {
  fail_input("objective." + key + " = " + value + ": " + what);
}

void check(const std::string& name, const TermSchedule& term) {
  const auto not_negative = [&](const std::string& key, double value) {
    if (!(value >= 0) || !std::isfinite(value)) refuse(key, print_number(value), "must be 0 or more");
  };
  not_negative(name, term.weight);
  not_negative(name + "_start", static_cast<double>(term.start));
  not_negative(name + "_ramp", static_cast<double>(term.ramp));
  not_negative(name + "_clip", term.saturation);
}

/// A setting that goes with a term and has no effect without it.
void check_goes_with(const std::string& key, bool is_set, const std::string& value, const std::string& name,
                     const Config& config) {
  if (is_set && !config.is_active(name))
    refuse(key, value, "has no effect without objective." + name + ", its weight");
}

}  // namespace

double TermSchedule::at(std::int64_t step) const {
  if (step < start) return 0;
  const auto done = static_cast<double>(step - start + 1);
  return ramp == 0 ? weight : weight * std::min(1.0, done / static_cast<double>(ramp));
}

Config::Config(const TermRegistry& registry) : m_registry(&registry), m_schedules(registry.rows().size()) {
  for (const TermRow& row : registry.rows())
    if (row.kind == TermKind::data_likelihood) schedule(row.name).weight = 1;
}

TermKind Config::kind_of(const TermRow& row) const {
  if (row.factory.is_given() && row.kind == TermKind::initial_likelihood && !initial_distribution.is_given())
    return TermKind::initial_expectation;
  if (row.factory.is_given() && row.kind == TermKind::terminal_likelihood &&
      !terminal_distribution.is_given())
    return TermKind::terminal_expectation;
  return row.kind;
}

std::vector<const TermRow*> Config::active_terms(TermKind kind) const {
  std::vector<const TermRow*> found;
  for (const TermRow& row : m_registry->rows())
    if (is_active(row.name) && kind_of(row) == kind) found.push_back(&row);
  return found;
}

bool Config::needs_dynamics() const {
  return has(TermKind::initial_expectation) || has(TermKind::terminal_expectation) ||
         has(TermKind::integral) || has(TermKind::data_rates);
}

int Config::samples_per_time() const {
  int most = 1;
  for (const TermRow& row : m_registry->rows())
    if (is_active(row.name) && row.samples_per_time != nullptr)
      most = std::max(most, row.samples_per_time(*this));
  return most;
}

int Config::samples_per_block() const {
  return estimator == Estimator::score_function && needs_dynamics()
             ? std::max(samples_per_time(), baseline_block)
             : samples_per_time();
}

Config Config::without_saturation() const {
  Config config = *this;
  for (TermSchedule& schedule : config.m_schedules) schedule.saturation = 0;
  return config;
}

void Config::validate() const {
  validate_schedules();
  validate_endpoints();
  validate_settings();
}

void Config::validate_schedules() const {
  for (const TermRow& row : m_registry->rows()) check(row.name, schedule(row.name));
  for (const TermRow& row : m_registry->rows())
    if (row.sign == Sign::any && schedule(row.name).saturation > 0)
      refuse(row.name + "_clip", print_number(schedule(row.name).saturation),
             "must be 0: only a cost that is never negative can be clipped");
}

void Config::validate_endpoints() const {
  const auto refuse_weight = [this](const std::string& name, const std::string& what) {
    refuse(name, print_number(schedule(name).weight), what);
  };
  for (const std::string end : {"initial", "terminal"})
    if (is_active(end + "_reverse") && !is_active(end))
      refuse_weight(end + "_reverse", "needs objective." + end +
                                          " too: alone it lets the model leave out a part of the endpoint "
                                          "distribution");
  check_goes_with("initial_law", initial_distribution.is_given(), initial_distribution.to_string(), "initial",
                  *this);
  check_goes_with("terminal_law", terminal_distribution.is_given(), terminal_distribution.to_string(),
                  "terminal", *this);
  check_goes_with("terminal_potential", terminal_potential.is_given(), terminal_potential.to_string(),
                  "terminal", *this);
  if (is_active("initial") && !initial_distribution.is_given())
    refuse_weight("initial", "needs an endpoint distribution, objective.initial_law");
  if (is_active("terminal") && terminal_distribution.is_given() == terminal_potential.is_given())
    refuse_weight("terminal", "needs one of objective.terminal_law and objective.terminal_potential");
  for (const auto& [name, distribution] : {std::make_pair("initial_reverse", &initial_distribution),
                                           std::make_pair("terminal_reverse", &terminal_distribution)})
    if (is_active(name) && distribution->kind != EndpointDistribution::Kind::gaussians)
      refuse_weight(name, "needs an endpoint distribution whose density is known, Gaussians");
  if (!is_active("nll") && !is_active("initial") && !terminal_distribution.is_given())
    refuse_weight("nll",
                  "must be greater than 0 without objective.initial and objective.terminal_law: nothing else "
                  "ties the model to a population");
}

void Config::validate_settings() const {
  check_goes_with("state_cost_potential", state_cost_potential.is_given(), state_cost_potential.to_string(),
                  "state_cost", *this);
  if (is_active("state_cost") && !state_cost_potential.is_given())
    refuse("state_cost", print_number(schedule("state_cost").weight),
           "needs a potential, objective.state_cost_potential");
  if (!(control_sigma > 0) || !std::isfinite(control_sigma))
    refuse("control_sigma", print_number(control_sigma), "must be greater than 0");
  check_goes_with(
      "kinetic_metric",
      kinetic_metric != Metric::data && !is_active("acceleration") && !is_active("density_kinetic"),
      enum_to_text(kinetic_metric), "kinetic", *this);
  if (!(density_kinetic_power > 0 && density_kinetic_power < 1))
    refuse("density_kinetic_power", print_number(density_kinetic_power),
           "must be greater than 0 and less than 1: otherwise the mean may be infinite");
  check_goes_with("density_kinetic_power", density_kinetic_power != Config().density_kinetic_power,
                  print_number(density_kinetic_power), "density_kinetic", *this);
  check_goes_with("control_base", control_base.kind != BaseDrift::Kind::zero, control_base.to_string(),
                  "control", *this);
  check_goes_with("control_sigma", control_sigma != 1, print_number(control_sigma), "control", *this);
  check_goes_with("congestion_kernel", congestion_kernel.is_pairwise(), congestion_kernel.to_string(),
                  "congestion", *this);
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
  if (is_active("jacobian_symmetry") && n_dims == 1)
    refuse("jacobian_symmetry", print_number(schedule("jacobian_symmetry").weight),
           "has no effect in one dimension, where every drift is a gradient; must be 0");
}

}  // namespace rhoflux::objectives
