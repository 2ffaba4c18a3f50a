#include "rhoflux/metrics/residual.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace rhoflux::metrics {
namespace {

/// Fourth-order central differences on x - 2h, x - h, x + h, x + 2h.
constexpr std::array<double, 4> offsets = {-2, -1, 1, 2};
constexpr std::array<double, 4> first = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
constexpr std::array<double, 4> second = {-1.0 / 12, 16.0 / 12, 16.0 / 12, -1.0 / 12};
constexpr double second_centre = -30.0 / 12;
constexpr std::array<double, 5> steps = {4e-3, 1e-3, 3e-4, 1e-4, 3e-5};

/// Each point and its shifted copies: itself, then four in time, then four along each coordinate.
struct Stencil {
  std::vector<double> tau, x;
};

Stencil make_stencil(const std::vector<double>& tau, const std::vector<double>& x, std::size_t dims,
                     double h) {
  Stencil stencil;
  for (std::size_t p = 0; p < tau.size(); ++p) {
    const auto add = [&](double t, std::size_t shifted, double shift) {
      stencil.tau.push_back(t);
      for (std::size_t i = 0; i < dims; ++i)
        stencil.x.push_back(x[p * dims + i] + (i == shifted ? shift : 0.0));
    };
    add(tau[p], dims, 0);
    for (const double offset : offsets) add(tau[p] + offset * h, dims, 0);
    for (std::size_t i = 0; i < dims; ++i)
      for (const double offset : offsets) add(tau[p], i, offset * h);
  }
  return stencil;
}

/// @param first_point of the stencil
PointResidual combine(const Dynamics& values, std::size_t first_point, std::size_t dims,
                      const std::vector<double>& diffusion, double h) {
  const double *log_rho = &values.log_rho[first_point], *drift = &values.drift[first_point * dims];
  PointResidual result = {0, 0};
  for (std::size_t k = 0; k < 4; ++k) result.rate += first[k] * std::exp(log_rho[1 + k]) / h;
  result.residual = result.rate;
  for (std::size_t i = 0; i < dims; ++i) {
    double laplacian = second_centre * std::exp(log_rho[0]);
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t at = 5 + 4 * i + k;
      const double rho = std::exp(log_rho[at]);
      result.residual += first[k] * rho * drift[at * dims + i] / h;
      laplacian += second[k] * rho;
    }
    result.residual -= diffusion[i] * laplacian / (h * h);
  }
  if (!values.growth.empty()) result.residual -= values.growth[first_point] * std::exp(log_rho[0]);
  return result;
}

}  // namespace

std::vector<PointResidual> fokker_planck_residuals(const Evaluate& evaluate, const std::vector<double>& tau,
                                                   const std::vector<double>& x, const Diffusion& diffusion,
                                                   const StepChoice& choice) {
  const std::size_t dims = tau.empty() ? 0 : x.size() / tau.size();
  const std::size_t width = 5 + 4 * dims;
  std::vector<PointResidual> best(tau.size(), {0, std::numeric_limits<double>::infinity()});
  for (const double h : steps) {
    std::vector<std::size_t> open;  // points that take this step
    std::vector<double> open_tau, open_x;
    for (std::size_t p = 0; p < tau.size(); ++p) {
      if (choice.settled > 0 && std::fabs(best[p].residual) <= choice.settled * std::fabs(best[p].rate))
        continue;
      open.push_back(p);
      open_tau.push_back(tau[p]);
      for (std::size_t i = 0; i < dims; ++i) open_x.push_back(x[p * dims + i]);
    }
    if (open.empty()) break;
    const Stencil stencil = make_stencil(open_tau, open_x, dims, h);
    const Dynamics values = evaluate(stencil.tau, stencil.x);
    for (std::size_t k = 0; k < open.size(); ++k) {
      const std::size_t p = open[k];
      const PointResidual found = combine(values, k * width, dims, diffusion(tau[p]), h);
      if (std::fabs(found.residual) < std::fabs(best[p].residual)) best[p] = found;
    }
  }
  return best;
}

std::size_t stencil_width(int n_dims) {
  return 5 + 4 * static_cast<std::size_t>(n_dims);
}

Residual summarise(const std::vector<PointResidual>& points) {
  Residual result;
  for (const PointResidual& point : points) {
    result.largest_rate = std::max(result.largest_rate, std::fabs(point.rate));
    result.largest = std::max(result.largest, std::fabs(point.residual));
    result.rms += point.residual * point.residual;
  }
  // A density that stands still has no rate to compare with.
  const double unit = result.largest_rate > 0 ? result.largest_rate : 1.0;
  result.largest /= unit;
  result.rms = std::sqrt(result.rms / static_cast<double>(std::max<std::size_t>(points.size(), 1))) / unit;
  return result;
}

}  // namespace rhoflux::metrics
