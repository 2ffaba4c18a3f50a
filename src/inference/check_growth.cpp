#include <algorithm>
#include <cmath>

#include "checks.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr int n_intervals = 8;  ///< of time
/// Standard errors that the largest of so many independent normal numbers exceeds with a probability of 1e-4.
constexpr double bound_of_z = 4.4;

/// log M at the ends of the intervals, (n_intervals + 1).
std::vector<double> log_mass_at_ends(const VerifiedModel& model) {
  States ends;
  for (int k = 0; k <= n_intervals; ++k) ends.tau.push_back(static_cast<double>(k) / n_intervals);
  ends.x.assign(ends.tau.size() * static_cast<std::size_t>(model.n_dims()), 0.0);  // it depends on time alone
  return model.density_and_drift(ends).log_mass;
}

/// Mean and standard error of `count` values.
struct Mean {
  double mean = 0, error = 0;
};
Mean mean_of(const double* values, std::size_t count) {
  const auto n = static_cast<double>(count);
  double sum = 0, square = 0, largest = 0;
  for (std::size_t k = 0; k < count; ++k) sum += values[k];
  for (std::size_t k = 0; k < count; ++k) {
    square += (values[k] - sum / n) * (values[k] - sum / n);
    largest = std::max(largest, std::fabs(values[k]));
  }
  // Where all rates are the same one there is still the rounding of the difference of log M.
  constexpr double rounding = 1e-13;
  return {sum / n, std::max(std::sqrt(square / (n * (n - 1))), rounding * n_intervals * (1 + largest))};
}

}  // namespace

/// Over an interval of time the mean of r at samples whose times are spread over it must be the change of log M over its
/// length: no derivative of M has to be taken, which jumps at the times of known mass.
Check check_mean_growth(const VerifiedModel& model, const mpi::Communicator& comm,
                        const VerificationOptions& options) {
  const std::size_t count = static_cast<std::size_t>(options.samples) / n_intervals;  // of each interval
  const auto n = static_cast<std::int64_t>(count * n_intervals);
  const States sample =
      model.sample(stratified_times(static_cast<int>(n), options.seed), options.seed, stream::growth);
  Progress progress = progress_of(options, "mean growth rate", n / comm.size());
  const std::vector<double> rates =
      mpi::over_blocks(comm, {n, default_chunk_size}, [&](std::int64_t begin, std::int64_t end) {
        progress.advance(end - begin);
        return model
            .density_and_drift(sample.part(static_cast<std::size_t>(begin), static_cast<std::size_t>(end)))
            .growth;
      });
  const std::vector<double> log_mass = log_mass_at_ends(model);
  double largest = 0;
  for (std::size_t k = 0; k < n_intervals; ++k) {
    const Mean found = mean_of(&rates[k * count], count);
    const double z = std::fabs(found.mean - (log_mass[k + 1] - log_mass[k]) * n_intervals) / found.error;
    largest = std::isfinite(z) ? std::max(largest, z) : z;
    if (!std::isfinite(z)) break;
  }
  return {"mean growth rate, E[r] = M' / M", largest, bound_of_z, verdict_of(largest, bound_of_z),
          "in standard errors, the largest of " + std::to_string(n_intervals) + " intervals of time, " +
              std::to_string(n) + " samples"};
}

}  // namespace rhoflux::inference
