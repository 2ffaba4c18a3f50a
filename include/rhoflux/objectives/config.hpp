#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/objectives/base_drift.hpp"
#include "rhoflux/objectives/endpoint_distribution.hpp"
#include "rhoflux/objectives/pair_kernel.hpp"
#include "rhoflux/objectives/potential.hpp"
#include "rhoflux/objectives/term_registry.hpp"

namespace rhoflux::objectives {

/// Weight of one term of the objective over the course of training.
struct TermSchedule {
  double weight = 0;       ///< 0: the term is not there
  std::int64_t start = 0;  ///< steps before the term acts
  std::int64_t ramp = 0;   ///< steps over which the weight then grows linearly
  /// Above this value c the h of a sample counts as c (1 + log(h / c)), so that its pull on the parameters is
  /// bounded however heavy the tail of h; 0: no limit. NAME_clip in the deck.
  double saturation = 0;

  bool is_active() const { return weight > 0; }
  /// Weight in the step after `step` steps.
  double at(std::int64_t step) const;
};

/// Gradient of an expectation under the model, model.md section 4.
enum class Estimator { pathwise, score_function };

/// Units of the drift in the kinetic energy: those of the data, or standard deviations by coordinate, which
/// weigh coordinates of different units alike.
enum class Metric { data, standardised };

/// What is minimised ([objective] of the deck): the sum of the terms of a registry, each with its weight, and
/// the settings of those that have any. Integrals run over the model's time range and are in the units of the
/// data.
struct Config {
  /// Every weight 0, but that of the likelihood of data, which is 1.
  /// @param registry outlives the object and its copies
  Config(const TermRegistry& registry = TermRegistry::built_in());

  const TermRegistry& registry() const { return *m_registry; }
  /// Weight, start, ramp and saturation of a term. Throws std::out_of_range for a name that is not in the
  /// registry.
  TermSchedule& schedule(std::string_view name) { return m_schedules[m_registry->index_of(name)]; }
  const TermSchedule& schedule(std::string_view name) const {
    return m_schedules[m_registry->index_of(name)];
  }
  bool is_active(std::string_view name) const { return schedule(name).is_active(); }
  /// Terms with a weight of one kind, in the order of the registry.
  std::vector<const TermRow*> active_terms(TermKind kind) const;
  bool has(TermKind kind) const { return !active_terms(kind).empty(); }
  /// The kind of a term here: of a likelihood at an end without a distribution, the expectation at that end.
  TermKind kind_of(const TermRow& row) const;

  EndpointDistribution initial_distribution;  ///< `initial`: E_{x ~ initial_distribution} [-log rho_first(x)]
  EndpointDistribution
      terminal_distribution;             ///< `terminal`: E_{x ~ initial_distribution} [-log rho_last(x)]
  Potential terminal_potential;          ///< or E_{x~rho_last} terminal_potential(x)
  Metric kinetic_metric = Metric::data;  ///< of u in `kinetic`, int E_rho |u|^2 dt, and `density_kinetic`
  double density_kinetic_power = 0.2;    ///< a of `density_kinetic`, int E_rho |u|^2 rho^-a dt; in (0, 1)
  double control_sigma = 1.0;      ///< `control`: int E_rho |u - v|^2 / (2 sigma^2) dt; units / sqrt(time)
  BaseDrift control_base;          ///< v
  PairKernel congestion_kernel;    ///< `congestion`: int E_rho rho dt, or int E_{rho x rho} K(x - y) dt
  int congestion_group = 16;       ///< samples of the same time whose pairs are averaged
  Potential state_cost_potential;  ///< `state_cost`: int E_rho phi(x) dt
  Estimator estimator = Estimator::pathwise;
  /// Of the model samples of a model with conditions: those of the training rows, or all combinations of some values.
  ConditionGrid conditions;

  /// True if a term is an expectation under the model, at any time, which needs samples of it.
  bool needs_dynamics() const;
  /// Samples of the model that have the same time, because a term looks at pairs of them; 1: each has its
  /// own.
  int samples_per_time() const;
  /// Samples whose terms need each other, and so one rank: those of one time, or of one baseline.
  int samples_per_block() const;
  /// The same objective with no saturation, which is a matter of training.
  Config without_saturation() const;
  /// Throws Error (bad input) naming the key and what is allowed.
  void validate() const;
  /// Throws Error (bad input) where a term does not fit data of that dimension.
  void require_dimension(int n_dims) const;

 private:
  void validate_schedules() const;
  void validate_endpoints() const;
  void validate_settings() const;

  const TermRegistry* m_registry;
  std::vector<TermSchedule> m_schedules;  ///< by row of the registry
};

}  // namespace rhoflux::objectives

namespace rhoflux {
template <>
struct EnumText<objectives::Estimator> {
  static constexpr EnumName<objectives::Estimator> names[] = {
      {"pathwise", objectives::Estimator::pathwise},
      {"score_function", objectives::Estimator::score_function}};
};
template <>
struct EnumText<objectives::Metric> {
  static constexpr EnumName<objectives::Metric> names[] = {
      {"data", objectives::Metric::data}, {"standardised", objectives::Metric::standardised}};
};
}  // namespace rhoflux
