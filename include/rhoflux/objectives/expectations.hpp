#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/running_term.hpp"

namespace rhoflux::objectives {

/// Between the units of the data and of the model: x = mean + scale x_model, t = t_first + time_span tau.
struct Units {
  std::vector<double> mean, scale;  ///< (n_dims)
  double t_first = 0, time_span = 1;
};

/// Which draws: sample s of a step has its time in stratum s of `samples` equal parts of the time range, so
/// that the draws of a step are the same however they are split over ranks.
struct DrawConfig {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t samples = 0;  ///< over all ranks
};

/// Terms that are integrals over time of expectations under the model (model.md sections 3 and 4),
///   sum_k w_k int E_{x ~ rho_t} h_k dt,
/// by exact draws at stratified times, with the pathwise gradient. Nothing is allocated in a call.
template <class Scalar>
class Expectations {
 public:
  /// @param dynamics made with motion and derivatives; outlives the object
  /// @param noise g that the drift is for
  Expectations(const Config& config, const Units& units, const flux::Noise& noise,
               flux::Dynamics<Scalar>& dynamics, int max_samples);

  int n_terms() const { return static_cast<int>(m_terms.size()); }
  std::string name(int k) const { return m_terms[static_cast<std::size_t>(k)].term->name(); }
  /// Steps before a term acts.
  std::int64_t start(int k) const { return m_terms[static_cast<std::size_t>(k)].schedule.start; }
  /// Weight of a term in the step after `step` steps.
  double weight(int k, std::int64_t step) const {
    return m_terms[static_cast<std::size_t>(k)].schedule.at(step);
  }

  /// Adds the parts of draws first_sample .. first_sample + n to the estimate of each term (values, n_terms)
  /// and weights[k] times its gradient to parameters_bar (layout size).
  void accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters, const DrawConfig& config,
                  std::int64_t first_sample, int n, const std::vector<double>& weights,
                  const Vector<Scalar>& parameters_bar, double* values);

 private:
  void draw(const ExecutionSpace& space, const Vector<Scalar>& parameters, const DrawConfig& config,
            std::int64_t first_sample, int n);
  void to_data_units(const ExecutionSpace& space, int n);
  void to_model_units(const ExecutionSpace& space, int n);

  std::vector<ScheduledTerm<Scalar>> m_terms;
  flux::Dynamics<Scalar>& m_dynamics;
  double m_t_first, m_time_span, m_log_volume;
  bool m_has_noise;
  Vector<Scalar> m_mean, m_scale;                ///< (n_dims)
  Vector<double> m_noise_times, m_noise_values;  ///< knots of g
  Matrix<double> m_uniforms;
  density::Points<Scalar> m_points;
  flux::Motion<Scalar> m_motion;
  Draws<Scalar> m_draws;
  DrawsBar<Scalar> m_bar;
};

extern template class Expectations<float>;
extern template class Expectations<double>;

}  // namespace rhoflux::objectives
