#pragma once

#include <cstdint>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/density/density.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/transport/drift.hpp"

namespace rhoflux::transport {

/// Schemes for additive noise; weak orders 1 and 2 (Kloeden & Platen 1992, sections 14.1 and 15.1).
enum class SdeScheme { euler_maruyama, heun };

}  // namespace rhoflux::transport

namespace rhoflux {

template <>
struct EnumText<transport::SdeScheme> {
  static constexpr EnumName<transport::SdeScheme> names[] = {{"heun", transport::SdeScheme::heun},
                                                             {"euler", transport::SdeScheme::euler_maruyama}};
};

}  // namespace rhoflux

namespace rhoflux::transport {

/// dX_i = u_i(tau, X) dtau + sigma_i(tau) dW_i with noise that does not depend on the state:
///   euler_maruyama   X' = X + h u(tau, X) + dW
///   heun             X' = X + h/2 (u(tau, X) + u(tau + h, X*)) + dW,  X* = X + h u(tau, X) + dW
/// with the same dW_i = (int sigma_i^2 |dtau|)^(1/2) normal_i in both places. The log weight of particles that carry
/// weights, d log w = r dtau, is one more unknown without noise:
///   euler_maruyama   log w' = log w + h r(tau, X)
///   heun             log w' = log w + h/2 (r(tau, X) + r(tau + h, X*))
/// Allocates only in the constructor.
class StochasticIntegrator {
 public:
  /// @param capacity largest number of particles of one call
  StochasticIntegrator(int n_dims, int capacity);

  /// One step of every particle, each from its own time. No value is checked: a drift that is not finite
  /// shows in x.
  /// @param drift the one that belongs to the direction: backwards in time it is not that of the forward SDE
  /// @param points in and out: tau (n), increased by dtau, and x (n_dims, n)
  /// @param dtau either sign
  /// @param deviation (n_dims) standard deviation of dW of this step
  /// @param normals (n_dims, n) independent standard normal numbers
  /// @param log_weight (n) in and out; empty: no weights
  void step(const ExecutionSpace& space, const Drift& drift, SdeScheme scheme,
            const density::Points<double>& points, double dtau, const ConstVector<double>& deviation,
            const ConstMatrix<double>& normals, const Vector<double>& log_weight = {});

 private:
  int m_n_dims, m_capacity;
  density::Points<double> m_predicted;          ///< X* at tau + h
  Matrix<double> m_slope, m_predicted_slope;    ///< (n_dims, capacity)
  Vector<double> m_growth, m_predicted_growth;  ///< (capacity)
};

/// Copies the particles whose coordinates, and log weights if they carry weights, are all finite: `last` is where each
/// was finite for the last time.
/// @param log_weight (n); empty: no weights
void keep_finite(const ExecutionSpace& space, const density::Points<double>& points,
                 const ConstVector<double>& log_weight, const density::Points<double>& last);

/// Independent standard normal numbers by Box & Muller (1958), a pure function of (seed, step, particle,
/// coordinate): the same for every grouping of the particles.
/// @param particles (n) global numbers of the particles, from 0 to 2^40 - 1
/// @param normals (n_dims, n)
void fill_normals(const ExecutionSpace& space, std::uint64_t seed, std::uint64_t step,
                  const ConstVector<std::int64_t>& particles, const Matrix<double>& normals);

}  // namespace rhoflux::transport
