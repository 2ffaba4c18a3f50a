#include "rhoflux/inference/mass_comparison.hpp"

#include <cmath>

namespace rhoflux::inference {
namespace {

/// Whether the rows of the split are the same share of all rows at every time: the largest deviation of their number from
/// the share over all times, in standard deviations of the binomial distribution.
bool has_even_shares(const data::TimeTable& table, io::Split split) {
  constexpr double most_deviations = 5;
  const auto number = [](const data::RowCount& count) { return static_cast<double>(count.rows); };
  const double share = number(table.of(split)) / number(table.of(io::Split::all));
  for (const data::TimeRows& at : table.times) {
    const double all = number(at.of(io::Split::all)), deviation = number(at.of(split)) - share * all;
    if (std::fabs(deviation) > most_deviations * std::sqrt(share * (1 - share) * all)) return false;
  }
  return true;
}

}  // namespace

MassComparison compare_mass(const Inference& inference, const data::TimeTable& table, io::Split split) {
  MassComparison result;
  if (!inference.grows() || inference.model().flux.mass.is_constant()) return result;
  std::vector<double> t;
  std::vector<data::RowCount> counts;
  for (const data::TimeRows& at : table.times) {
    if (at.of(split).rows == 0) continue;
    t.push_back(at.t);
    counts.push_back(at.of(split));
  }
  if (t.size() < 2) return result;
  const std::vector<double> mass = inference.mass(t);
  for (std::size_t k = 0; k < t.size(); ++k) {
    MassFigures figures;
    figures.t = t[k];
    figures.model = mass[k] / mass[0];
    figures.data = counts[k].weight / counts[0].weight;
    figures.relative_error = figures.model / figures.data - 1;
    if (k > 0) figures.sampling_error = std::sqrt(1 / counts[k].effective() + 1 / counts[0].effective());
    result.times.push_back(figures);
  }
  result.has_even_shares = has_even_shares(table, split);
  return result;
}

}  // namespace rhoflux::inference
