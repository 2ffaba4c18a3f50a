#pragma once

#include <Kokkos_Core.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/transport/drift.hpp"
#include "support/device_data.hpp"

namespace rhoflux::test {

/// n points with the same time.
inline density::Points<double> points_at(double tau, const std::vector<double>& x, int n_dims) {
  const std::size_t n = x.size() / static_cast<std::size_t>(n_dims);
  return {to_vector<double>(std::vector<double>(n, tau)), to_matrix<double>(x, n_dims)};
}

/// The drift whose coordinate i at one point is function(tau, x, s, i), a KOKKOS_LAMBDA of a column s of x.
template <class Function>
transport::Drift drift_of(const Function& function) {
  return [function](const ExecutionSpace& space, const density::Points<double>& points,
                    const transport::PathRates& rates) {
    const Vector<double> tau = points.tau;
    const Matrix<double> x = points.x, u = rates.drift;
    const Function f = function;
    for_each_entry(
        space, "test drift", static_cast<int>(x.extent(0)), points.size(),
        KOKKOS_LAMBDA(int i, int s) { u(i, s) = f(tau(s), x, s, i); });
  };
}

/// The same drift with the growth rate `rate`(tau, x, s).
template <class Function, class Rate>
transport::Drift drift_of(const Function& function, const Rate& rate) {
  return
      [drift = drift_of(function), rate](const ExecutionSpace& space, const density::Points<double>& points,
                                         const transport::PathRates& rates) {
        drift(space, points, rates);
        const Vector<double> tau = points.tau, growth = rates.growth;
        const Matrix<double> x = points.x;
        const Rate f = rate;
        for_each(
            space, "test growth", static_cast<int>(growth.extent(0)),
            KOKKOS_LAMBDA(int s) { growth(s) = f(tau(s), x, s); });
      };
}

/// Least-squares slope of log2(values) over 0, 1, 2, ..: minus the order where the step is halved each time.
inline double halving_slope(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  double sum = 0, moment = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double centred = static_cast<double>(k) - (count - 1) / 2;
    sum += centred * std::log2(values[k]);
    moment += centred * centred;
  }
  return sum / moment;
}

}  // namespace rhoflux::test
