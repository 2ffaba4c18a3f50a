#include <algorithm>
#include <cmath>
#include <limits>

#include "checks.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {
constexpr double far_bound = 1e-6;
constexpr double far_scale = 50;  ///< standard deviations
constexpr std::int64_t n_times = 64;
}  // namespace

Check check_far_flux(const VerifiedModel& model, const mpi::Communicator& comm,
                     const VerificationOptions& options) {
  const std::vector<double> tau = stratified_times(static_cast<int>(n_times), options.seed);
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> flux;
    for (std::int64_t k = begin; k < end; ++k) {
      const auto i = static_cast<int>(k / n_times / 2);
      const double face = k / n_times % 2 == 0 ? -far_scale : far_scale;
      flux.push_back(model.marginal_flux(i, tau[static_cast<std::size_t>(k % n_times)], face, options.seed));
    }
    return flux;
  };
  const std::int64_t n_faces = 2 * model.n_dims();
  double value = 0;
  for (const double crossing : mpi::over_blocks(comm, {n_faces * n_times, default_chunk_size}, compute))
    value = std::isfinite(crossing) ? std::max(value, std::fabs(crossing))
                                    : std::numeric_limits<double>::infinity();
  return {"flux through a far boundary", value, far_bound, value <= far_bound,
          "mass per unit of tau through x_i = mean +- 50 standard deviations"};
}

}  // namespace rhoflux::inference
