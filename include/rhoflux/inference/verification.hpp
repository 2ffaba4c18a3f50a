#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/flux/config.hpp"
#include "rhoflux/inference/verified_model.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::inference {

struct VerificationOptions {
  int points = 500;     ///< of the Fokker-Planck residual
  int samples = 10000;  ///< of the Kolmogorov-Smirnov test
  std::uint64_t seed = 1;
  flux::Volatility volatility;  ///< g that the drift of the model is for
};

/// One check: a figure, what it may be, and whether it is.
struct Check {
  std::string name;
  double value = 0;
  double bound = 0;
  bool passed = false;
  std::string note;
};

/// Checks of what must hold for every model (model.md section 5): the Fokker-Planck equation at samples of
/// the model by central differences; the mass, by adaptive quadrature (D <= 2), or that of each
/// conditional and, where it can tell, by importance sampling; the flux far outside the data; samples against
/// the conditional distribution functions. Collective; the figures do not depend on the number of ranks.
std::vector<Check> verify(const VerifiedModel& model, const mpi::Communicator& comm,
                          const VerificationOptions& options);

/// The same of a trained model.
std::vector<Check> verify(const Inference& inference, const mpi::Communicator& comm,
                          const VerificationOptions& options);

}  // namespace rhoflux::inference
