#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

/// Counts what Kokkos allocates, for functions that must allocate nothing.
namespace rhoflux::test {

inline int allocations = 0;
inline void count_allocation(Kokkos::Tools::SpaceHandle, const char*, const void*, std::uint64_t) {
  ++allocations;
}

/// Views allocated by `work`.
template <class Work>
int allocations_in(const Work& work) {
  Kokkos::Tools::Experimental::set_allocate_data_callback(count_allocation);
  allocations = 0;
  work();
  Kokkos::Tools::Experimental::set_allocate_data_callback(nullptr);
  return allocations;
}

}  // namespace rhoflux::test
