#include <stdexcept>
#include <utility>

#include "fluxes.hpp"

namespace rhoflux::flux {
namespace {

/// The mean of the members' fluxes, so with the shares w_k = rho_k / (K rho) of the members
///   v = sum_k w_k v_k,   G = sum_k w_k G_k   (model.md (12.2)),
/// for the equation is linear in density and flux. While a member is selected, its flux.
template <class Scalar>
class EnsembleFlux : public Flux<Scalar> {
 public:
  EnsembleFlux(density::Ensemble<Scalar>& ensemble, std::vector<std::unique_ptr<Flux<Scalar>>> members);

  void velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                const FluxViews<Scalar>& views) override;
  void score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
             const density::Points<Scalar>& points, const Matrix<Scalar>& score) override;
  /// Of the selected member.
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) override;

 private:
  Flux<Scalar>& member(int k) const { return *m_members[static_cast<std::size_t>(k)]; }

  density::Ensemble<Scalar>& m_ensemble;
  std::vector<std::unique_ptr<Flux<Scalar>>> m_members;
  Matrix<Scalar> m_by_coordinate;  ///< (n_dims, K samples): velocities, then scores
  Matrix<Scalar> m_growth;         ///< (samples, K)
};

template <class Scalar>
EnsembleFlux<Scalar>::EnsembleFlux(density::Ensemble<Scalar>& ensemble,
                                   std::vector<std::unique_ptr<Flux<Scalar>>> members)
    : m_ensemble(ensemble),
      m_members(std::move(members)),
      m_by_coordinate(make_matrix<Scalar>("velocities of members", ensemble.n_dims(),
                                          ensemble.capacity().samples * ensemble.n_members())),
      m_growth(make_matrix<Scalar>("growth of members", ensemble.capacity().samples, ensemble.n_members())) {}

template <class Scalar>
void EnsembleFlux<Scalar>::velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                    const density::Points<Scalar>& points,
                                    const ConstMatrix<double>& uniforms, const FluxViews<Scalar>& views) {
  const int selected = m_ensemble.selected(), n = points.size();
  if (selected >= 0)
    return member(selected).velocity(space, m_ensemble.part_of_member(parameters, selected), points,
                                     m_ensemble.of_a_member(uniforms), views);
  if (uniforms.extent(0) > 0) m_ensemble.sample(space, parameters, points, uniforms);
  const bool grows = views.growth.extent(0) > 0;
  for (int k = 0; k < m_ensemble.n_members(); ++k) {
    FluxViews<Scalar> own = {m_ensemble.log_rho_of_member(k, n),
                             m_ensemble.columns_of_member(m_by_coordinate, k, n), views.growth};
    if (grows) own.growth = Kokkos::subview(m_growth, Kokkos::make_pair(0, n), k);
    member(k).velocity(space, m_ensemble.part_of_member(parameters, k), points, {}, own);
  }
  m_ensemble.mix(space, n, views.log_rho);
  m_ensemble.mean_by_coordinate(space, m_by_coordinate, n, views.velocity);
  if (grows) m_ensemble.mean(space, m_growth, n, views.growth);
}

template <class Scalar>
void EnsembleFlux<Scalar>::score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                 const density::Points<Scalar>& points, const Matrix<Scalar>& score) {
  const int selected = m_ensemble.selected(), n = points.size();
  if (selected >= 0)
    return member(selected).score(space, m_ensemble.part_of_member(parameters, selected), points, score);
  for (int k = 0; k < m_ensemble.n_members(); ++k)
    member(k).score(space, m_ensemble.part_of_member(parameters, k), points,
                    m_ensemble.columns_of_member(m_by_coordinate, k, n));
  m_ensemble.mean_by_coordinate(space, m_by_coordinate, n, score);
}

template <class Scalar>
void EnsembleFlux<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                   const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                                   const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) {
  const int selected = m_ensemble.selected();
  if (selected < 0)
    throw std::logic_error("the adjoint of the flux of an ensemble: its members are trained one by one");
  member(selected).adjoint(space, m_ensemble.part_of_member(parameters, selected), points, bar,
                           m_ensemble.part_of_member(parameters_bar, selected), x_bar);
}

}  // namespace

template <class Scalar>
std::unique_ptr<Flux<Scalar>> make_ensemble_flux(density::Ensemble<Scalar>& ensemble,
                                                 std::vector<std::unique_ptr<Flux<Scalar>>> members) {
  return std::make_unique<EnsembleFlux<Scalar>>(ensemble, std::move(members));
}

template std::unique_ptr<Flux<float>> make_ensemble_flux<float>(density::Ensemble<float>&,
                                                                std::vector<std::unique_ptr<Flux<float>>>);
template std::unique_ptr<Flux<double>> make_ensemble_flux<double>(density::Ensemble<double>&,
                                                                  std::vector<std::unique_ptr<Flux<double>>>);

}  // namespace rhoflux::flux
