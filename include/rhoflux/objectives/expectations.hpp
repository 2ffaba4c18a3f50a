#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/lattice.hpp"
#include "rhoflux/device/units.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/condition_table.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {

/// What an Expectations is made for.
struct ExpectationOptions {
  TermKind kind = TermKind::integral;  ///< one of the expectations
  Units units;
  flux::Volatility volatility;           ///< g that the drift is for
  int max_samples = default_chunk_size;  ///< of one call
};

/// The terms of one kind that are expectations under the model (model.md sections 3 and 4): integrals over
/// time,
///   sum_k w_k int E_{x ~ rho_t} h_k dt,
/// or expectations at one end of the time range. Exact samples, at stratified times; the gradient is the
/// pathwise one or that of the score function with the mean of neighbouring samples, the own group left out,
/// as its baseline. Nothing is allocated in a call.
template <class Scalar>
class Expectations {
 public:
  /// @param dynamics made for Use::adjoint; outlives the object
  /// @param conditions of the samples that `accumulate` draws; empty where the model has none
  Expectations(const Config& config, flux::Dynamics<Scalar>& dynamics, const ExpectationOptions& options,
               const ConditionTable<Scalar>& conditions = {});
  ~Expectations();

  int n_terms() const { return static_cast<int>(m_terms.size()); }
  const std::string& name(int k) const { return m_terms[static_cast<std::size_t>(k)].name; }
  const TermSchedule& schedule(int k) const { return m_terms[static_cast<std::size_t>(k)].schedule; }

  /// Adds the parts of samples first_sample .. first_sample + n to the estimate of each term and to the share of
  /// samples that is saturated (totals, (2, n_terms), in the memory of the execution space), and weights[k] times its gradient to parameters_bar
  /// (layout size; empty: the values alone). First_sample and n are multiples of Config::samples_per_block.
  void accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters, const SampleConfig& config,
                  std::int64_t first_sample, int n, const std::vector<double>& weights,
                  const Vector<Scalar>& parameters_bar, const Matrix<double>& totals);

  /// States that others have found, e.g. by simulating paths.
  struct GivenStates {
    density::Points<Scalar> points;  ///< model units; those of a group have the same time
    double share = 1;                ///< of each in the values
    double saturated_share = 1;      ///< of each in the count of those that are saturated
    SampleConfig config;             ///< key of random signs, with the number of the first
    std::int64_t first_sample = 0;
  };
  /// Adds share * sum h to `totals` and, unless parameters_bar is empty, share * weights[k] times its
  /// derivatives by the parameters to parameters_bar and by the states, which do not depend on the parameters
  /// here, to x_bar() (n_dims, n).
  void accumulate_at(const ExecutionSpace& space, const Vector<Scalar>& parameters, const GivenStates& states,
                     const std::vector<double>& weights, const Vector<Scalar>& parameters_bar,
                     const Matrix<double>& totals);
  const Matrix<Scalar>& x_bar() const { return m_bar.x; }

 private:
  flux::DynamicsBar<Scalar> dynamics_bar() const {
    return {m_bar.drift, m_bar.log_rho, m_bar.growth, m_bar.log_mass, m_bar.share_energy};
  }
  struct ScheduledTerm {
    std::string name;
    TermSchedule schedule;
    std::unique_ptr<ExpectationTerm<Scalar>> term;
  };
  void allocate(int max_samples);
  void add(const ExecutionSpace& space, const Vector<Scalar>& parameters, const GivenStates& states,
           const Matrix<double>& uniforms, const std::vector<double>& weights, const Matrix<double>& totals,
           const Vector<Scalar>& parameters_bar);

  TermKind m_kind;
  Estimator m_estimator;
  int m_group, m_block;  ///< samples of one time, and of one baseline
  std::vector<ScheduledTerm> m_terms;
  bool m_has_unevaluated = false;  ///< a term evaluates the dynamics at points of its own
  flux::Dynamics<Scalar>& m_dynamics;
  DeviceUnits<Scalar> m_units;
  bool m_has_diffusion;
  Vector<double> m_volatility_times, m_volatility_values;  ///< knots of g
  Matrix<double> m_uniforms;
  ShiftedLattice m_lattice;  ///< for samples of which no two must be independent
  ConditionTable<Scalar> m_conditions;
  density::Points<Scalar> m_points;
  flux::DynamicsViews<Scalar> m_motion;
  Vector<Scalar> m_t, m_log_rho;    ///< units of the data
  Vector<Scalar> m_growth, m_mass;  ///< of a density that grows, 1/time and M
  Matrix<Scalar> m_x, m_drift;      ///< units of the data
  ModelSamplesBar<Scalar> m_bar;
  Matrix<Scalar> m_unevaluated_x_bar;  ///< (n_dims, n) model units
};

extern template class Expectations<float>;
extern template class Expectations<double>;

}  // namespace rhoflux::objectives
