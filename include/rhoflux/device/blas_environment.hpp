#pragma once

#include <string>

namespace rhoflux {

/// Call first in main. OpenBLAS picks its kernels from a table of processor models when the program is loaded
/// and falls back to those of a 2004 Pentium for a processor that it does not know, 5 times slower on a
/// current one. Where that has happened and the environment does not choose (OPENBLAS_CORETYPE), this chooses
/// by the processor's instruction sets and starts the program again; otherwise it returns at once.
/// @param argv the arguments of main, null-terminated
void ensure_blas_environment(char** argv);

/// One thread for matrix products unless the environment says otherwise: the ranks are the parallelism, and
/// several ranks' thread pools would fight over the cores. Call after Kokkos::initialize.
void limit_blas_threads();

/// "OpenBLAS SkylakeX", or "unknown" where the BLAS does not tell.
std::string blas_name();

}  // namespace rhoflux
