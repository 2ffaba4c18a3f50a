#include "rhoflux/inference/verification.hpp"

#include <algorithm>
#include <utility>

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

int default_residual_points(int n_dims) {
  constexpr int most = 500, least = 16;
  return n_dims <= many_dims ? most : std::max(least, most * many_dims * many_dims / (n_dims * n_dims));
}

Verdict verdict_of(double value, double bound) {
  return value <= bound ? Verdict::passed : Verdict::failed;
}

Progress progress_of(const VerificationOptions& options, const std::string& what, std::int64_t count) {
  return {{options.progress, options.progress_seconds}, what, count};
}

std::vector<Check> verify(const VerifiedModel& model, const mpi::Communicator& comm,
                          const VerificationOptions& given) {
  VerificationOptions options = given;
  if (options.points == 0) options.points = default_residual_points(model.n_dims());
  std::vector<Check> checks = check_equation(model, comm, options);
  if (model.grows()) checks.push_back(check_mean_growth(model, comm, options));
  checks.push_back(check_conditionals(model, comm, options));
  if (model.n_dims() == 1 || (model.n_dims() == 2 && !model.is_finely_structured())) {
    checks.push_back(check_mass_by_quadrature(model, comm, options));
  } else {
    if (model.n_dims() <= many_dims) checks.push_back(check_mass_of_conditionals(model, comm, options));
    checks.push_back(check_mass_by_sampling(model, comm, options));
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
