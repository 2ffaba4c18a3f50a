#include "rhoflux/objectives/gaussian_mixture.hpp"

#include "rhoflux/device/loops.hpp"

namespace rhoflux::objectives {

std::vector<double> sample_gaussians(const EndpointDistribution& distribution,
                                     const GaussianSampleOptions& options) {
  const int n_dims = distribution.n_dims(), count = static_cast<int>(options.count);
  const GaussianMixture<double> mixture(distribution, Units::identity(n_dims));
  const RandomStream random(options.seed, options.purpose, 0);
  const auto x = make_matrix<double>("samples of Gaussians", n_dims, count);
  const bool is_even = options.spread == Spread::even;
  for_each(
      ExecutionSpace(), "samples of Gaussians", count, KOKKOS_LAMBDA(int s) {
        if (is_even)
          mixture.even_sample(random, s, count, &x(0, s));
        else
          mixture.independent_sample(random, s, &x(0, s));
      });
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  std::vector<double> values;
  for (int s = 0; s < count; ++s)
    for (int i = 0; i < n_dims; ++i) values.push_back(host(i, s));
  return values;
}

}  // namespace rhoflux::objectives
