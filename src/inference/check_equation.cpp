#include "checks.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/metrics/residual.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr double residual_bound = 1e-5;
constexpr double settled_share =
    1e-3;  ///< of the bound: a residual that small is not looked at with other steps

/// Densities relative to that of the first point of each stencil. In many dimensions densities differ from sample to sample
/// by orders of magnitude, and relative to the largest rate of all points only the densest would count.
void divide_by_density_of_first(std::vector<double>& log_rho, std::size_t width) {
  for (std::size_t first = 0; first < log_rho.size(); first += width) {
    const double of_first = log_rho[first];
    for (std::size_t k = first; k < first + width; ++k) log_rho[k] -= of_first;
  }
}

}  // namespace

std::vector<Check> check_equation(const VerifiedModel& model, const mpi::Communicator& comm,
                                  const VerificationOptions& options) {
  const States points =
      model.sample(stratified_times(options.points, options.seed), options.seed, stream::residual);
  const bool is_relative = model.n_dims() > many_dims;
  const metrics::Evaluate evaluate = [&](const std::vector<double>& tau, const std::vector<double>& x) {
    VerifiedModel::DensityAndDrift values = model.density_and_drift({tau, x});
    for (std::size_t k = 0; k < values.log_mass.size(); ++k) values.log_density[k] += values.log_mass[k];
    if (is_relative) divide_by_density_of_first(values.log_density, metrics::stencil_width(model.n_dims()));
    return metrics::Dynamics{std::move(values.log_density), std::move(values.drift),
                             std::move(values.growth)};
  };
  const metrics::StepChoice choice = {is_relative ? settled_share * residual_bound : 0.0};
  Progress progress = progress_of(options, "Fokker-Planck residual", options.points / comm.size());
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const States part = points.part(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
    std::vector<double> values;
    for (const metrics::PointResidual& point : metrics::fokker_planck_residuals(
             evaluate, part.tau, part.x, [&](double tau) { return model.diffusion(tau); }, choice))
      values.insert(values.end(), {point.rate, point.residual});
    progress.advance(end - begin);
    return values;
  };
  const int block = is_relative ? 1 : default_chunk_size;  // a point alone fills chunks there
  const std::vector<double> values = mpi::over_blocks(comm, {options.points, block}, compute);
  std::vector<metrics::PointResidual> found;
  for (std::size_t k = 0; k < values.size(); k += 2) found.push_back({values[k], values[k + 1]});
  const metrics::Residual residual = metrics::summarise(found);
  const std::string density = model.grows() ? "n" : "rho";
  const std::string note = (model.grows() ? "with growth, d_t n + div(n u) - g^2/2 lap n = n r; " : "") +
                           ("relative to max |d_t " + density + "|") +
                           (is_relative ? " / " + density + ", " + density + " that of each point, " : ", ") +
                           counted(options.points, "sample") + ", g = " + options.volatility.to_string();
  return {{"Fokker-Planck residual, largest", residual.largest, residual_bound,
           verdict_of(residual.largest, residual_bound), note},
          {"Fokker-Planck residual, RMS", residual.rms, residual_bound,
           verdict_of(residual.rms, residual_bound), note}};
}

}  // namespace rhoflux::inference
