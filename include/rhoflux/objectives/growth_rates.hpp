#pragma once

#include <cstdint>
#include <memory>

#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/likelihoods.hpp"
#include "rhoflux/objectives/sample_stream.hpp"

namespace rhoflux::objectives {

/// What a GrowthRates is made for.
struct GrowthRatesOptions {
  TermSchedule schedule;
  double time_span = 1;    ///< units of the data
  std::int64_t batch = 0;  ///< B, samples of a step over all ranks
  int max_samples = 0;     ///< evaluated together
};

/// The growth rates of the model against those that rows bring (model.md (10.8c)),
///   (1/B) sum_s weight_s (r_{t_s}(x_s) - r_s)^2,
/// (t_s, x_s, r_s) the samples of a global batch. Nothing is allocated in a call.
template <class Scalar>
class GrowthRates {
 public:
  /// @param dynamics made for Use::adjoint, of a density that grows; outlives the object
  /// @param stream whose rows have growth rates
  GrowthRates(flux::Dynamics<Scalar>& dynamics, const GrowthRatesOptions& options,
              std::shared_ptr<const SampleStream<Scalar>> stream);

  /// Adds the part of some samples to `totals`, and `weight` times its gradient to parameters_bar (layout size).
  void accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters, std::int64_t step,
                  SampleRange samples, double weight, const Vector<Scalar>& parameters_bar,
                  const Matrix<double>& totals);

 private:
  flux::Dynamics<Scalar>& m_dynamics;
  GrowthRatesOptions m_options;
  std::shared_ptr<const SampleStream<Scalar>> m_stream;
  density::Points<Scalar> m_points;
  Vector<Scalar> m_weight, m_rate;  ///< of the rows
  flux::DynamicsViews<Scalar> m_motion;
  flux::DynamicsBar<Scalar> m_bar;  ///< drift and log rho stay zero
  Matrix<Scalar> m_x_bar;           ///< not used further
};

extern template class GrowthRates<float>;
extern template class GrowthRates<double>;

}  // namespace rhoflux::objectives
