#pragma once

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
  double mass = 0;   ///< sum_k weight_k f(x_k)
  double error = 0;  ///< sum over the cells of how far rules of 4 and of 6 points differ
  std::vector<double> x, weight;
};

/// int f dx over the whole line, by Gauss-Legendre rules of 4 and 6 points on cells that are halved where the
/// two differ by more than 1e-10, or where they differ by as much from F: between them a component narrower
/// than the nodes are apart can hide from the rules, not from F. What is summed is the density.
///
/// Cells are intervals of y in (-1, 1) with x = 2 y / (1 - y^2): the integrand ends at 0 however wide a
/// logistic tail is, since x grows faster towards the ends than the logarithm of dx/dy. After 4000 cells no
/// more are halved, and the error says what is missing.
Quadrature integrate(const DensityOnLine& density);

/// |mass - 1|; infinite where the mass is not a number.
double deviation_from_one(const Quadrature& found);

}  // namespace rhoflux::inference
