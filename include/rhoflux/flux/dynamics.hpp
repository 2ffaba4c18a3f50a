#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rhoflux/density/density.hpp"
#include "rhoflux/density/ensemble.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/flux/config.hpp"
#include "rhoflux/flux/divergence_free.hpp"
#include "rhoflux/flux/flux.hpp"
#include "rhoflux/flux/mass_curve.hpp"

namespace rhoflux::flux {

/// Results of one evaluation; views of the caller.
template <class Scalar>
struct DynamicsViews {
  Vector<Scalar> log_rho;  ///< (n)
  /// (n_dims, n) v = j / rho; empty: only log_rho is wanted, drift_bar of the adjoint must then be zero
  Matrix<Scalar> velocity;
  Matrix<Scalar> score;  ///< (n_dims, n) d log rho / dx; empty: not wanted
  Matrix<Scalar> drift;  ///< (n_dims, n) u = v + diffusion * score; empty: not wanted
  /// (n_dims, n) g^2 / 2 by coordinate in model units, dx^2 / dtau; empty: 0, then drift = v
  Matrix<Scalar> diffusion;
  Vector<Scalar> growth = {};    ///< (n) growth rate r, 1/dtau; empty: not wanted; 0 unless the density grows
  Vector<Scalar> log_mass = {};  ///< (n) log M; empty: not wanted
  /// (n) r - M'/M, which does not jump at the times whose masses are given as r does; not beside `growth`; empty: not wanted
  Vector<Scalar> relative_growth = {};
};

/// Adjoints that Dynamics::adjoint starts from. The scalar whose derivative it adds is
///   sum_s <drift_bar_s, u_s> + log_rho_bar_s log rho_s + growth_bar_s r_s + log_mass_bar_s log M_s.
template <class Scalar>
struct DynamicsBar {
  Matrix<Scalar> drift;              ///< (n_dims, n)
  Vector<Scalar> log_rho;            ///< (n)
  Vector<Scalar> growth = {};        ///< (n); empty: zero
  Vector<Scalar> log_mass = {};      ///< (n); empty: zero
  Matrix<Scalar> share_energy = {};  ///< (n_dims, n) see FluxBar; empty: none
};

/// Density and drift as one model (model.md sections 1 and 2): rho from a density family, and
///   u = j / rho + g^2 / 2 grad log rho
/// of dX = u dtau + g dW, for which the Fokker-Planck equation holds for every value of the parameters. The
/// flux j is a base flux and, where configured, a learnable divergence-free part. Where the density grows, the population
/// n = M rho has a growth rate r besides (model.md section 10):
///   d_tau n + div(u n) - g^2 / 2 lap n = n r.
template <class Scalar>
class Dynamics {
 public:
  /// The functions that the workspace is made for; each includes those before it. `density`: the density and the
  /// parameter layout alone.
  enum class Use { density, drift, adjoint };
  struct Capacity {
    int samples = default_chunk_size;  ///< of one call
    Use use = Use::adjoint;
    MatrixPrecision precision = MatrixPrecision::full;
  };

  /// Throws Error (bad input) where the configuration does not fit the family or the dimension.
  Dynamics(const density::Config& density, const Config& config, int n_dims, const Capacity& capacity);

  density::Density<Scalar>& density() { return *m_density; }
  const density::Density<Scalar>& density() const { return *m_density; }
  const Config& config() const { return m_config; }
  int n_dims() const { return m_density->n_dims(); }
  /// True if the density grows.
  bool grows() const { return m_mass != nullptr; }
  /// True if it has growth shares that are learned.
  bool learns_shares() const { return m_learns_shares; }
  /// Densities of which the model is the mean; 1: a density alone.
  int n_members() const;
  /// From now on the density is that of member k (0 to n_members - 1), with the parameters of all, and so is what follows
  /// from it; the divergence-free part and the mass are of all. `adjoint` is for a member alone. See MemberScope.
  void select_member(int k);
  void select_all_members();
  /// Parameters of the density, then those of the divergence-free part and of the mass.
  const network::ParameterLayout& layout() const { return m_layout; }
  /// The entries of the parameters of each member, and last those that the members share, where there are any. Of a density
  /// alone: all.
  std::vector<Range> parts() const;
  std::vector<double> initialise(const density::InitialRows& rows, std::uint64_t seed) const;
  /// See Density::set_gradient_listener.
  void set_gradient_listener(GradientListener* listener);

  /// True if the velocity itself needs the score, so that it costs an adjoint pass.
  bool velocity_needs_score() const {
    return m_config.divergence_free == DivergenceFree::density_weighted && m_divergence_free;
  }

  /// Fills what `motion` asks for.
  void evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const density::Points<Scalar>& points, const DynamicsViews<Scalar>& motion);

  /// The same at exact draws from rho at the times points.tau, which are written to points.x: one pass for
  /// both.
  /// @param uniforms (uniforms_per_sample, n), see Density::sample
  void evaluate_at_samples(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                           const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                           const DynamicsViews<Scalar>& motion);

  /// Adds the derivatives of the scalar of DynamicsBar to parameters_bar (layout size; empty: leave them out) and x_bar
  /// (n_dims, n), at the points of the last call of `evaluate`, of
  /// which `motion` is what was given there. The diffusion counts as a constant. With StateKind::sampled the
  /// states are functions of the parameters: what x_bar holds before the call (the objective's own derivative
  /// by x) and what is added to it here goes on to parameters_bar, the pathwise gradient of an expectation
  /// under rho.
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const density::Points<Scalar>& points, const DynamicsViews<Scalar>& motion,
               const DynamicsBar<Scalar>& bar, StateKind states, const Vector<Scalar>& parameters_bar,
               const Matrix<Scalar>& x_bar);

 private:
  bool needs_score(const DynamicsViews<Scalar>& motion) const;
  void add_mass(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const density::Points<Scalar>& points, const DynamicsViews<Scalar>& motion);

  Config m_config;
  bool m_learns_shares;
  std::unique_ptr<density::Density<Scalar>> m_density;
  density::Ensemble<Scalar>* m_ensemble = nullptr;  ///< m_density, if it is the mean of several
  network::ParameterLayout m_layout;
  std::unique_ptr<Flux<Scalar>> m_flux;
  std::unique_ptr<DivergenceFreePart<Scalar>> m_divergence_free;
  std::unique_ptr<MassCurve<Scalar>> m_mass;  ///< of a density that grows
  Vector<Scalar> m_growth;                    ///< where nobody wants it
  Matrix<Scalar> m_velocity;                  ///< where nobody wants it
  Matrix<Scalar> m_score, m_score_bar;
  Vector<Scalar> m_log_rho_bar;
};

/// While it lives, the dynamics are those of one member of the ensemble; afterwards of all, also where an exception ended
/// the life.
template <class Scalar>
class MemberScope {
 public:
  MemberScope(Dynamics<Scalar>& dynamics, int k) : m_dynamics(dynamics) { dynamics.select_member(k); }
  ~MemberScope() { m_dynamics.select_all_members(); }
  MemberScope(const MemberScope&) = delete;
  MemberScope& operator=(const MemberScope&) = delete;

 private:
  Dynamics<Scalar>& m_dynamics;
};

/// Order of the parameters, without a workspace.
network::ParameterLayout layout_of(const density::Config& density, const Config& config, int n_dims);

extern template class Dynamics<float>;
extern template class Dynamics<double>;

}  // namespace rhoflux::flux
