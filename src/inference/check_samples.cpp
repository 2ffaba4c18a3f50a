#include "checks.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {
constexpr double significance = 1e-4;  ///< of all coordinates together
}

Check check_samples(const VerifiedModel& model, const mpi::Communicator& comm,
                    const VerificationOptions& options) {
  const States sample =
      model.sample(stratified_times(options.samples, options.seed), options.seed, stream::kolmogorov_smirnov);
  Progress progress = progress_of(options, "Kolmogorov-Smirnov of samples", options.samples / comm.size());
  const std::vector<double> levels = mpi::over_blocks(
      comm, {options.samples, default_chunk_size}, [&](std::int64_t begin, std::int64_t end) {
        progress.advance(end - begin);
        return model.conditional_cdf(
            sample.part(static_cast<std::size_t>(begin), static_cast<std::size_t>(end)));
      });
  const double value = metrics::kolmogorov_smirnov(levels, static_cast<std::size_t>(model.n_dims()));
  const double bound = metrics::kolmogorov_smirnov_bound(significance / model.n_dims());
  return {"Kolmogorov-Smirnov of samples", value, bound, verdict_of(value, bound),
          "sqrt(n) D_n, largest over the coordinates, " + counted(options.samples, "sample")};
}

}  // namespace rhoflux::inference
