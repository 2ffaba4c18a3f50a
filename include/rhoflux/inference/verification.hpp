#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/flux/config.hpp"
#include "rhoflux/inference/quadrature.hpp"
#include "rhoflux/inference/verified_model.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::inference {

struct VerificationOptions {
  int points = 0;               ///< of the Fokker-Planck residual; 0: default_residual_points()
  int samples = 10000;          ///< of the Kolmogorov-Smirnov test
  QuadratureConfig quadrature;  ///< of the mass
  int mass_points = 20000;      ///< of the mass by importance sampling
  int mass_centres = 2000;      ///< kernels of the density that these are drawn from
  std::uint64_t seed = 1;
  flux::Volatility volatility;  ///< g that the drift of the model is for
  /// Called on every rank with a line that says how far a check has come, if it takes longer than some seconds.
  std::function<void(const std::string&)> progress;
  double progress_seconds = 5;  ///< between two lines
};

/// Points of the Fokker-Planck residual: 500, in more than 10 dimensions 50000 / D^2 and at least 16, for a point costs
/// 4 D + 5 evaluations, of which each costs more.
int default_residual_points(int n_dims);

/// What a check has found. Not decided: its own method is not accurate enough for this model.
enum class Verdict { passed, failed, not_decided };

/// One check: a figure, what it may be, and what follows.
struct Check {
  std::string name;
  double value = 0;
  double bound = 0;
  Verdict verdict = Verdict::not_decided;
  std::string note;  ///< how it was checked; where it is not decided, what would decide
};

/// Checks of what must hold for every model (model.md section 5): the Fokker-Planck equation at samples of
/// the model by central differences; with growth the mean growth rate; conditionals against their distribution functions; the mass, by adaptive
/// quadrature (D <= 2), or that of each conditional (D <= 10) and of the whole by importance sampling; the flux
/// beyond the tails; samples against the conditional distribution functions. Collective; the figures do not depend
/// on the number of ranks.
std::vector<Check> verify(const VerifiedModel& model, const mpi::Communicator& comm,
                          const VerificationOptions& options);

/// The same of a trained model.
std::vector<Check> verify(const Inference& inference, const mpi::Communicator& comm,
                          const VerificationOptions& options);

}  // namespace rhoflux::inference

namespace rhoflux {

template <>
struct EnumText<inference::Verdict> {
  static constexpr EnumName<inference::Verdict> names[] = {{"passed", inference::Verdict::passed},
                                                           {"failed", inference::Verdict::failed},
                                                           {"not decided", inference::Verdict::not_decided}};
};

}  // namespace rhoflux
