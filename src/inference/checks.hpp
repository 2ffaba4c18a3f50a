#pragma once

#include "rhoflux/inference/progress.hpp"
#include "rhoflux/inference/verification.hpp"

/// The checks of verify(), one subject a file. All are collective and give the same bits on any number of
/// ranks.
namespace rhoflux::inference {

/// Streams of samples, one a use, so that no two uses share samples.
namespace stream {
constexpr std::uint64_t residual = 1000, importance = 1001, kolmogorov_smirnov = 1003, conditionals = 1004,
                        distribution_functions = 1005, tails = 1006, growth = 1007;
}

/// In more dimensions than this each check costs so much that it looks at fewer points: an evaluation costs more, and
/// the equation and the conditionals need a number of them that grows with the dimension.
constexpr int many_dims = 10;

/// The mass that a conditional may have on either side of what is looked at, e^log_negligible_mass for each logistic.
constexpr double log_negligible_mass = -27.631021115928547;  // log 1e-12

/// `count` times in (0, 1), one in each of as many equal intervals.
std::vector<double> stratified_times(int count, std::uint64_t seed);

/// Lines that say how far a check is. @param count items that this rank has to do
Progress progress_of(const VerificationOptions& options, const std::string& what, std::int64_t count);

/// passed or failed by whether the figure is at most its bound; a figure that is not a number fails.
Verdict verdict_of(double value, double bound);

/// d_tau n = -div(u n) + sum_i g_i^2 / 2 d_i^2 n + n r at samples, n = M rho (without growth M = 1 and r = 0): the largest
/// residual and the RMS.
std::vector<Check> check_equation(const VerifiedModel& model, const mpi::Communicator& comm,
                                  const VerificationOptions& options);

/// F_i is the distribution function of f_i for every conditional, at samples: its limits are 0 and 1, its derivative is
/// f_i, and its differences are integrals of f_i.
Check check_conditionals(const VerifiedModel& model, const mpi::Communicator& comm,
                         const VerificationOptions& options);

/// int rho dx at tau = 0, 1/2, 1 of a model in one or two dimensions.
Check check_mass_by_quadrature(const VerifiedModel& model, const mpi::Communicator& comm,
                               const VerificationOptions& options);

/// int f_i dx_i = 1 for every conditional f_i at some samples of the coordinates before it.
Check check_mass_of_conditionals(const VerifiedModel& model, const mpi::Communicator& comm,
                                 const VerificationOptions& options);

/// int rho dx at tau = 1/2 by importance sampling; not decided where too few points count, as in many dimensions.
Check check_mass_by_sampling(const VerifiedModel& model, const mpi::Communicator& comm,
                             const VerificationOptions& options);

/// E_rho[r] = M' / M of a model whose density grows (model.md (10.1)).
Check check_mean_growth(const VerifiedModel& model, const mpi::Communicator& comm,
                        const VerificationOptions& options);

/// No mass crosses planes x_i = const that lie beyond the tails of all conditionals.
Check check_far_flux(const VerifiedModel& model, const mpi::Communicator& comm,
                     const VerificationOptions& options);

/// Samples follow the conditional distribution functions (Kolmogorov-Smirnov).
Check check_samples(const VerifiedModel& model, const mpi::Communicator& comm,
                    const VerificationOptions& options);

}  // namespace rhoflux::inference
