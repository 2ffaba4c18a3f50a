#pragma once

#include <mpi.h>
#if defined(__SANITIZE_ADDRESS__)
#define RHOFLUX_ADDRESS_SANITIZER  // GCC
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RHOFLUX_ADDRESS_SANITIZER  // Clang
#endif
#endif
#ifdef RHOFLUX_ADDRESS_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

#include "rhoflux/mpi/environment.hpp"

namespace rhoflux::test {

/// MPI_Init as the program does it. What MPI allocates for good, partly in plug-ins that it unloads again, is no leak of ours:
/// the leak sanitizer does not see it.
inline void start_mpi(int* argc, char*** argv) {
  mpi::prepare_environment();
#ifdef RHOFLUX_ADDRESS_SANITIZER
  __lsan_disable();
#endif
  MPI_Init(argc, argv);
#ifdef RHOFLUX_ADDRESS_SANITIZER
  __lsan_enable();
#endif
}

}  // namespace rhoflux::test
