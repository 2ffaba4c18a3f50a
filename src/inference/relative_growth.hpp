#pragma once

#include <memory>

#include "rhoflux/flux/mass_curve.hpp"
#include "rhoflux/inference/inference.hpp"

namespace rhoflux::inference {

/// The growth rate of a model that grows in two parts: the relative growth r - M'/M, which is integrated along paths, and
/// the mass, whose change between two times is known. M'/M jumps at the times whose masses are given; steps in time need not
/// know of them.
class RelativeGrowth {
 public:
  /// @param capacity largest number of points of one call
  RelativeGrowth(const Inference& inference, int capacity);

  /// From r to r - M'/M at the times tau (n), both per unit of tau.
  void take_off_mass(const ExecutionSpace& space, const ConstVector<double>& tau,
                     const Vector<double>& growth);
  /// log M at a model time.
  double log_mass(double tau);

 private:
  network::ParameterLayout m_layout;
  std::unique_ptr<flux::MassCurve<double>> m_mass;
  ConstVector<double> m_parameters;  ///< those of the mass, the last ones of the model
  Vector<double> m_rate, m_time, m_log_mass;
};

}  // namespace rhoflux::inference
