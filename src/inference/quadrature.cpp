#include "rhoflux/inference/quadrature.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace rhoflux::inference {
namespace {

/// Gauss-Legendre on [-1, 1]: 4 and 6 points.
constexpr std::array<double, 4> nodes4 = {-0.8611363115940526, -0.3399810435848563, 0.3399810435848563,
                                          0.8611363115940526};
constexpr std::array<double, 4> weights4 = {0.3478548451374538, 0.6521451548625461, 0.6521451548625461,
                                            0.3478548451374538};
constexpr std::array<double, 6> nodes6 = {-0.9324695142031521, -0.6612093864662645, -0.2386191860831969,
                                          0.2386191860831969,  0.6612093864662645,  0.9324695142031521};
constexpr std::array<double, 6> weights6 = {0.1713244923791704, 0.3607615730481386, 0.4679139345726910,
                                            0.4679139345726910, 0.3607615730481386, 0.1713244923791704};
constexpr std::size_t nodes_per_cell = nodes4.size() + nodes6.size();

constexpr double tolerance = 1e-10;  ///< of a cell
constexpr int n_first_cells = 64;
constexpr std::size_t max_cells = 4000;
constexpr double min_width = 1e-12;  ///< the last nodes at x of 1e12: what lies beyond is missed
constexpr double map_width = 2;

/// An interval of y in (-1, 1).
struct Cell {
  double low, high;
};

double to_line(double y) {
  return map_width * y / ((1 - y) * (1 + y));
}

/// Points on the line, with weights that hold the Jacobian of the map.
struct Nodes {
  std::vector<double> x, weight;

  template <std::size_t n>
  void add(const Cell& cell, const std::array<double, n>& nodes, const std::array<double, n>& weights) {
    for (std::size_t a = 0; a < n; ++a) {
      const double half = 0.5 * (cell.high - cell.low);
      const double y = 0.5 * (cell.high + cell.low) + half * nodes[a];
      x.push_back(to_line(y));
      const double gap = (1 - y) * (1 + y);
      weight.push_back(half * weights[a] * map_width * (1 + y * y) / (gap * gap));
    }
  }
};

/// The two rules on one cell, and the mass there by F.
struct CellMass {
  double coarse = 0, fine = 0, by_cdf = 0;
  double error() const { return std::fabs(fine - coarse); }
  bool is_settled() const { return std::max(error(), std::fabs(fine - by_cdf)) < tolerance; }
};

std::vector<CellMass> masses_of(const DensityOnLine& density, const std::vector<Cell>& cells,
                                const Nodes& nodes) {
  std::vector<double> faces;
  for (const Cell& cell : cells)
    for (const double y : {cell.low, cell.high}) faces.push_back(std::fabs(y) < 1 ? to_line(y) : 0.0);
  const std::vector<double> log_f = density.log_density(nodes.x), level = density.cdf(faces);
  std::vector<CellMass> masses(cells.size());
  for (std::size_t k = 0, at = 0; k < cells.size(); ++k) {
    for (std::size_t m = 0; m < nodes4.size(); ++m, ++at)
      masses[k].coarse += nodes.weight[at] * std::exp(log_f[at]);
    for (std::size_t m = 0; m < nodes6.size(); ++m, ++at)
      masses[k].fine += nodes.weight[at] * std::exp(log_f[at]);
    const double below = cells[k].low > -1 ? level[2 * k] : 0.0;
    const double above = cells[k].high < 1 ? level[2 * k + 1] : 1.0;
    masses[k].by_cdf = above - below;
  }
  return masses;
}

}  // namespace

Quadrature integrate(const DensityOnLine& density) {
  std::vector<Cell> cells;
  for (int a = 0; a < n_first_cells; ++a)
    cells.push_back({-1 + 2.0 * a / n_first_cells, -1 + 2.0 * (a + 1) / n_first_cells});
  Quadrature result;
  std::size_t used = 0;
  while (!cells.empty()) {
    used += cells.size();
    Nodes nodes;
    for (const Cell& cell : cells) {
      nodes.add(cell, nodes4, weights4);
      nodes.add(cell, nodes6, weights6);
    }
    const std::vector<CellMass> masses = masses_of(density, cells, nodes);
    std::vector<Cell> next;
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const Cell& cell = cells[k];
      if (masses[k].is_settled() || used > max_cells || cell.high - cell.low < min_width) {
        result.mass += masses[k].fine;
        result.error += masses[k].error();
        for (std::size_t at = k * nodes_per_cell + nodes4.size(); at < (k + 1) * nodes_per_cell; ++at) {
          result.x.push_back(nodes.x[at]);
          result.weight.push_back(nodes.weight[at]);
        }
      } else {
        const double middle = 0.5 * (cell.low + cell.high);
        next.insert(next.end(), {{cell.low, middle}, {middle, cell.high}});
      }
    }
    cells = std::move(next);
  }
  return result;
}

double deviation_from_one(const Quadrature& found) {
  const double difference = std::fabs(found.mass - 1);
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

}  // namespace rhoflux::inference
