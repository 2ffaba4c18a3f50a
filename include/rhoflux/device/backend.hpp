#pragma once

#include <Kokkos_Core.hpp>
#include <string>
#include <type_traits>

#include "rhoflux/core/precision.hpp"

/// Where kernels run, and what follows from it. The one place that knows the backends of Kokkos.
namespace rhoflux {

/// True where kernels of a space run on a CPU, so that one work item should be a vectorised loop, not one entry.
template <class Space>
constexpr bool runs_on_host = std::is_same_v<typename Space::memory_space, Kokkos::HostSpace>;

#if !defined(KOKKOS_ENABLE_SERIAL)
#error \
    "Kokkos was built without its backend Serial, which rhoflux needs; build it with -DKokkos_ENABLE_SERIAL=ON"
#endif
/// The accelerator that Kokkos was built for. On a host one thread runs a kernel: a rank's threads work on different
/// samples (ThreadTeam), because a kernel of a chunk is too short to be shared.
using ExecutionSpace = std::conditional_t<runs_on_host<Kokkos::DefaultExecutionSpace>, Kokkos::Serial,
                                          Kokkos::DefaultExecutionSpace>;
using MemorySpace = ExecutionSpace::memory_space;

/// Samples that one pass over the network handles: on a host their activations stay in cache, on an accelerator they
/// fill it. Results do not depend on it beyond rounding, but keep their bits only while it is the same.
constexpr int default_chunk_size = runs_on_host<ExecutionSpace> ? 128 : 8192;
/// Of one step of training: on an accelerator the whole share of a rank, in pieces of this size if it is larger.
constexpr int largest_training_chunk = runs_on_host<ExecutionSpace> ? default_chunk_size : 1 << 16;

/// How the products of a layer are made whose weights have blocks of zeros.
enum class ProductStrategy {
  blocks,  ///< one product for each block that is not zero
  dense,   ///< one for the whole layer, zeros included: few and large
};
constexpr ProductStrategy default_products =
    runs_on_host<ExecutionSpace> ? ProductStrategy::blocks : ProductStrategy::dense;

/// Columns of one row that a thread of an accelerator handles where the calls are independent.
constexpr int columns_of_entry_loop = 4;

/// A dense product of at least so many columns is cut into pieces of so many rows, each without the zeros that all of
/// its rows have: large enough for the product to be as fast, and fewer operations.
constexpr int rows_of_dense_piece = 128;
constexpr int columns_of_large_product = 16384;

/// True where products of floats have a choice of MatrixPrecision.
#if defined(KOKKOS_ENABLE_CUDA)
constexpr bool offers_tf32 = true;
#else
constexpr bool offers_tf32 = false;
#endif

/// An instance of the execution space for thread k of a rank; kernels of different instances do not wait for each other.
template <class Space = ExecutionSpace>
Space make_instance([[maybe_unused]] int k) {
#if KOKKOS_VERSION >= 40000
  if constexpr (runs_on_host<Space>) {
    if (k > 0) return Space(Kokkos::NewInstance{});
  }
#endif
  return Space();
}

/// Threads of a rank that can be used: on an accelerator one, whose kernels fill it.
inline int usable_threads(int threads) {
  return runs_on_host<ExecutionSpace> ? threads : 1;
}

inline std::string backend_name() {
  return ExecutionSpace::name();
}

}  // namespace rhoflux
