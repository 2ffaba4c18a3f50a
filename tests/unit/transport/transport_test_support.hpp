#pragma once

#include <Kokkos_Core.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/transport/drift.hpp"

namespace rhoflux::transport::testing {

inline Vector<double> to_vector(const std::vector<double>& values) {
  const auto vector = make_vector<double>("values", static_cast<int>(values.size()));
  const auto host = Kokkos::create_mirror_view(vector);
  for (std::size_t k = 0; k < values.size(); ++k) host(k) = values[k];
  Kokkos::deep_copy(vector, host);
  return vector;
}

/// @param values (n, rows) in C order
inline Matrix<double> to_matrix(const std::vector<double>& values, int rows) {
  const auto matrix = make_matrix<double>("values", rows, static_cast<int>(values.size()) / rows);
  const auto host = Kokkos::create_mirror_view(matrix);
  for (std::size_t k = 0; k < values.size(); ++k)
    host(k % static_cast<std::size_t>(rows), k / static_cast<std::size_t>(rows)) = values[k];
  Kokkos::deep_copy(matrix, host);
  return matrix;
}

template <class View>
auto on_host(const View& view) {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
}

/// n points with the same time.
inline density::Points<double> points_at(double tau, const std::vector<double>& x, int n_dims) {
  const std::size_t n = x.size() / static_cast<std::size_t>(n_dims);
  return {to_vector(std::vector<double>(n, tau)), to_matrix(x, n_dims)};
}

/// The drift whose coordinate i at one point is function(tau, x, s, i), a KOKKOS_LAMBDA of a column s of x.
template <class Function>
Drift drift_of(const Function& function) {
  return [function](const ExecutionSpace& space, const density::Points<double>& points,
                    const Matrix<double>& drift) {
    const Vector<double> tau = points.tau;
    const Matrix<double> x = points.x, u = drift;
    const Function f = function;
    for_each_entry(
        space, "test drift", static_cast<int>(x.extent(0)), points.size(),
        KOKKOS_LAMBDA(int i, int s) { u(i, s) = f(tau(s), x, s, i); });
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

inline int allocations = 0;
inline void count_allocation(Kokkos::Tools::SpaceHandle, const char*, const void*, std::uint64_t) {
  ++allocations;
}

/// Views allocated by `work`.
template <class Work>
int allocations_in(const Work& work) {
  Kokkos::Tools::Experimental::set_allocate_data_callback(count_allocation);
  allocations = 0;
  work();
  Kokkos::Tools::Experimental::set_allocate_data_callback(nullptr);
  return allocations;
}

}  // namespace rhoflux::transport::testing
