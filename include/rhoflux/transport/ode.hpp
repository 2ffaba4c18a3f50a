#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/density/density.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/transport/drift.hpp"

namespace rhoflux::transport {

/// Accuracy of the ODE: a step is accepted where the root mean square over the coordinates of
///   error_i / (absolute_tolerance + relative_tolerance max(|x_i before|, |x_i after|))
/// is at most one; over the coordinates and the log weight, whose error counts in the same way, where particles carry
/// weights. Times are in units of tau.
struct OdeConfig {
  double relative_tolerance = 1e-6;
  double absolute_tolerance = 1e-8;  ///< standardised units
  double first_step = 0.01;          ///< the step that a particle tries first, either direction
  int max_steps = 100000;            ///< accepted and rejected steps of one particle in one call

  /// Throws Error (bad input) with the key and the allowed range.
  void validate() const;
};

/// What one call of DormandPrince::advance took.
struct OdeReport {
  int rounds = 0;             ///< steps tried by the slowest particle; each costs six drifts of all particles
  std::int64_t accepted = 0;  ///< steps of all particles
  std::int64_t rejected = 0;  ///< steps of all particles
};

/// Why a particle cannot be followed further.
enum class PathFailure {
  step_vanishes,   ///< of the ODE: the drift is not finite or grows without bound
  too_many_steps,  ///< of the ODE: OdeConfig::max_steps
  not_finite       ///< of the SDE, whose steps nothing shortens
};
const char* to_text(PathFailure reason);

/// Where the path of a particle ends that cannot be followed further.
struct PathEnd {
  int particle = 0;       ///< number in the call
  double tau = 0;         ///< end of the last accepted step
  std::vector<double> x;  ///< (n_dims), there
  PathFailure reason = PathFailure::step_vanishes;
};

/// What is integrated along the paths beside the states; views of the caller.
struct PathIntegrals {
  ConstVector<double> metric;      ///< (n_dims) m
  Vector<double> energy;           ///< (n), increased by E, see DormandPrince
  Vector<double> log_weight = {};  ///< (n), increased by int r dtau, dtau with its sign; empty: no weights
};

namespace detail {
/// One column or entry a particle, up to the capacity.
struct OdeWorkspace {
  Matrix<double> slopes;           ///< (n_dims, 7 * capacity) k_1 .. k_7, stage by stage
  Vector<double> growth_slopes;    ///< (7 * capacity) the same of the log weights
  density::Points<double> stage;   ///< where the drift is evaluated; after stage 7 the end of the step
  Vector<double> step;             ///< signed step that is tried; 0 for a particle that has arrived
  Vector<double> tau_next;         ///< where it ends
  Vector<double> natural_step;     ///< length that the error estimates ask for
  Vector<double> error;            ///< norm of the last tried step
  Vector<double> previous_error;   ///< of the last accepted step that was not cut short
  Vector<int> status;              ///< an OdeStatus
  Vector<int> accepted, rejected;  ///< steps of this call
  OdeWorkspace(int n_dims, int capacity);
  int n_dims() const { return static_cast<int>(slopes.extent(0)); }
  int capacity() const { return static_cast<int>(step.extent(0)); }
};
}  // namespace detail

/// dx/dtau = u(tau, x) by the pair of orders 5(4) of Dormand & Prince (J. Comput. Appl. Math. 6, 1980); the
/// solution of order 5 is kept. Every particle has its own time and, in advance, its own step: what happens
/// to one does not depend on the others. Allocates only in the constructor.
///
/// The kinetic energy of a path, with a metric m given by its diagonal,
///   E = int sum_i m_i u_i(tau, x(tau))^2 |dtau|,
/// is integrated as one more unknown with the weights of order 5; it does not enter the error estimate. So is the log
/// weight of particles that carry weights, model.md (10.9), d log w = r dtau; it does enter the estimate: where the drift
/// vanishes, nothing else would keep the steps short enough for a rate that changes.
class DormandPrince {
 public:
  /// @param capacity largest number of particles of one call
  DormandPrince(int n_dims, int capacity) : m_workspace(n_dims, capacity) {}

  /// Forgets the steps of earlier particles: each of the next n tries config.first_step first.
  void start(const ExecutionSpace& space, const OdeConfig& config, int n_particles);

  /// Moves every particle forwards or backwards in time to exactly tau_end. A particle's step is remembered
  /// from call to call, so that a path may be followed through many output times; start comes before the
  /// first. A step in which the drift is not finite is repeated with a fifth of the length.
  /// A particle fails where its step vanishes or max_steps are exceeded. It stays where its last accepted step ended,
  /// in later calls too, and the others go on as if it were not there; see failures().
  /// @param points in and out: tau (n), x (n_dims, n)
  /// @param integrals in and out: increased by those of this call
  OdeReport advance(const ExecutionSpace& space, const Drift& drift, const OdeConfig& config,
                    const density::Points<double>& points, double tau_end, const PathIntegrals& integrals);

  /// The particles that have failed since the last start, in the order of their numbers.
  /// @param points of the last call of advance
  std::vector<PathEnd> failures(const density::Points<double>& points) const;

  /// One step of order 5 of every particle from its own time to tau + dtau, of either sign, without control
  /// of the error: for a cost that is known in advance, and to measure the order. Six drifts; independent of
  /// start. Arguments as for advance.
  void fixed_step(const ExecutionSpace& space, const Drift& drift, const density::Points<double>& points,
                  double dtau, const PathIntegrals& integrals);

 private:
  void check_call(const density::Points<double>& points, const PathIntegrals& integrals) const;

  detail::OdeWorkspace m_workspace;
  int m_n_started = 0;
};

}  // namespace rhoflux::transport
