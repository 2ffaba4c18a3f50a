#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rhoflux/device/backend.hpp"
#include "rhoflux/flux/config.hpp"
#include "rhoflux/network/masked_network.hpp"

namespace rhoflux::flux {

/// The mass M(tau) of a population that grows (model.md (10.2)):
///   log M = linear interpolation of the given log masses + b(tau) h(tau),
/// with b = 4 s (1 - s) on each interval between two given times, s in [0, 1], so that M keeps the given masses; h is a
/// small network of time, zero at the start. Beyond the given times log M goes on straight. Without given masses M = 1.
template <class Scalar>
class MassCurve {
 public:
  /// Appends the parameters of h to `layout`. @param times features of time
  MassCurve(const MassKnots& mass, const network::FourierConfig& times, int max_samples, Passes passes,
            MatrixPrecision precision, network::ParameterLayout& layout);

  /// Random hidden layer, zero output; writes this network's parameters only.
  void initialise(std::vector<double>& parameters, std::uint64_t seed) const;
  /// See Density::set_gradient_listener.
  void set_gradient_listener(GradientListener* listener);

  /// log M (n) and adds its rate dlog M / dtau (n) to `growth`; either may be empty.
  void evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const ConstVector<Scalar>& tau, const Vector<Scalar>& log_mass, const Vector<Scalar>& growth);
  /// Adds the derivatives of sum_s log_mass_bar_s log M_s + growth_bar_s dlog M / dtau_s at the times of the last call of
  /// `evaluate` to parameters_bar. Either adjoint may be empty.
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const ConstVector<Scalar>& tau, const ConstVector<Scalar>& log_mass_bar,
               const ConstVector<Scalar>& growth_bar, const Vector<Scalar>& parameters_bar);

 private:
  Vector<Scalar> m_tau, m_log_mass;  ///< knots; empty: M = 1
  Vector<Scalar> m_ones;             ///< (n) rate of tau
  std::unique_ptr<network::MaskedNetwork<Scalar>> m_network;
};

extern template class MassCurve<float>;
extern template class MassCurve<double>;

}  // namespace rhoflux::flux
