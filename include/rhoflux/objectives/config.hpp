#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/objectives/base_drift.hpp"
#include "rhoflux/objectives/endpoint_distribution.hpp"
#include "rhoflux/objectives/pair_kernel.hpp"
#include "rhoflux/objectives/potential.hpp"

namespace rhoflux::objectives {

/// Weight of one term of the objective over the course of training.
struct Term {
  double weight = 0;       ///< 0: the term is not there
  std::int64_t start = 0;  ///< steps before the term acts
  std::int64_t ramp = 0;   ///< steps over which the weight then grows linearly
  /// Above this value h of a draw counts as clip (1 + log(h / clip)), so that its pull on the parameters is
  /// bounded however heavy the tail of h; 0: no limit.
  double clip = 0;

  bool is_active() const { return weight > 0; }
  /// Weight in the step after `step` steps.
  double at(std::int64_t step) const;
};

/// Gradient of an expectation under the model, model.md section 4.
enum class Estimator { pathwise, score_function };

/// Units of the drift in the kinetic energy: those of the data, or standard deviations by coordinate, which
/// weigh coordinates of different units alike.
enum class Metric { data, standardised };

/// What is minimised ([objective] of the deck): the sum of the terms, each with its weight. Integrals run
/// over the model's time range and are in the units of the data.
struct Config {
  Term nll = {1.0, 0, 0};  ///< E_{(t,x)~data} [-log rho_t(x)]
  Term initial;            ///< E_{x~initial_distribution} [-log rho_first(x)]
  EndpointDistribution initial_distribution;
  Term initial_reverse;  ///< E_{x~rho_first} [log rho_first(x) - log initial_distribution(x)]
  Term terminal;  ///< E_{x~terminal_distribution} [-log rho_last(x)], or E_rho_last terminal_potential(x)
  EndpointDistribution terminal_distribution;
  Potential terminal_potential;
  Term terminal_reverse;  ///< E_{x~rho_last} [log rho_last(x) - log terminal_distribution(x)]
  Term kinetic;           ///< int E_rho |u|^2 dt
  Metric kinetic_metric = Metric::data;
  Term control;                ///< int E_rho |u - v|^2 / (2 sigma^2) dt
  double control_sigma = 1.0;  ///< units of the data / sqrt(time)
  BaseDrift control_base;      ///< v
  Term entropy;                ///< int E_rho log rho dt
  Term congestion;             ///< int E_rho rho dt, or int E_{rho x rho} K(x - y) dt
  PairKernel congestion_kernel;
  int congestion_group = 16;  ///< draws of the same time whose pairs are averaged
  Term state_cost;            ///< int E_rho phi(x) dt
  Potential state_cost_potential;
  Term jacobian_symmetry;  ///< int E_rho |J - J^T|_F^2 dt, J = du/dx
  Estimator estimator = Estimator::pathwise;

  struct NamedTerm {
    const char* name;
    const Term* term;
  };
  /// All terms, in the order in which they are shown.
  std::vector<NamedTerm> terms() const;
  /// True if a term is an integral over time of an expectation under the model, which needs draws from it and
  /// its drift.
  bool has_integral_terms() const;
  /// True if a term is an expectation under the model at the first time, or at the last.
  bool has_initial_terms() const { return initial_reverse.is_active(); }
  bool has_terminal_terms() const {
    return terminal_reverse.is_active() || (terminal.is_active() && terminal_potential.is_given());
  }
  /// True if a term is an expectation under the model, at any time.
  bool has_expectations() const {
    return has_integral_terms() || has_initial_terms() || has_terminal_terms();
  }
  /// Draws that have the same time, because a term looks at pairs of them; 1: each has its own.
  int samples_per_time() const;
  /// Samples whose terms need each other, and so one rank: the draws of one time, or of one baseline.
  int samples_per_block() const;
  /// Throws Error (bad input) naming the key and what is allowed.
  void validate() const;
  /// Throws Error (bad input) where a term does not fit data of that dimension.
  void require_dimension(int n_dims) const;
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
