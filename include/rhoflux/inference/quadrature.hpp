#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace rhoflux::inference {

/// A density f on the line and its distribution function F, each at any number of points.
struct DensityOnLine {
  using Function = std::function<std::vector<double>(const std::vector<double>&)>;
  Function log_density;  ///< log f
  Function cdf;          ///< F, which only chooses the cells of a quadrature
};

/// The integral of a density, and the nodes of the rule that gave it.
struct Quadrature {
  double mass = 0;  ///< sum_k weight_k f(x_k)
  /// Sum over the cells of how far rules of 4 and of 6 points differ, and of the mass that F has between nodes where
  /// cells or digits did not suffice to find it.
  double error = 0;
  std::vector<double> x, weight;
};

struct QuadratureConfig {
  double tolerance = 1e-10;      ///< of a cell
  std::size_t max_cells = 4000;  ///< after these no more are halved
};

/// int f dx over the whole line, by Gauss-Legendre rules of 4 and 6 points on cells that are halved where the
/// two differ by more than the tolerance, or where they differ by as much from F: between them a component narrower
/// than the nodes are apart can hide from the rules, not from F. What is summed is the density.
///
/// Cells are intervals of y in (-1, 1) with x = 2 y / (1 - y^2): the integrand ends at 0 however wide a
/// logistic tail is, since x grows faster towards the ends than the logarithm of dx/dy. After
/// max_cells cells no more are halved, and the error says what is missing.
Quadrature integrate(const DensityOnLine& density, const QuadratureConfig& config = {});

struct Interval {
  double low, high;
};

/// The integral over an interval by the rule of 6 points, and how far that of 4 points is from it.
struct IntervalMass {
  double mass, error;
};

/// int f dx over each of some intervals, none of which is divided.
std::vector<IntervalMass> integrate_intervals(const DensityOnLine::Function& log_density,
                                              const std::vector<Interval>& intervals);

/// |mass - 1|; infinite where the mass is not a number.
double deviation_from_one(const Quadrature& found);

}  // namespace rhoflux::inference
