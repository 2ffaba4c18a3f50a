#include "rhoflux/density/density.hpp"

#include <utility>

#include "rhoflux/core/error.hpp"
#include "rhoflux/density/autoregressive.hpp"
#include "rhoflux/density/ensemble.hpp"
#include "rhoflux/density/factorised.hpp"

namespace rhoflux::density {

void require_valid(const Config& config, int n_dims) {
  config.validate();
  if (config.family == Family::factorised) return;
  for (const int width : config.hidden)
    if (width < n_dims)
      fail_input("model.hidden: a layer of " + std::to_string(width) + " units is too narrow for " +
                 std::to_string(n_dims) +
                 " dimensions; every hidden layer needs at least one unit a dimension");
}

template <class Scalar>
std::unique_ptr<Density<Scalar>> make_density(const Config& config, int n_dims, const Capacity& capacity) {
  require_valid(config, n_dims);
  if (config.n_members > 1) {
    std::vector<std::unique_ptr<Density<Scalar>>> members;
    for (int k = 0; k < config.n_members; ++k)
      members.push_back(make_density<Scalar>(config.of_a_member(), n_dims, capacity));
    return std::make_unique<Ensemble<Scalar>>(config, n_dims, capacity, std::move(members));
  }
  if (config.family == Family::factorised)
    return std::make_unique<Factorised<Scalar>>(config, n_dims, capacity);
  return std::make_unique<Autoregressive<Scalar>>(config, n_dims, capacity);
}

template std::unique_ptr<Density<float>> make_density<float>(const Config&, int, const Capacity&);
template std::unique_ptr<Density<double>> make_density<double>(const Config&, int, const Capacity&);

}  // namespace rhoflux::density
