#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/density/density.hpp"

namespace rhoflux::density {

/// What the products of a mixture start from.
struct ProductStart {
  std::vector<double> locations, log_scales;  ///< of each logistic, (K, D, L)
  double narrower = 1;  ///< than half as wide as the data; random functions of time must be as much smaller
};

/// Each product starts around a data row of its own, half as wide as the data. More than 32 are as much narrower as leaves
/// the sum of their volumes that of 32, model.md (1.5a): a kernel density estimate.
ProductStart start_of_products(const InitialRows& rows, int n_products, int n_logistics, std::uint64_t seed);

}  // namespace rhoflux::density
