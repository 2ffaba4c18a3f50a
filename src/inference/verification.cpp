#include "rhoflux/inference/verification.hpp"

#include "checks.hpp"
#include "rhoflux/core/random.hpp"

namespace rhoflux::inference {

std::vector<double> stratified_times(int count, std::uint64_t seed) {
  const RandomStream random(seed, RandomPurpose::metrics, 0);
  std::vector<double> tau;
  for (int k = 0; k < count; ++k)
    tau.push_back((k + random.uniforms(static_cast<std::uint64_t>(k), 0).first) / count);
  return tau;
}

std::vector<Check> verify(const VerifiedModel& model, const mpi::Communicator& comm,
                          const VerificationOptions& options) {
  std::vector<Check> checks = check_equation(model, comm, options);
  if (model.n_dims() <= 2) {
    checks.push_back(check_mass_by_quadrature(model, comm));
  } else {
    checks.push_back(check_mass_of_conditionals(model, comm, options));
    const std::optional<Check> by_sampling = check_mass_by_sampling(model, comm, options);
    if (by_sampling) {
      checks.push_back(*by_sampling);
    } else {
      checks.back().note += "; importance sampling of the whole says nothing in so many";
    }
  }
  checks.push_back(check_far_flux(model, comm, options));
  checks.push_back(check_samples(model, comm, options));
  return checks;
}

std::vector<Check> verify(const Inference& inference, const mpi::Communicator& comm,
                          const VerificationOptions& options) {
  return verify(VerifiedInference(inference, options.volatility), comm, options);
}

}  // namespace rhoflux::inference
