#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/device/lattice.hpp"
#include "rhoflux/device/units.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {

template <class Scalar>
class JacobianSymmetry;

/// Terms that are expectations under the model (model.md sections 3 and 4): integrals over time,
///   sum_k w_k int E_{x ~ rho_t} h_k dt,
/// or expectations at one end of the time range. Exact draws, at stratified times; the gradient is the
/// pathwise one or that of the score function with the mean of neighbouring draws, the own group left out,
/// as its baseline. Nothing is allocated in a call.
template <class Scalar>
class Expectations {
 public:
  enum class When { integral, initial, terminal };

  /// @param dynamics made with motion and derivatives; outlives the object
  /// @param noise g that the drift is for
  Expectations(const Config& config, When when, const Units& units, const flux::Volatility& noise,
               flux::Dynamics<Scalar>& dynamics, int max_samples);
  ~Expectations();

  int n_terms() const { return static_cast<int>(m_names.size()); }
  const std::string& name(int k) const { return m_names[static_cast<std::size_t>(k)]; }
  const Term& schedule(int k) const { return m_schedules[static_cast<std::size_t>(k)]; }

  /// Adds the parts of draws first_sample .. first_sample + n to the estimate of each term (values, n_terms;
  /// `clipped` is the share of draws) and weights[k] times its gradient to parameters_bar (layout size;
  /// empty: the values alone). First_sample and n are multiples of Config::samples_per_block.
  void accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters, const SampleConfig& config,
                  std::int64_t first_sample, int n, const std::vector<double>& weights,
                  const Vector<Scalar>& parameters_bar, TermSums* values);

  /// GivenStates that others have found, e.g. by moving particles.
  struct GivenStates {
    density::Points<Scalar> points;  ///< model units; those of a group have the same time
    double share = 1;                ///< of each in the values
    double clip_share = 1;           ///< of each in the count of those that are clipped
    SampleConfig config;             ///< key of random signs, with the number of the first
    std::int64_t first_sample = 0;
  };
  /// Adds share * sum h to `values` and, unless parameters_bar is empty, share * weights[k] times its
  /// derivatives by the parameters to parameters_bar and by the states, which do not depend on the parameters
  /// here, to x_bar() (n_dims, n).
  void accumulate_at(const ExecutionSpace& space, const Vector<Scalar>& parameters, const GivenStates& states,
                     const std::vector<double>& weights, const Vector<Scalar>& parameters_bar,
                     TermSums* values);
  const Matrix<Scalar>& x_bar() const { return m_bar.x; }

 private:
  void add(const ExecutionSpace& space, const Vector<Scalar>& parameters, const GivenStates& states,
           const Matrix<double>& uniforms, const std::vector<double>& weights, TermSums* values,
           const Vector<Scalar>& parameters_bar);

  When m_when;
  Estimator m_estimator;
  int m_group, m_block;  ///< draws of one time, and of one baseline
  std::vector<std::string> m_names;
  std::vector<Term> m_schedules;
  std::vector<ScheduledTerm<Scalar>> m_terms;
  std::unique_ptr<JacobianSymmetry<Scalar>> m_symmetry;  ///< null: not asked for; else the last of the terms
  flux::Dynamics<Scalar>& m_dynamics;
  DeviceUnits<Scalar> m_units;
  bool m_has_noise;
  Vector<double> m_noise_times, m_noise_values;  ///< knots of g
  Matrix<double> m_uniforms;
  ShiftedLattice m_lattice;  ///< for draws of which no two must be independent
  density::Points<Scalar> m_points;
  flux::DynamicsViews<Scalar> m_motion;
  ModelSamples<Scalar> m_draws;
  ModelSamplesBar<Scalar> m_bar;
  Matrix<Scalar> m_symmetry_x_bar;  ///< (n_dims, n) model units
};

extern template class Expectations<float>;
extern template class Expectations<double>;

}  // namespace rhoflux::objectives
