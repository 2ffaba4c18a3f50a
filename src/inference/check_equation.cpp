#include "checks.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/metrics/residual.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {
constexpr double residual_bound = 1e-5;
}

std::vector<Check> check_equation(const VerifiedModel& model, const mpi::Communicator& comm,
                                  const VerificationOptions& options) {
  const States points =
      model.sample(stratified_times(options.points, options.seed), options.seed, stream::residual);
  const metrics::Evaluate evaluate = [&](const std::vector<double>& tau, const std::vector<double>& x,
                                         std::vector<double>& log_rho, std::vector<double>& drift) {
    VerifiedModel::DensityAndDrift values = model.density_and_drift({tau, x});
    log_rho = std::move(values.log_density);
    drift = std::move(values.drift);
  };
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const States part = points.part(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
    std::vector<double> values;
    for (const metrics::PointResidual& point : metrics::fokker_planck_residuals(
             evaluate, part.tau, part.x, [&](double tau) { return model.diffusion(tau); }))
      values.insert(values.end(), {point.rate, point.residual});
    return values;
  };
  const std::vector<double> values = mpi::over_blocks(comm, {options.points, default_chunk_size}, compute);
  std::vector<metrics::PointResidual> found;
  for (std::size_t k = 0; k < values.size(); k += 2) found.push_back({values[k], values[k + 1]});
  const metrics::Residual residual = metrics::summarise(found);
  const std::string note = "relative to max |d_t rho|, " + std::to_string(options.points) +
                           " samples, g = " + options.volatility.to_string();
  return {{"Fokker-Planck residual, largest", residual.largest, residual_bound,
           residual.largest < residual_bound, note},
          {"Fokker-Planck residual, RMS", residual.rms, residual_bound, residual.rms < residual_bound, note}};
}

}  // namespace rhoflux::inference
