#pragma once

#include <optional>

#include "rhoflux/inference/verification.hpp"

/// The checks of verify(), one subject a file. All are collective and give the same bits on any number of
/// ranks.
namespace rhoflux::inference {

/// Streams of samples, one a use, so that no two uses share samples.
namespace stream {
constexpr std::uint64_t residual = 1000, importance = 1001, kolmogorov_smirnov = 1003, conditionals = 1004;
}

/// `count` times in (0, 1), one in each of as many equal intervals.
std::vector<double> stratified_times(int count, std::uint64_t seed);

/// d_tau rho = -div(u rho) + sum_i g_i^2 / 2 d_i^2 rho at samples: the largest residual and the RMS.
std::vector<Check> check_equation(const VerifiedModel& model, const mpi::Communicator& comm,
                                  const VerificationOptions& options);

/// int rho dx at tau = 0, 1/2, 1 of a model in one or two dimensions.
Check check_mass_by_quadrature(const VerifiedModel& model, const mpi::Communicator& comm);

/// int f_i dx_i = 1 for every conditional f_i at some samples of the coordinates before it.
Check check_mass_of_conditionals(const VerifiedModel& model, const mpi::Communicator& comm,
                                 const VerificationOptions& options);

/// int rho dx at tau = 1/2 by importance sampling; nothing where it cannot tell, as in many dimensions.
std::optional<Check> check_mass_by_sampling(const VerifiedModel& model, const mpi::Communicator& comm,
                                            const VerificationOptions& options);

/// No mass crosses x_i = -50 and x_i = 50.
Check check_far_flux(const VerifiedModel& model, const mpi::Communicator& comm,
                     const VerificationOptions& options);

/// Samples follow the conditional distribution functions (Kolmogorov-Smirnov).
Check check_samples(const VerifiedModel& model, const mpi::Communicator& comm,
                    const VerificationOptions& options);

}  // namespace rhoflux::inference
