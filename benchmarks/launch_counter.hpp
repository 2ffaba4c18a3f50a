#pragma once

#include <cstdint>
#include <cstring>

#include "rhoflux/device/types.hpp"

#if KOKKOS_VERSION < 30400
#error "launch_counter.hpp needs Kokkos 3.4 or later, whose tool callbacks can be set from within the process"
#endif

namespace benchmarks {

/// What Kokkos reports to its tools. A version that does not report fences of a backend (3.4 does not on a host)
/// counts none.
struct LaunchCounts {
  int parallel_for = 0, parallel_reduce = 0, deep_copy = 0, fence = 0;
  int product = 0;  ///< calls of KokkosBlas or cuBLAS, whose kernels are the library's own
};

/// Counts from construction to destruction, in place of any other tool. One at a time.
class LaunchCounter {
 public:
  LaunchCounter() : m_others(Kokkos::Tools::Experimental::get_callbacks()) {
    namespace tools = Kokkos::Tools::Experimental;
    s_counts = {};
    tools::set_begin_parallel_for_callback([](const char*, std::uint32_t, std::uint64_t* kernel) {
      *kernel = 0;
      ++s_counts.parallel_for;
    });
    tools::set_begin_parallel_reduce_callback([](const char*, std::uint32_t, std::uint64_t* kernel) {
      *kernel = 0;
      ++s_counts.parallel_reduce;
    });
    tools::set_begin_deep_copy_callback([](Kokkos_Profiling_SpaceHandle, const char*, const void*,
                                           Kokkos_Profiling_SpaceHandle, const char*, const void*,
                                           std::uint64_t) { ++s_counts.deep_copy; });
    tools::set_begin_fence_callback([](const char* name, std::uint32_t, std::uint64_t* handle) {
      *handle = 0;
      // From 3.7 on Kokkos fences around what it reports, for the sake of the tool.
      if (std::strstr(name, "Profile Tool Fence") == nullptr) ++s_counts.fence;
    });
    tools::set_push_region_callback([](const char* name) {
      if (std::strncmp(name, "KokkosBlas::", 12) == 0 || std::strncmp(name, "cuBLAS::", 8) == 0)
        ++s_counts.product;
    });
  }
  ~LaunchCounter() { Kokkos::Tools::Experimental::set_callbacks(m_others); }
  LaunchCounter(const LaunchCounter&) = delete;
  LaunchCounter& operator=(const LaunchCounter&) = delete;

  const LaunchCounts& counts() const { return s_counts; }

 private:
  inline static LaunchCounts s_counts;
  Kokkos::Tools::Experimental::EventSet m_others;
};

}  // namespace benchmarks
