#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "checks.hpp"
#include "conditional_on_line.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr double relative_bound = 1e-6;
constexpr double limit_bound = 1e-9;    ///< of F and 1 - F where less than L 1e-12 is beyond
constexpr double share_of_bound = 0.1;  ///< what is known less accurately than that decides nothing
constexpr double most_undecided = 0.1;  ///< share of the conditionals
constexpr double rounding_factor = 8;   ///< rounding errors of one value
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// In units of min(F, 1 - F) / f, the length over which the mass on the smaller side is used up.
constexpr std::array<double, 6> steps = {3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5};
constexpr std::array<double, 4> half_lengths = {0.25, 0.05, 1e-2, 1e-3};

/// Fourth-order central difference on x - 2h, x - h, x + h, x + 2h.
constexpr std::array<double, 4> offsets = {-2, -1, 1, 2};
constexpr std::array<double, 4> difference = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};

/// How far two numbers that must agree differ, relative to the larger one, where they are known well enough.
struct Comparison {
  double value = infinity;
  bool is_decided = false;
};

/// One conditional near one of its samples.
struct Place {
  double x, level, density;  ///< x_i, F_i, f_i
  double length;             ///< min(F, 1 - F) / f
  double x_error;            ///< rounding of x
};

/// F' against f, by the pair of steps whose differences agree best.
Comparison compare_derivative(const DensityOnLine& line, const Place& at) {
  std::vector<double> x;
  for (const double step : steps)
    for (const double offset : offsets) x.push_back(at.x + offset * step * at.length);
  const std::vector<double> level = line.cdf(x);
  double best = infinity, derivative = 0, before = infinity;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const double h = steps[k] * at.length;
    double slope = 0;
    for (std::size_t m = 0; m < offsets.size(); ++m) slope += difference[m] * level[4 * k + m] / h;
    const double rounding = rounding_factor * (epsilon * at.level + at.density * at.x_error) / h;
    const double error = std::max(std::fabs(slope - before), rounding);
    if (error < best) std::tie(best, derivative) = std::pair(error, slope);
    before = slope;
  }
  const double larger = std::max(at.density, std::fabs(derivative));
  return {std::fabs(derivative - at.density) / larger, best <= share_of_bound * relative_bound * larger};
}

/// int f dx over intervals around x against the difference of F: of those whose integral is known, the best, for
/// something narrower than the nodes are apart can hide in the longer ones.
Comparison compare_integrals(const DensityOnLine& line, const Place& at) {
  std::vector<Interval> intervals;
  std::vector<double> ends;
  for (const double share : half_lengths) {
    intervals.push_back({at.x - share * at.length, at.x + share * at.length});
    ends.insert(ends.end(), {intervals.back().low, intervals.back().high});
  }
  const std::vector<IntervalMass> masses = integrate_intervals(line.log_density, intervals);
  const std::vector<double> level = line.cdf(ends);
  Comparison best;
  for (std::size_t k = 0; k < intervals.size(); ++k) {
    const double by_cdf = level[2 * k + 1] - level[2 * k];
    const double larger = std::max(masses[k].mass, by_cdf);
    const double rounding = rounding_factor * (epsilon * at.level + at.density * at.x_error);
    if (!(std::max(masses[k].error, rounding) <= share_of_bound * relative_bound * larger)) continue;
    best = {std::min(best.value, std::fabs(masses[k].mass - by_cdf) / larger), true};
  }
  return best;
}

/// F below and above the tails, which must be 0 and 1.
/// @return how far they are from that, in units of the bound for relative differences
double compare_limits(const DensityOnLine& line, double low, double high) {
  const std::vector<double> level = line.cdf({low, high});
  const double off = std::max(std::fabs(level[0]), std::fabs(1 - level[1]));
  return std::isnan(level[0] + level[1]) ? infinity : off / limit_bound * relative_bound;
}

/// All comparisons of conditional i at one sample: {largest of the decided, 1 if all are decided}.
std::vector<double> figures_at(const VerifiedModel& model, const States& given, std::size_t i) {
  const DensityOnLine line = conditional_of(model, given, i);
  const VerifiedModel::Reach reach = model.conditional_reach(given, log_negligible_mass);
  const double x = given.x[i], density = std::exp(line.log_density({x}).front()),
               level = line.cdf({x}).front();
  if (!std::isfinite(density) || !(level >= 0 && level <= 1)) return {infinity, 1};
  const double low = reach.low[i], high = reach.high[i];
  if (!std::isfinite(low) || !std::isfinite(high)) return {0, 0};
  double worst = compare_limits(line, low, high);
  const double used_up = std::min(level, 1 - level) / density;
  const Place place = {x, level, density, used_up > 0 && std::isfinite(used_up) ? used_up : high - low,
                       epsilon * std::fabs(x) + model.coordinate_rounding(static_cast<int>(i))};
  bool is_decided = true;
  for (const Comparison& found : {compare_derivative(line, place), compare_integrals(line, place)}) {
    if (found.is_decided) worst = std::max(worst, std::isnan(found.value) ? infinity : found.value);
    is_decided = is_decided && found.is_decided;
  }
  return {worst, is_decided ? 1.0 : 0.0};
}

}  // namespace

Check check_conditionals(const VerifiedModel& model, const mpi::Communicator& comm,
                         const VerificationOptions& options) {
  constexpr int n_all = 300, most_states = 100, least_states = 3;
  const auto dims = static_cast<std::size_t>(model.n_dims());
  const int n_states = std::clamp(n_all / model.n_dims(), least_states, most_states);
  const States states =
      model.sample(stratified_times(n_states, options.seed), options.seed, stream::distribution_functions);
  const std::int64_t count = static_cast<std::int64_t>(n_states) * model.n_dims();
  Progress progress =
      progress_of(options, "conditionals against their distribution functions", count / comm.size());
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> values;
    for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k) {
      const std::vector<double> found = figures_at(model, states.part(k / dims, k / dims + 1), k % dims);
      values.insert(values.end(), found.begin(), found.end());
    }
    progress.advance(end - begin);
    return values;
  };
  const std::vector<double> values = mpi::over_blocks(comm, {count, 1}, compute);
  Check check = {"conditionals, F' = f", 0, relative_bound, Verdict::not_decided, ""};
  std::int64_t n_decided = 0;
  for (std::size_t k = 0; k < values.size(); k += 2) {
    check.value = std::max(check.value, values[k]);
    n_decided += values[k + 1] > 0 ? 1 : 0;
  }
  check.note = "relative; derivative, differences and limits of the distribution functions, decided at " +
               std::to_string(n_decided) + " of " + std::to_string(count) + " places";
  const bool is_enough =
      static_cast<double>(count - n_decided) <= most_undecided * static_cast<double>(count);
  check.verdict = verdict_of(check.value, check.bound);
  if (check.verdict == Verdict::passed && !is_enough) {
    check.verdict = Verdict::not_decided;
    check.note +=
        "; elsewhere the model has structure too fine, or tails too wide, for numbers of 16 digits: the "
        "Fokker-Planck residual and samples say more";
  }
  return check;
}

}  // namespace rhoflux::inference
