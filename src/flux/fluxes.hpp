#pragma once

#include <memory>
#include <vector>

#include "rhoflux/density/autoregressive.hpp"
#include "rhoflux/density/ensemble.hpp"
#include "rhoflux/density/factorised.hpp"
#include "rhoflux/flux/flux.hpp"

/// The base fluxes, each made beside the family that it belongs to; every one is a class of its own .cpp file. The
/// density outlives the flux and was made for one tangent, or two where the adjoint is used with a direction.
namespace rhoflux::flux {

template <class Scalar>
std::unique_ptr<Flux<Scalar>> make_triangular(density::Autoregressive<Scalar>& density,
                                              const density::Config& config);
template <class Scalar>
std::unique_ptr<Flux<Scalar>> make_sigmoid(density::Autoregressive<Scalar>& density, const density::Config&);
template <class Scalar>
std::unique_ptr<Flux<Scalar>> make_mixture_flux(density::Factorised<Scalar>& density,
                                                const density::Config& config);
/// @param members the fluxes of the members of the ensemble, in their order
template <class Scalar>
std::unique_ptr<Flux<Scalar>> make_ensemble_flux(density::Ensemble<Scalar>& ensemble,
                                                 std::vector<std::unique_ptr<Flux<Scalar>>> members);

}  // namespace rhoflux::flux
