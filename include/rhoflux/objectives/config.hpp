#pragma once

#include <cstdint>

#include "rhoflux/objectives/potential.hpp"

namespace rhoflux::objectives {

/// Weight of one term of the objective over the course of training.
struct Term {
  double weight = 0;       ///< 0: the term is not there
  std::int64_t start = 0;  ///< steps before the term acts
  std::int64_t ramp = 0;   ///< steps over which the weight then grows linearly

  bool is_there() const { return weight > 0; }
  /// Weight in the step after `step` steps.
  double at(std::int64_t step) const;
};

/// What is minimised ([objective] of the deck): the sum of the terms, each with its weight. Integrals run
/// over the model's time range and are in the units of the data.
struct Config {
  Term nll = {1.0, 0, 0};      ///< E_{(t,x)~data} [-log rho_t(x)]
  Term kinetic;                ///< int E_rho |u|^2 dt
  Term control;                ///< int E_rho |u|^2 / (2 sigma^2) dt
  double control_sigma = 1.0;  ///< units of the data / sqrt(time)
  Term entropy;                ///< int E_rho log rho dt
  Term congestion;             ///< int E_rho rho dt
  Term state_cost;             ///< int E_rho phi(x) dt
  Potential state_cost_potential;

  /// True if a term is an expectation under the model, which needs draws from it and its drift.
  bool has_expectations() const;
  /// Throws Error (bad input) naming the key and what is allowed.
  void validate() const;
  /// Throws Error (bad input) where a term does not fit data of that dimension.
  void require_dimension(int n_dims) const;
};

}  // namespace rhoflux::objectives
