#include "product_start.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include "rhoflux/core/math.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/density/mixture_network.hpp"

namespace rhoflux::density {
namespace {

/// Of the rows, as many as there are products, drawn by lot; each once, if there are enough.
std::vector<std::size_t> rows_of_products(int n_products, std::size_t n_rows, std::uint64_t seed) {
  const RandomStream random(seed, RandomPurpose::initialisation, 1);
  std::vector<std::size_t> rows;
  std::vector<bool> taken(n_rows, false);
  for (int k = 0; k < n_products; ++k) {
    if (static_cast<std::size_t>(k) % n_rows == 0) taken.assign(n_rows, false);
    const double uniform = random.uniforms(static_cast<std::uint64_t>(k), 0).first;
    auto row = static_cast<std::size_t>(uniform * static_cast<double>(n_rows));
    while (taken[row]) row = (row + 1) % n_rows;
    taken[row] = true;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace

ProductStart start_of_products(const InitialRows& rows, int n_products, int n_logistics, std::uint64_t seed) {
  const auto dims = static_cast<std::size_t>(rows.n_dims);
  const auto count = static_cast<std::size_t>(n_logistics);
  ProductStart start;
  constexpr int few = 32;
  const bool is_crowd = n_products > few;
  if (is_crowd) start.narrower = std::pow(static_cast<double>(n_products) / few, -1.0 / rows.n_dims);
  const double width = 0.5 * start.narrower;
  std::vector<double> data_locations, data_log_scales;
  place_on_quantiles(rows.x, rows.n_dims, n_logistics, data_locations, data_log_scales);
  // In a crowd no logistic is wider than one of the standard deviation of the product: extremes of the rows do not count.
  const double least_log_scale =
      is_crowd ? std::log(math::pi / std::sqrt(3.0)) : std::numeric_limits<double>::lowest();
  for (const std::size_t row : rows_of_products(n_products, rows.x.size() / dims, seed)) {
    for (std::size_t i = 0; i < dims; ++i) {
      const auto first = data_locations.begin() + static_cast<std::ptrdiff_t>(i * count);
      const auto last = first + static_cast<std::ptrdiff_t>(count);
      const double middle = std::accumulate(first, last, 0.0) / static_cast<double>(count);
      for (std::size_t l = 0; l < count; ++l) {
        start.locations.push_back(rows.x[row * dims + i] + width * (data_locations[i * count + l] - middle));
        start.log_scales.push_back(std::max(data_log_scales[i * count + l], least_log_scale) -
                                   std::log(width));
      }
    }
  }
  return start;
}

}  // namespace rhoflux::density
