#include "rhoflux/flux/residual.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace rhoflux::flux {
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

struct PointResidual {
  double rate, residual;
};

PointResidual combine(const double* log_rho, const double* drift, std::size_t dims,
                      const std::vector<double>& diffusion, double h) {
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
  return result;
}

}  // namespace

Residual fokker_planck_residual(const Evaluate& evaluate, const std::vector<double>& tau,
                                const std::vector<double>& x, const std::vector<double>& diffusion) {
  const std::size_t dims = diffusion.size();
  const std::size_t width = 5 + 4 * dims;
  std::vector<double> best(tau.size(), HUGE_VAL), log_rho, drift;
  Residual result;
  for (const double h : steps) {
    const Stencil stencil = make_stencil(tau, x, dims, h);
    evaluate(stencil.tau, stencil.x, log_rho, drift);
    for (std::size_t p = 0; p < tau.size(); ++p) {
      const PointResidual found = combine(&log_rho[p * width], &drift[p * width * dims], dims, diffusion, h);
      // A NaN is worse than any number and must not be passed over.
      const double size = std::isnan(found.residual) ? HUGE_VAL : std::fabs(found.residual);
      best[p] = std::min(best[p], size);
      result.largest_rate = std::max(result.largest_rate, std::fabs(found.rate));
    }
  }
  for (const double value : best) {
    result.largest = std::max(result.largest, value / result.largest_rate);
    result.rms += value * value;
  }
  result.rms = std::sqrt(result.rms / static_cast<double>(tau.size())) / result.largest_rate;
  return result;
}

}  // namespace rhoflux::flux
