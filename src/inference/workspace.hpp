#pragma once

#include <algorithm>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/inference/inference.hpp"

namespace rhoflux::inference {

/// The model on the device, and one chunk of points with what is computed at them, there and on the host.
struct Inference::Workspace {
  explicit Workspace(const checkpoint::Checkpoint& checkpoint);

  /// The first n points of the buffers.
  density::Points<double> points(int n) const {
    return density::Points<double>{tau, x, condition_rows}.part(0, n);
  }

  /// Column s of the conditions: those of point `row` of the call.
  void load_condition(std::size_t row, int s) {
    if (encoding.is_empty()) return;
    encoding.encode(condition_of(row), [&](int k, double number) { condition_rows_host(k, s) = number; });
  }
  const double* condition_of(std::size_t row) const;

  /// Runs over `count` points in chunks, each: load(row, s) for every row fills column s of the inputs on the
  /// host (tau_host, x_host, uniforms_host), compute(points) runs on the device with these inputs, take(row, s)
  /// finds the results of the row in column s of the outputs on the host (all that is named _host but the
  /// uniforms).
  template <class Load, class Compute, class Take>
  void in_chunks(std::size_t count, const Load& load, const Compute& compute, const Take& take) {
    for (std::size_t first = 0; first < count; first += default_chunk_size) {
      const int n = static_cast<int>(std::min<std::size_t>(default_chunk_size, count - first));
      for (int s = 0; s < n; ++s) load(first + static_cast<std::size_t>(s), s);
      Kokkos::deep_copy(tau, tau_host);
      Kokkos::deep_copy(x, x_host);
      Kokkos::deep_copy(uniforms, uniforms_host);
      if (!encoding.is_empty()) Kokkos::deep_copy(condition_rows, condition_rows_host);
      compute(points(n));
      Kokkos::deep_copy(x_host, x);
      Kokkos::deep_copy(log_rho_host, log_rho);
      Kokkos::deep_copy(scalar_out_host, scalar_out);
      Kokkos::deep_copy(growth_host, growth);
      Kokkos::deep_copy(log_mass_host, log_mass);
      Kokkos::deep_copy(x_out_host, x_out);
      Kokkos::deep_copy(x_out2_host, x_out2);
      for (int s = 0; s < n; ++s) take(first + static_cast<std::size_t>(s), s);
    }
  }

  /// Column s of the uniform numbers: those of sample `index` of a stream.
  void load_uniforms(const RandomStream& random, std::uint64_t index, int s) {
    const int n = dynamics->density().uniforms_per_sample();
    for (int k = 0; k < n; k += 2) {
      const auto pair = random.uniforms(index, static_cast<std::uint32_t>(k / 2));
      uniforms_host(k, s) = pair.first;
      if (k + 1 < n) uniforms_host(k + 1, s) = pair.second;
    }
  }

  std::unique_ptr<flux::Dynamics<double>> dynamics;
  ExecutionSpace space;
  Vector<double> parameters;
  ConditionEncoding encoding;
  std::vector<double> conditions;   ///< of the points of a call, see ConditionScope
  Matrix<double> condition_rows;    ///< (n_conditions, chunk), in; empty without
  Vector<double> tau;               ///< (chunk), in
  Matrix<double> x;                 ///< (n_dims, chunk), in, and out where states are drawn
  Matrix<double> uniforms;          ///< (uniforms_per_sample, chunk), in
  Vector<double> log_rho;           ///< (chunk), out
  Vector<double> scalar_out;        ///< (chunk), out: one more number a point
  Vector<double> growth, log_mass;  ///< (chunk), out; empty unless the density grows
  Matrix<double> x_out, x_out2;     ///< (n_dims, chunk), out: numbers by coordinate
  Vector<double>::HostMirror tau_host, log_rho_host, scalar_out_host, growth_host, log_mass_host;
  Matrix<double>::HostMirror x_host, x_out_host, x_out2_host, uniforms_host, condition_rows_host;
};

/// Throws Error (bad input) unless x has n_columns numbers for each time.
void require_shape(const std::vector<double>& t, const std::vector<double>& x, std::size_t n_columns);

}  // namespace rhoflux::inference
