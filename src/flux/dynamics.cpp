#include "rhoflux/flux/dynamics.hpp"

#include "fluxes.hpp"

#include "rhoflux/core/error.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::flux {
namespace {

void check(const density::Config& density, const Config& config, int n_dims) {
  config.validate();
  if (density.family == density::Family::factorised && config.kind == Kind::sigmoid)
    fail_input(
        "flux.kind = sigmoid: belongs to model.family = autoregressive; a mixture of products has a flux of "
        "its "
        "own, kind = triangular");
  if (density.grows() && config.kind == Kind::sigmoid)
    fail_input("flux.kind = sigmoid: must be triangular with model.growth = " + enum_to_text(density.growth) +
               ", of which the sigmoid flux has no part");
  if (!density.grows() && !config.mass.t.empty())
    fail_input("data.mass: must be none with model.growth = none");
  if (config.divergence_free != DivergenceFree::none && n_dims < 2)
    fail_input("flux.divergence_free: in one dimension there is no flux without divergence; must be none");
}

/// A density and the flux that is made beside it.
template <class Scalar>
struct Family {
  std::unique_ptr<density::Density<Scalar>> density;
  std::unique_ptr<Flux<Scalar>> flux;             ///< null where the density alone is wanted
  density::Ensemble<Scalar>* ensemble = nullptr;  ///< the density, if it is the mean of several
};

template <class Scalar, class FamilyDensity, class MakeFlux>
Family<Scalar> make_pair_of(std::unique_ptr<FamilyDensity> density, const density::Config& config,
                            bool with_flux, const MakeFlux& make) {
  std::unique_ptr<Flux<Scalar>> flux = with_flux ? make(*density, config) : nullptr;
  return {std::move(density), std::move(flux), nullptr};
}

template <class Scalar>
Family<Scalar> make_family(const density::Config& density, const Config& config, int n_dims,
                           const density::Capacity& capacity, bool with_flux);

template <class Scalar>
Family<Scalar> make_ensemble(const density::Config& density, const Config& config, int n_dims,
                             const density::Capacity& capacity, bool with_flux) {
  std::vector<std::unique_ptr<density::Density<Scalar>>> densities;
  std::vector<std::unique_ptr<Flux<Scalar>>> fluxes;
  for (int k = 0; k < density.n_members; ++k) {
    Family<Scalar> member = make_family<Scalar>(density.of_a_member(), config, n_dims, capacity, with_flux);
    densities.push_back(std::move(member.density));
    fluxes.push_back(std::move(member.flux));
  }
  auto ensemble =
      std::make_unique<density::Ensemble<Scalar>>(density, n_dims, capacity, std::move(densities));
  Family<Scalar> family;
  family.ensemble = ensemble.get();
  if (with_flux) family.flux = make_ensemble_flux<Scalar>(*ensemble, std::move(fluxes));
  family.density = std::move(ensemble);
  return family;
}

template <class Scalar>
Family<Scalar> make_family(const density::Config& density, const Config& config, int n_dims,
                           const density::Capacity& capacity, bool with_flux) {
  density::require_valid(density, n_dims);
  if (density.n_members > 1) return make_ensemble<Scalar>(density, config, n_dims, capacity, with_flux);
  if (density.family == density::Family::factorised)
    return make_pair_of<Scalar>(std::make_unique<density::Factorised<Scalar>>(density, n_dims, capacity),
                                density, with_flux, make_mixture_flux<Scalar>);
  return make_pair_of<Scalar>(std::make_unique<density::Autoregressive<Scalar>>(density, n_dims, capacity),
                              density, with_flux,
                              config.kind == Kind::sigmoid ? make_sigmoid<Scalar> : make_triangular<Scalar>);
}

}  // namespace

template <class Scalar>
Dynamics<Scalar>::Dynamics(const density::Config& density, const Config& config, int n_dims,
                           const Capacity& capacity)
    : m_config(config), m_learns_shares(density.grows() && density.growth_share.is_learned) {
  check(density, config, n_dims);
  // Tangents: the flow, and in the adjoint the direction of the score.
  const bool has_drift = capacity.use != Use::density, has_adjoint = capacity.use == Use::adjoint;
  const int n = capacity.samples, tangents = has_adjoint ? 2 : has_drift ? 1 : 0;
  Family<Scalar> family = make_family<Scalar>(
      density, config, n_dims, {n, tangents, Passes::forward_and_adjoint, capacity.precision}, has_drift);
  m_density = std::move(family.density);
  m_ensemble = family.ensemble;
  m_flux = std::move(family.flux);
  m_layout = m_density->layout();
  const network::FourierConfig time = {density.time_features, density.time_frequency_min,
                                       density.time_frequency_max};
  const Passes passes = has_adjoint ? Passes::forward_and_adjoint : Passes::forward;
  if (config.divergence_free != DivergenceFree::none) {
    m_divergence_free = std::make_unique<DivergenceFreePart<Scalar>>(
        config, time, density.n_conditions, n_dims, has_drift ? n : 1, passes, capacity.precision, m_layout);
  }
  if (density.grows()) {
    m_mass = std::make_unique<MassCurve<Scalar>>(config.mass, time, has_drift ? n : 1, passes,
                                                 capacity.precision, m_layout);
    m_growth = make_vector<Scalar>("growth rate", has_drift ? n : 0);
  }
  if (!has_drift) return;
  m_velocity = make_matrix<Scalar>("velocity", n_dims, n);
  m_score = make_matrix<Scalar>("score", n_dims, n);
  m_score_bar = make_matrix<Scalar>("score adjoint", n_dims, has_adjoint ? n : 0);
  m_log_rho_bar = make_vector<Scalar>("log density adjoint", has_adjoint ? n : 0);
}

template <class Scalar>
int Dynamics<Scalar>::n_members() const {
  return m_ensemble == nullptr ? 1 : m_ensemble->n_members();
}

template <class Scalar>
std::vector<Range> Dynamics<Scalar>::parts() const {
  if (m_ensemble == nullptr) return {{0, m_layout.size()}};
  std::vector<Range> parts;
  const int of_members = m_density->layout().size(), size = of_members / n_members();
  for (int k = 0; k < n_members(); ++k) parts.push_back({k * size, (k + 1) * size});
  if (m_layout.size() > of_members) parts.push_back({of_members, m_layout.size()});
  return parts;
}

template <class Scalar>
void Dynamics<Scalar>::select_member(int k) {
  if (m_ensemble != nullptr) m_ensemble->select(k);
}

template <class Scalar>
void Dynamics<Scalar>::select_all_members() {
  if (m_ensemble != nullptr) m_ensemble->select_all();
}

template <class Scalar>
std::vector<double> Dynamics<Scalar>::initialise(const density::InitialRows& rows, std::uint64_t seed) const {
  std::vector<double> parameters = m_density->initialise(rows, seed);
  parameters.resize(static_cast<std::size_t>(m_layout.size()), 0.0);
  if (m_divergence_free) m_divergence_free->initialise(parameters, seed);
  if (m_mass) m_mass->initialise(parameters, seed);
  return parameters;
}

template <class Scalar>
void Dynamics<Scalar>::set_gradient_listener(GradientListener* listener) {
  m_density->set_gradient_listener(listener);
  if (m_divergence_free) m_divergence_free->set_gradient_listener(listener);
  if (m_mass) m_mass->set_gradient_listener(listener);
}

template <class Scalar>
bool Dynamics<Scalar>::needs_score(const DynamicsViews<Scalar>& motion) const {
  return motion.score.extent(0) > 0 || motion.diffusion.extent(0) > 0 || velocity_needs_score();
}

template <class Scalar>
void Dynamics<Scalar>::evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                const density::Points<Scalar>& points, const DynamicsViews<Scalar>& motion) {
  evaluate_at_samples(space, parameters, points, Matrix<double>(), motion);
}

template <class Scalar>
void Dynamics<Scalar>::evaluate_at_samples(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                           const density::Points<Scalar>& points,
                                           const ConstMatrix<double>& uniforms,
                                           const DynamicsViews<Scalar>& motion) {
  const int n = points.size(), n_dims = this->n_dims();
  const bool is_wanted = motion.velocity.extent(0) > 0;
  const Vector<Scalar> growth = motion.growth.extent(0) > 0            ? motion.growth
                                : motion.relative_growth.extent(0) > 0 ? motion.relative_growth
                                                                       : m_growth;
  m_flux->velocity(space, parameters, points, uniforms,
                   {motion.log_rho, is_wanted ? motion.velocity : m_velocity, growth});
  add_mass(space, parameters, points, motion);
  if (!is_wanted) return;
  const Matrix<Scalar> score = motion.score.extent(0) > 0 ? motion.score : m_score;
  if (needs_score(motion)) m_flux->score(space, parameters, points, score);
  if (m_divergence_free)
    m_divergence_free->add_velocity(space, parameters, points, motion.log_rho, score, motion.velocity);
  if (motion.drift.extent(0) == 0) return;
  const Matrix<Scalar> drift = motion.drift, velocity = motion.velocity, diffusion = motion.diffusion;
  const bool has_noise = diffusion.extent(0) > 0;
  for_each_entry(
      space, "drift", n_dims, n, KOKKOS_LAMBDA(int i, int s) {
        drift(i, s) = velocity(i, s) + (has_noise ? diffusion(i, s) * score(i, s) : Scalar(0));
      });
}

/// log M, and M'/M on top of the growth rate.
template <class Scalar>
void Dynamics<Scalar>::add_mass(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                const density::Points<Scalar>& points, const DynamicsViews<Scalar>& motion) {
  if (motion.growth.extent(0) == 0 && motion.log_mass.extent(0) == 0) return;
  if (m_mass) return m_mass->evaluate(space, parameters, points.tau, motion.log_mass, motion.growth);
  Kokkos::deep_copy(space, motion.growth, Scalar(0));
  Kokkos::deep_copy(space, motion.log_mass, Scalar(0));
}

template <class Scalar>
void Dynamics<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                               const density::Points<Scalar>& points, const DynamicsViews<Scalar>& motion,
                               const DynamicsBar<Scalar>& bar, StateKind states,
                               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) {
  const int n = points.size(), n_dims = this->n_dims();
  const Matrix<Scalar> score_bar = m_score_bar, diffusion = motion.diffusion, drift_bar = bar.drift;
  const Vector<Scalar> to_log_rho = m_log_rho_bar, log_rho_bar = bar.log_rho;
  const bool has_noise = diffusion.extent(0) > 0;
  for_each_entry(
      space, "drift adjoint", n_dims, n, KOKKOS_LAMBDA(int i, int s) {
        score_bar(i, s) = has_noise ? diffusion(i, s) * drift_bar(i, s) : Scalar(0);
        if (i == 0) to_log_rho(s) = log_rho_bar(s);
      });
  const bool has_motion = motion.velocity.extent(0) > 0;
  if (has_motion && m_divergence_free)
    m_divergence_free->adjoint(space, parameters, n, motion.log_rho,
                               motion.score.extent(0) > 0 ? motion.score : m_score, drift_bar, parameters_bar,
                               x_bar, score_bar, to_log_rho);
  const bool has_direction = has_motion && (has_noise || velocity_needs_score());
  m_flux->adjoint(space, parameters, points,
                  {drift_bar, to_log_rho, has_direction ? score_bar : Matrix<Scalar>(), states,
                   grows() ? bar.growth : Vector<Scalar>(), bar.share_energy},
                  parameters_bar, x_bar);
  if (m_mass) m_mass->adjoint(space, parameters, points.tau, bar.log_mass, bar.growth, parameters_bar);
}

network::ParameterLayout layout_of(const density::Config& density, const Config& config, int n_dims) {
  return Dynamics<float>(density, config, n_dims, {1, Dynamics<float>::Use::density}).layout();
}

template class Dynamics<float>;
template class Dynamics<double>;

}  // namespace rhoflux::flux
