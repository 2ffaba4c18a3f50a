#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>

#include "rhoflux/device/blas_environment.hpp"

/// The main function of the tests of the numerical core, which needs no MPI.
int main(int argc, char** argv) {
  rhoflux::ensure_blas_environment(argv);
  const Kokkos::ScopeGuard kokkos(argc, argv);
  rhoflux::limit_blas_threads();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
