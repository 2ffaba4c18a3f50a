#include "rhoflux/objectives/term_registry.hpp"

#include <stdexcept>

#include "rhoflux/objectives/config.hpp"

namespace rhoflux::objectives {

// Each is defined in the file of the term.
TermFactory terminal_cost_term(), initial_reverse_term(), terminal_reverse_term(), kinetic_term(),
    density_kinetic_term(), growth_term(), control_term(), entropy_term(), congestion_term(),
    state_cost_term(), jacobian_symmetry_term(), smoothness_term(), acceleration_term();

namespace {

int congestion_group(const Config& config) {
  return config.congestion_kernel.is_pairwise() ? config.congestion_group : 1;
}

std::vector<TermRow> built_in_rows() {
  return {
      {"nll", TermKind::data_likelihood, Sign::any, "",
       "Weight of E[-log rho], the negative log-likelihood of the data (without data: left out)."},
      {"initial", TermKind::initial_likelihood, Sign::any, "",
       "Weight of E[-log rho] of initial_law at the first time; 0: left out."},
      {"initial_reverse", TermKind::initial_expectation, Sign::any, "",
       "Weight of E[log rho - log p] under the model at the first time, p = initial_law, Gaussians: zero "
       "where both agree, it brings back mass that strayed far from p; 0: left out.",
       initial_reverse_term(), Report::as_fit},
      {"terminal", TermKind::terminal_likelihood, Sign::any, "",
       "Weight of E[-log rho] of terminal_law at the last time, or of E[terminal_potential(x)] under the "
       "model; 0: left out.",
       terminal_cost_term()},
      {"terminal_reverse", TermKind::terminal_expectation, Sign::any, "",
       "Weight of E[log rho - log p] under the model at the last time, p = terminal_law, Gaussians; 0: left "
       "out.",
       terminal_reverse_term(), Report::as_fit},
      {"kinetic", TermKind::integral, Sign::never_negative, "time / units of the data^2",
       "Weight of int M E|u|^2 dt, the kinetic energy of the drift (M = 1 without growth); 0: left out.",
       kinetic_term()},
      {"density_kinetic", TermKind::integral, Sign::never_negative, "time / units of the data^2",
       "Weight of int M E[|u|^2 / rho^a] dt, rho in standardised units, a = density_kinetic_power: ways "
       "through thinly populated space cost more; 0: left out.",
       density_kinetic_term()},
      {"growth", TermKind::integral, Sign::never_negative, "time",
       "Weight of int M E[r^2] dt, the cost of growth (model.growth = weights); 0: left out.", growth_term()},
      {"growth_rates", TermKind::data_rates, Sign::never_negative, "time^2",
       "Weight of E[(r - r_data)^2] over the training rows, r_data = /growth of the file (model.growth = "
       "weights); 0: left "
       "out."},
      {"control", TermKind::integral, Sign::never_negative, "",
       "Weight of int E|u - v|^2 / (2 control_sigma^2) dt, v = control_base; 0: left out.", control_term()},
      {"entropy", TermKind::integral, Sign::any, "1 / time",
       "Weight of int E[log rho] dt, which spreads the density; 0: left out.", entropy_term()},
      {"congestion", TermKind::integral, Sign::never_negative, "units of the data^D / time, or 1 / time",
       "Weight of int E[rho] dt, or of int E[K(x - y)] dt of two model samples; 0: left out.",
       congestion_term(), Report::as_cost, congestion_group},
      {"state_cost", TermKind::integral, Sign::never_negative, "1 / time",
       "Weight of int E[phi(x)] dt, phi = state_cost_potential; 0: left out.", state_cost_term()},
      {"jacobian_symmetry", TermKind::integral, Sign::never_negative, "time",
       "Weight of int E|J - J^T|^2 dt, J = du/dx, zero for a drift that is a gradient; 0: left out.",
       jacobian_symmetry_term()},
      {"smoothness", TermKind::integral, Sign::never_negative, "time",
       "Weight of int E|J|^2 dt, J = du/dx, small where neighbours move alike; 0: left out.",
       smoothness_term()},
      {"acceleration", TermKind::integral, Sign::never_negative, "time^3 / units of the data^2",
       "Weight of int E|d_t u + J u|^2 dt, the change of the drift along itself, zero where all move "
       "straight at constant "
       "speed; 0: left out.",
       acceleration_term()},
  };
}

}  // namespace

const TermRegistry& TermRegistry::built_in() {
  static const TermRegistry registry(built_in_rows());
  return registry;
}

TermRegistry TermRegistry::with(TermRow row) const {
  std::vector<TermRow> rows = m_rows;
  rows.push_back(std::move(row));
  return TermRegistry(std::move(rows));
}

std::size_t TermRegistry::index_of(std::string_view name) const {
  for (std::size_t k = 0; k < m_rows.size(); ++k)
    if (m_rows[k].name == name) return k;
  throw std::out_of_range("the registry has no term " + std::string(name));
}

}  // namespace rhoflux::objectives
