#include "endpoint_comparison.hpp"

#include <algorithm>
#include <limits>

#include "rhoflux/metrics/statistics.hpp"
#include "rhoflux/metrics/wasserstein.hpp"

namespace rhoflux::inference {
namespace {
constexpr std::uint64_t compare_stream = 3001;  ///< of the model samples, one for each end
constexpr std::int64_t max_points = 1024;       ///< of optimal transport
}  // namespace

std::vector<double> draw_distribution(const data::EndpointSource& given, const mpi::Communicator& comm,
                                      std::int64_t n, std::uint64_t seed, RandomPurpose purpose,
                                      objectives::Spread spread) {
  if (!given.file) return objectives::sample_gaussians(given.distribution, {n, seed, purpose, spread});
  return data::initial_rows(*given.file, comm, Units::identity(given.file->info().n_dims), n).x;
}

EndpointFigures compare_distribution(const std::string& name, const data::EndpointSource& given, double t,
                                     const Inference& inference, const std::vector<double>& ends,
                                     const mpi::Communicator& comm, const ObjectiveOptions& options) {
  const bool is_first = t == inference.model().units.t_first;
  const RandomPurpose purpose =
      is_first ? RandomPurpose::initial_distribution : RandomPurpose::terminal_distribution;
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  const std::vector<double> even =
      draw_distribution(given, comm, options.draws, options.seed, purpose, objectives::Spread::even);
  EndpointFigures figures;
  figures.name = name;
  const std::size_t count = even.size() / dims;
  double sum = 0;
  for (const double value : inference.standardised_log_density(std::vector<double>(count, t), even))
    sum += value;
  figures.nll = inference.model().units.log_volume() - sum / static_cast<double>(count);
  figures.points = std::min<std::int64_t>({max_points, static_cast<std::int64_t>(count), options.paths});
  const auto n = static_cast<std::size_t>(figures.points);
  // Paths may start from the draws of this seed: they are compared with others.
  const auto other_draws = [&](std::uint64_t which) {
    return draw_distribution(given, comm, options.draws, options.seed + which, purpose,
                             objectives::Spread::independent);
  };
  const std::vector<double> distribution = metrics::thinned(other_draws(1), dims, n);
  const auto w2 = [&](const std::vector<double>& other) {
    return metrics::wasserstein(distribution.data(), metrics::thinned(other, dims, n).data(),
                                static_cast<int>(n), static_cast<int>(dims), 2);
  };
  figures.w2_model =
      w2(inference.sample_at(t, 0, figures.points, options.seed, compare_stream + (is_first ? 0 : 1)));
  figures.w2_paths = ends.empty() ? std::numeric_limits<double>::quiet_NaN() : w2(ends);
  figures.w2_floor = given.file ? std::numeric_limits<double>::quiet_NaN() : w2(other_draws(2));
  return figures;
}

}  // namespace rhoflux::inference
