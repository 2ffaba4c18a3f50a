#include <algorithm>
#include <cmath>
#include <limits>

#include "checks.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr double far_bound = 1e-6;
constexpr double negligible_mass = 1e-10;  ///< density times distance
constexpr int n_rounds = 8;                ///< each twice as far out as the one before
constexpr double infinity = std::numeric_limits<double>::infinity();

/// How many times, and model samples for each, an integral over the other coordinates takes: less in more dimensions,
/// for the number of planes grows with them.
struct Effort {
  int n_times, n_samples;
};
Effort effort_in(int n_dims) {
  constexpr int most_times = 64, least_times = 4, n_planes = 256;
  if (n_dims <= 4) return {most_times, 64};
  return {std::clamp(n_planes / n_dims, least_times, most_times), n_dims <= many_dims ? 64 : 8};
}

/// A plane x_i = x.
struct Plane {
  int i;
  double x;
};

/// The planes of all coordinates, lower then upper: beyond the reach of the conditionals at every one of some samples.
/// Empty where a tail reaches beyond the range of numbers.
std::vector<Plane> planes_of(const VerifiedModel& model, std::uint64_t seed) {
  constexpr int n_states = 512;
  const auto dims = static_cast<std::size_t>(model.n_dims());
  const States states = model.sample(stratified_times(n_states, seed), seed, stream::tails);
  const VerifiedModel::Reach reach = model.conditional_reach(states, log_negligible_mass);
  std::vector<Plane> planes;
  for (std::size_t i = 0; i < dims; ++i) {
    Plane low = {static_cast<int>(i), infinity}, high = {static_cast<int>(i), -infinity};
    for (std::size_t k = i; k < reach.low.size(); k += dims) {
      if (!std::isfinite(reach.low[k]) || !std::isfinite(reach.high[k])) return {};
      low.x = std::min(low.x, reach.low[k]);
      high.x = std::max(high.x, reach.high[k]);
    }
    planes.insert(planes.end(), {low, high});
  }
  return planes;
}

/// The largest flux through one plane over the times, and the mass there, density times distance from the mean.
struct Crossing {
  double flux = 0, mass = 0;
};
Crossing crossing_of(const VerifiedModel& model, const Plane& plane, const std::vector<double>& tau,
                     const VerifiedModel::MonteCarlo& integral) {
  const VerifiedModel::MarginalFlux found =
      model.marginal_flux(plane.i, tau, std::vector<double>(tau.size(), plane.x), integral);
  Crossing crossing;
  for (std::size_t k = 0; k < tau.size(); ++k) {
    crossing.flux =
        std::isfinite(found.flux[k]) ? std::max(crossing.flux, std::fabs(found.flux[k])) : infinity;
    crossing.mass = std::max(crossing.mass, found.density[k] * std::fabs(plane.x));
    if (crossing.flux == infinity) break;
  }
  return crossing;
}

/// What is found at a plane, or further out as long as there is mass and flux: {flux, 1 if it is decided}.
std::vector<double> outermost(const VerifiedModel& model, Plane plane, const std::vector<double>& tau,
                              const VerifiedModel::MonteCarlo& integral) {
  Crossing crossing;
  for (int round = 0; round < n_rounds; ++round, plane.x *= 2) {
    crossing = crossing_of(model, plane, tau, integral);
    if (crossing.flux <= far_bound || crossing.mass <= negligible_mass || crossing.flux == infinity)
      return {crossing.flux, 1};
  }
  return {crossing.flux, 0};
}

}  // namespace

Check check_far_flux(const VerifiedModel& model, const mpi::Communicator& comm,
                     const VerificationOptions& options) {
  const Effort effort = effort_in(model.n_dims());
  const std::vector<double> tau = stratified_times(effort.n_times, options.seed);
  const std::vector<Plane> planes = planes_of(model, options.seed);
  const auto count = static_cast<std::int64_t>(planes.size());
  Progress progress = progress_of(options, "flux through a far boundary", count / comm.size());
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> values;
    for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k) {
      const std::vector<double> found = outermost(model, planes[k], tau, {effort.n_samples, options.seed});
      values.insert(values.end(), found.begin(), found.end());
    }
    progress.advance(end - begin);
    return values;
  };
  const std::vector<double> values = mpi::over_blocks(comm, {count, 1}, compute);
  Check check = {"flux through a far boundary", 0, far_bound, Verdict::not_decided, ""};
  bool is_decided = !planes.empty(), is_wrong = false;
  double furthest = 0;
  for (std::size_t k = 0; k < planes.size(); ++k) {
    check.value = std::max(check.value, values[2 * k]);
    furthest = std::max(furthest, std::fabs(planes[k].x));
    const bool decides = values[2 * k + 1] > 0;
    is_wrong = is_wrong || (decides && !(values[2 * k] <= far_bound));
    is_decided = is_decided && decides;
  }
  check.note = "mass per unit of tau through planes beyond the widest tails, at most " +
               formatted("%.4g", furthest) + " standard deviations from the mean";
  if (is_wrong || is_decided) check.verdict = is_wrong ? Verdict::failed : Verdict::passed;
  if (check.verdict == Verdict::not_decided)
    check.note +=
        "; tails reach further than planes can be placed: a model trained without its most extreme rows "
        "would decide";
  return check;
}

}  // namespace rhoflux::inference
