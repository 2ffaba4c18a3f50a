// A model without training, from the libraries of the numerical core.
#include <Kokkos_Core.hpp>
#include <cstdio>
#include <rhoflux/density/density.hpp>

int main(int argc, char** argv) {
  const Kokkos::ScopeGuard kokkos(argc, argv);
  const auto density = rhoflux::density::make_density<double>({}, 3, {1});
  std::printf("%d parameters\n", density->layout().size());
  return density->layout().size() > 0 ? 0 : 1;
}
