#pragma once

#include <mpi.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "rhoflux/mpi/environment.hpp"

namespace rhoflux::test {

/// MPI_Init as the program does it. What MPI allocates for good, partly in plug-ins that it unloads again, is no leak of ours:
/// the leak sanitizer does not see it.
inline void start_mpi(int* argc, char*** argv) {
  mpi::prepare_environment();
#ifdef __SANITIZE_ADDRESS__
  __lsan_disable();
#endif
  MPI_Init(argc, argv);
#ifdef __SANITIZE_ADDRESS__
  __lsan_enable();
#endif
}

}  // namespace rhoflux::test
