#pragma once

#include <functional>
#include <vector>

namespace rhoflux::metrics {

/// How well the Fokker-Planck equation holds at some points, by central differences.
struct Residual {
  double largest = 0;       ///< over the points, relative to largest_rate
  double rms = 0;           ///< over the points, relative to largest_rate
  double largest_rate = 0;  ///< max |d_tau rho| over the points
};

/// A population at some points.
struct Dynamics {
  std::vector<double> log_rho;  ///< (n) log density, of probability or of a population that grows
  std::vector<double> drift;    ///< (n, n_dims) u, C order
  std::vector<double> growth;   ///< (n) growth rate r; empty: none
};
/// At times tau (n) and states x (n, n_dims), C order.
using Evaluate = std::function<Dynamics(const std::vector<double>& tau, const std::vector<double>& x)>;

/// The equation at one point.
struct PointResidual {
  double rate;      ///< d_tau rho
  double residual;  ///< d_tau rho + div(u rho) - sum_i diffusion_i d_i^2 rho - r rho
};

/// Noise that u is the drift for: g_i^2 / 2 at time tau, (n_dims).
using Diffusion = std::function<std::vector<double>(double tau)>;

/// When a point is not looked at with further steps.
struct StepChoice {
  /// Where the residual is at most this share of the rate of the point; 0: it takes all steps.
  double settled = 0;
};

/// Residual of the Fokker-Planck equation at each point, by fourth-order central differences of rho and u
/// alone. Each point takes the best of several steps, for how narrow the density is differs from point to
/// point; a violation of the equation shows at every step.
std::vector<PointResidual> fokker_planck_residuals(const Evaluate& evaluate, const std::vector<double>& tau,
                                                   const std::vector<double>& x, const Diffusion& diffusion,
                                                   const StepChoice& choice = {});

/// Points that `evaluate` is called with for each point, itself the first of them.
std::size_t stencil_width(int n_dims);

/// Figures over all points; a residual that is not a number counts as infinite.
Residual summarise(const std::vector<PointResidual>& points);

}  // namespace rhoflux::metrics
