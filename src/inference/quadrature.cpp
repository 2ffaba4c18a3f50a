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

constexpr int n_first_cells = 64;
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
  double rule_error() const { return std::fabs(fine - coarse); }
  double gap() const { return std::fabs(fine - by_cdf); }
  bool is_settled(double tolerance) const { return std::max(rule_error(), gap()) < tolerance; }
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

/// Whether F rises in a cell in places that the nodes step over, so that the rules miss what is there: between at most
/// three pairs of neighbours, of the ends and the nodes of the finer rule, F rises by more than ten times what the density
/// at the two allows, together by more than half of the gap. A density that is wrong is so in all of a small cell.
bool hides_mass(const CellMass& mass, const double* x, const double* level, const double* log_f) {
  constexpr int most_places = 3;
  constexpr double much = 10;
  int n_places = 0;
  double hidden = 0;
  for (std::size_t k = 0; k + 1 < nodes6.size() + 2; ++k) {
    const double rise = level[k + 1] - level[k];
    if (!(rise > much * (x[k + 1] - x[k]) * std::exp(std::max(log_f[k], log_f[k + 1])))) continue;
    hidden += rise;
    ++n_places;
  }
  return n_places <= most_places && hidden > 0.5 * mass.gap();
}

/// A cell that is not halved any more.
struct LastCell {
  Cell cell;
  CellMass mass;
};

/// What the masses of such cells may be off by, together: how far the rules differ, and what is hidden.
double error_of(const DensityOnLine& density, const std::vector<LastCell>& cells, double tolerance) {
  double error = 0;
  std::vector<double> x;
  std::vector<CellMass> suspects;
  for (const auto& [cell, mass] : cells) {
    error += mass.rule_error();
    if (mass.is_settled(tolerance) || !(mass.gap() > mass.rule_error())) continue;
    if (!(std::fabs(cell.low) < 1 && std::fabs(cell.high) < 1)) continue;
    suspects.push_back(mass);
    x.push_back(to_line(cell.low));
    for (const double node : nodes6)
      x.push_back(to_line(0.5 * (cell.high + cell.low) + 0.5 * (cell.high - cell.low) * node));
    x.push_back(to_line(cell.high));
  }
  if (suspects.empty()) return error;
  const std::vector<double> level = density.cdf(x), log_f = density.log_density(x);
  for (std::size_t k = 0; k < suspects.size(); ++k) {
    const std::size_t at = k * (nodes6.size() + 2);
    if (hides_mass(suspects[k], &x[at], &level[at], &log_f[at])) error += suspects[k].gap();
  }
  return error;
}

}  // namespace

Quadrature integrate(const DensityOnLine& density, const QuadratureConfig& config) {
  std::vector<Cell> cells;
  for (int a = 0; a < n_first_cells; ++a)
    cells.push_back({-1 + 2.0 * a / n_first_cells, -1 + 2.0 * (a + 1) / n_first_cells});
  Quadrature result;
  std::vector<LastCell> last;
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
      if (masses[k].is_settled(config.tolerance) || used > config.max_cells ||
          cell.high - cell.low < min_width) {
        result.mass += masses[k].fine;
        last.push_back({cell, masses[k]});
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
  result.error = error_of(density, last, config.tolerance);
  return result;
}

std::vector<IntervalMass> integrate_intervals(const DensityOnLine::Function& log_density,
                                              const std::vector<Interval>& intervals) {
  std::vector<double> x;
  for (const Interval& interval : intervals) {
    const double middle = 0.5 * (interval.low + interval.high), half = 0.5 * (interval.high - interval.low);
    for (const double node : nodes4) x.push_back(middle + half * node);
    for (const double node : nodes6) x.push_back(middle + half * node);
  }
  const std::vector<double> log_f = log_density(x);
  std::vector<IntervalMass> masses;
  std::size_t at = 0;
  for (const Interval& interval : intervals) {
    const double half = 0.5 * (interval.high - interval.low);
    double coarse = 0, fine = 0;
    for (const double weight : weights4) coarse += half * weight * std::exp(log_f[at++]);
    for (const double weight : weights6) fine += half * weight * std::exp(log_f[at++]);
    masses.push_back({fine, std::fabs(fine - coarse)});
  }
  return masses;
}

double deviation_from_one(const Quadrature& found) {
  const double difference = std::fabs(found.mass - 1);
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

}  // namespace rhoflux::inference
