#pragma once

#include <cstdint>

#include "rhoflux/core/math.hpp"
#include "rhoflux/device/backend.hpp"

/// Work items that a group of neighbouring GPU threads, its lanes, shares: lane j has the entries j, j + 32, .. of a
/// loop over entries, keeps what belongs to them in registers and adds up with the other lanes. On a host, and on
/// accelerators without shuffles of their own here, an item has one lane, which has all entries.
///
/// All lanes of a group must call each function of Lane that speaks of all lanes; conditions around such a call must
/// not depend on the lane.
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define RHOFLUX_GROUP_OF_LANES
#endif

namespace rhoflux {

/// The threads of a warp of CUDA; a wavefront of HIP holds one or two such groups.
constexpr int lanes_of_gpu_group = 32;

/// Lanes of an item in kernels of a space.
template <class Space>
constexpr int lanes_per_group = 1;
#if defined(KOKKOS_ENABLE_CUDA)
template <>
inline constexpr int lanes_per_group<Kokkos::Cuda> = lanes_of_gpu_group;
#endif
#if defined(KOKKOS_ENABLE_HIP)
template <>
inline constexpr int lanes_per_group<Kokkos::HIP> = lanes_of_gpu_group;
#endif

/// One lane of a group.
class Lane {
 public:
  /// The only lane of its item.
  Lane() = default;
  /// @param index in the group
  RHOFLUX_FUNCTION explicit Lane([[maybe_unused]] int index) {
#if defined(RHOFLUX_GROUP_OF_LANES)
    m_index = index;
#endif
  }

#if defined(RHOFLUX_GROUP_OF_LANES)
  static constexpr int count = lanes_of_gpu_group;  ///< lanes of a group
  RHOFLUX_FUNCTION int index() const {
    return m_index;
  }
#else
  static constexpr int count = 1;
  RHOFLUX_FUNCTION int index() const {
    return 0;
  }
#endif

  /// The one lane that writes what belongs to the whole item.
  RHOFLUX_FUNCTION bool is_first() const {
    return index() == 0;
  }

  /// Sum over all lanes, with the same bits in each of them.
  template <class Scalar>
  RHOFLUX_INLINED_FUNCTION Scalar sum(Scalar value) const {
#if defined(RHOFLUX_GROUP_OF_LANES)
    RHOFLUX_UNROLL
    for (int distance = count / 2; distance > 0; distance /= 2)
      value = rounded_sum(value, from_lane_across(value, distance));
#endif
    return value;
  }

  /// Largest value of all lanes.
  template <class Scalar>
  RHOFLUX_INLINED_FUNCTION Scalar maximum(Scalar value) const {
#if defined(RHOFLUX_GROUP_OF_LANES)
    RHOFLUX_UNROLL
    for (int distance = count / 2; distance > 0; distance /= 2) {
      const Scalar other = from_lane_across(value, distance);
      value = other > value ? other : value;
    }
#endif
    return value;
  }

  /// The value of lane `from`. @param from the same in all lanes
  template <class Scalar>
  RHOFLUX_INLINED_FUNCTION Scalar value_of(Scalar value, [[maybe_unused]] int from) const {
#if defined(__CUDA_ARCH__)
    return __shfl_sync(all_lanes, value, from, count);
#elif defined(__HIP_DEVICE_COMPILE__)
    return __shfl(value, from, count);
#else
    return value;
#endif
  }

  /// Waits for the other lanes: what they have written to memory can be read, what they have read can be overwritten.
  RHOFLUX_INLINED_FUNCTION void wait() const {
#if defined(__CUDA_ARCH__)
    __syncwarp(all_lanes);
#elif defined(__HIP_DEVICE_COMPILE__)
    __threadfence_block();  // the lanes of a wavefront run in step
#endif
  }

 private:
#if defined(RHOFLUX_GROUP_OF_LANES)
  static constexpr unsigned all_lanes = 0xffffffffu;  ///< bits of the threads of a warp

  /// The value of the lane whose index differs in the bit `distance`.
  template <class Scalar>
  RHOFLUX_INLINED_FUNCTION Scalar from_lane_across(Scalar value, int distance) const {
#if defined(__CUDA_ARCH__)
    return __shfl_xor_sync(all_lanes, value, distance, count);
#else
    return __shfl_xor(value, distance, count);
#endif
  }
#endif
  // The compiler must not merge the sum with a product that comes before it: a lane that adds b to a has to get the
  // bits of its partner, which adds a to b.
#if defined(__HIP_DEVICE_COMPILE__)
  template <class Scalar>
  static __device__ __forceinline__ Scalar rounded_sum(Scalar a, Scalar b) {
#pragma clang fp contract(off)
    return a + b;
  }
#elif defined(__CUDA_ARCH__)
  static __device__ __forceinline__ float rounded_sum(float a, float b) {
    return __fadd_rn(a, b);
  }
  static __device__ __forceinline__ double rounded_sum(double a, double b) {
    return __dadd_rn(a, b);
  }
#endif

  int m_index = 0;
};

/// Entry `entry` of a loop that lanes share, the `slot`-th of its lane.
struct LaneEntry {
  int slot, entry;
  RHOFLUX_FUNCTION operator int() const { return entry; }
};

/// One number for each entry of a loop that lanes share, at most `capacity` entries: those of the lane.
#if defined(RHOFLUX_GROUP_OF_LANES)
template <class Scalar, int capacity>
struct LaneArray {
  static constexpr int size = (capacity + Lane::count - 1) / Lane::count;
  Scalar values[size];
  RHOFLUX_INLINED_FUNCTION Scalar& operator[](const LaneEntry& l) { return values[l.slot]; }
  RHOFLUX_INLINED_FUNCTION const Scalar& operator[](const LaneEntry& l) const { return values[l.slot]; }
};
#else
template <class Scalar, int capacity>
using LaneArray = Scalar[capacity];
#endif

/// The loop over the entries l = 0..n-1 of a lane, n at most `capacity`, a constant. A loop that adds to a variable is
/// followed by Lane::sum. With groups of lanes the loop over slots is unrolled, which keeps a LaneArray in registers.
#if defined(RHOFLUX_GROUP_OF_LANES)
#define RHOFLUX_FOR_LANE_ENTRIES(l, lane, n, capacity)                                        \
  RHOFLUX_UNROLL                                                                              \
  for (int l##_slot = 0; l##_slot < ((capacity) + Lane::count - 1) / Lane::count; ++l##_slot) \
    if (const LaneEntry l{l##_slot, (lane).index() + l##_slot * Lane::count}; l.entry < (n))
#else
// NOLINTNEXTLINE(bugprone-macro-parentheses): l is the name of a variable
#define RHOFLUX_FOR_LANE_ENTRIES(l, lane, n, capacity) for (int l = 0; l < (n); ++l)
#endif

/// Calls function(value_l) for l = 0..n-1 in order, in every lane.
template <int capacity, class Scalar, class Function>
RHOFLUX_INLINED_FUNCTION void for_each_in_order([[maybe_unused]] const Lane& lane,
                                                const LaneArray<Scalar, capacity>& values, int n,
                                                const Function& function) {
#if defined(RHOFLUX_GROUP_OF_LANES)
  RHOFLUX_UNROLL
  for (int slot = 0; slot < LaneArray<Scalar, capacity>::size; ++slot)
    for (int from = 0; from < Lane::count && from + slot * Lane::count < n; ++from)
      function(lane.value_of(values.values[slot], from));
#else
  for (int l = 0; l < n; ++l) function(values[l]);
#endif
}

namespace detail {
template <class Function, int lanes>
struct GroupLoop {
  Function function;
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t index) const {
    function(static_cast<int>(index / lanes), Lane(static_cast<int>(index % lanes)));
  }
};
template <class Function>
struct GroupLoop<Function, 1> {
  Function function;
  KOKKOS_INLINE_FUNCTION void operator()(int item) const { function(item, Lane()); }
};
}  // namespace detail

/// Calls function(item, lane) for item = 0..count-1 and each lane of its group; items are independent.
template <class Space, class Function>
void for_each_group(const Space& space, const char* label, int count, const Function& function) {
  if (count == 0) return;
  constexpr int lanes = lanes_per_group<Space>;
  const detail::GroupLoop<Function, lanes> loop{function};
  if constexpr (lanes == 1) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, count), loop);
  } else {
    // The bound makes blocks a multiple of a warp, so that the lanes of an item are the threads of one warp in order;
    // an item times its lanes can exceed an int.
    using Policy = Kokkos::RangePolicy<Space, Kokkos::IndexType<std::int64_t>, Kokkos::LaunchBounds<256>>;
    Kokkos::parallel_for(label, Policy(space, 0, std::int64_t{count} * lanes), loop);
  }
}

}  // namespace rhoflux
