#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/random.hpp"
#include "rhoflux/inference/simulated_objective.hpp"
#include "rhoflux/objectives/gaussian_mixture.hpp"

namespace rhoflux::inference {

/// Draws from an endpoint distribution, or rows of its file: (at most n, D), units of the data, the same on
/// every rank. Collective.
std::vector<double> draw_distribution(const data::EndpointSource& given, const mpi::Communicator& comm,
                                      std::int64_t n, std::uint64_t seed, RandomPurpose purpose,
                                      objectives::Spread spread);

/// E[-log rho] of an endpoint distribution, and W2 between it, the model and the paths at its time t, t_first
/// or t_last of the model. Collective.
/// @param ends the paths at that time, (paths, D); empty: there are none, w2_paths is NaN
EndpointFigures compare_distribution(const std::string& name, const data::EndpointSource& given, double t,
                                     const Inference& inference, const std::vector<double>& ends,
                                     const mpi::Communicator& comm, const ObjectiveOptions& options);

}  // namespace rhoflux::inference
