#pragma once

#include <functional>
#include <vector>

namespace rhoflux::flux {

/// How well the Fokker-Planck equation holds at some points, by central differences.
struct Residual {
  double largest = 0;       ///< over the points, relative to largest_rate
  double rms = 0;           ///< over the points, relative to largest_rate
  double largest_rate = 0;  ///< max |d_tau rho| over the points
};

/// Writes log rho (n) and the drift u (n, n_dims) at times tau (n) and states x (n, n_dims), C order.
using Evaluate = std::function<void(const std::vector<double>& tau, const std::vector<double>& x,
                                    std::vector<double>& log_rho, std::vector<double>& drift)>;

/// Residual  d_tau rho + div(u rho) - sum_i diffusion_i d_i^2 rho  relative to max |d_tau rho|, by
/// fourth-order central differences of rho and u alone. Each point takes the best of several steps, for how
/// narrow the density is differs from point to point; a violation of the equation shows at every step.
/// @param diffusion (n_dims) g_i^2 / 2, the noise that u is the drift for
Residual fokker_planck_residual(const Evaluate& evaluate, const std::vector<double>& tau,
                                const std::vector<double>& x, const std::vector<double>& diffusion);

}  // namespace rhoflux::flux
