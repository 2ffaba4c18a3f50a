#pragma once

#include <cstddef>
#include <string>

namespace rhoflux {

/// Why the accelerator that the program was built for cannot be used, or nothing. To be asked before Kokkos is
/// initialised, which ends the program without such a sentence.
std::string unusable_accelerator();

/// The library that multiplies matrices on the accelerator, or nothing where that is the one of the host.
std::string accelerator_blas_name();

/// Bytes of memory of the execution space that are free, as far as it says so.
std::size_t free_memory();

}  // namespace rhoflux
