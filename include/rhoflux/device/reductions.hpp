#pragma once

#include "rhoflux/device/loops.hpp"

namespace rhoflux {

/// Calls function(index, sums..) for index = 0..count-1, which adds to the sums; they start at zero. On a host the
/// calls are made in order by the calling thread, so that the sums keep their bits and threads may sum at once
/// (Kokkos's own reductions share a buffer of the process).
template <class Space, class Function, class... Sums>
void sum_over(const Space& space, const char* label, int count, const Function& function, Sums&... sums) {
  ((sums = Sums(0)), ...);
  if constexpr (runs_on_host<Space>) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, 1), [&](int) {
      for (int index = 0; index < count; ++index) function(index, sums...);
    });
  } else {
    Kokkos::parallel_reduce(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, count),
                            function, sums...);
  }
}

}  // namespace rhoflux
