#include "rhoflux/inference/field_grid.hpp"

#include <numeric>

namespace rhoflux::inference {

std::vector<metrics::Interval> bounds_of_samples(const Inference& inference, const std::vector<int>& dims,
                                                 std::uint64_t seed) {
  constexpr std::size_t count = 8192;
  constexpr double share_beyond = 0.001, margin = 0.1;
  const Units& units = inference.model().units;
  const auto n_dims = static_cast<std::size_t>(inference.n_dims());
  std::vector<double> times;
  for (std::size_t k = 0; k < count; ++k)
    times.push_back(units.t_first + units.time_span() * (static_cast<double>(k) + 0.5) / count);
  std::vector<std::int64_t> index(count);
  std::iota(index.begin(), index.end(), 0);
  const std::vector<double> x = inference.sample(times, index, seed, 0);
  std::vector<metrics::Interval> bounds;
  for (const int dim : dims) {
    std::vector<double> column;
    for (std::size_t k = static_cast<std::size_t>(dim); k < x.size(); k += n_dims) column.push_back(x[k]);
    const auto [low, high] = metrics::central_interval(std::move(column), share_beyond);
    bounds.push_back({low - margin * (high - low), high + margin * (high - low)});
  }
  return bounds;
}

std::vector<double> even_points(const metrics::Interval& bounds, std::int64_t n) {
  if (n == 1) return {0.5 * (bounds.low + bounds.high)};
  std::vector<double> points;
  for (std::int64_t i = 0; i < n; ++i)
    points.push_back(bounds.low +
                     (bounds.high - bounds.low) * static_cast<double>(i) / static_cast<double>(n - 1));
  return points;
}

std::vector<double> points_of(const io::FieldLayout& layout, const io::FieldSlab& slab) {
  std::vector<double> points;
  const std::size_t n_axes = layout.axes.size();
  const std::size_t n2 = n_axes > 1 ? layout.axes[1].values.size() : 1;
  const std::size_t n3 = n_axes > 2 ? layout.axes[2].values.size() : 1;
  for (std::int64_t a = slab.row_begin; a < slab.row_end; ++a)
    for (std::size_t b = 0; b < n2; ++b)
      for (std::size_t c = 0; c < n3; ++c) {
        points.push_back(layout.axes[0].values[static_cast<std::size_t>(a)]);
        if (n_axes > 1) points.push_back(layout.axes[1].values[b]);
        if (n_axes > 2) points.push_back(layout.axes[2].values[c]);
      }
  return points;
}

}  // namespace rhoflux::inference
