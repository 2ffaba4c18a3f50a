#pragma once

#include <cstdint>

#include "rhoflux/core/math.hpp"
#include "rhoflux/device/backend.hpp"

/// Work items that a group of neighbouring GPU threads, its lanes, shares: lane j of m has the entries j, j + m, .. of
/// a loop over entries, keeps what belongs to them in registers and adds up with the other lanes. A group is a warp, or
/// half of one where the loops have at most 16 entries. On a host, and on accelerators without shuffles of their own
/// here, an item has one lane, which has all entries.
///
/// All lanes of a group must call each function of Lane that speaks of all lanes; conditions around such a call must
/// not depend on the lane.
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define RHOFLUX_GROUP_OF_LANES
#endif

namespace rhoflux {

/// Most lanes of an item in kernels of a space: the threads of a warp of CUDA; a wavefront of HIP holds one or two such
/// groups.
template <class Space>
constexpr int most_lanes = 1;
#if defined(KOKKOS_ENABLE_CUDA)
template <>
inline constexpr int most_lanes<Kokkos::Cuda> = 32;
#endif
#if defined(KOKKOS_ENABLE_HIP)
template <>
inline constexpr int most_lanes<Kokkos::HIP> = 32;
#endif

/// One lane of a group.
class Lane {
 public:
  /// The only lane of its item.
  Lane() = default;
  /// @param thread among those of a warp @param count lanes of the group, 16 or 32
  RHOFLUX_FUNCTION Lane([[maybe_unused]] int thread, [[maybe_unused]] int count) {
#if defined(RHOFLUX_GROUP_OF_LANES)
    m_index = thread & (count - 1);
    m_count = count;
    m_group = count == most ? 0xffffffffu : 0xffffu << (thread & 16);
#endif
  }

#if defined(RHOFLUX_GROUP_OF_LANES)
  static constexpr int most = 32;  ///< largest count of a group
  RHOFLUX_FUNCTION int count() const {
    return m_count;
  }
  RHOFLUX_FUNCTION int index() const {
    return m_index;
  }
#else
  static constexpr int most = 1;
  RHOFLUX_FUNCTION int count() const {
    return 1;
  }
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
    for (int distance = most / 2; distance > 0; distance /= 2)
      if (distance < m_count) value = rounded_sum(value, from_lane_across(value, distance));
#endif
    return value;
  }

  /// Largest value of all lanes.
  template <class Scalar>
  RHOFLUX_INLINED_FUNCTION Scalar maximum(Scalar value) const {
#if defined(RHOFLUX_GROUP_OF_LANES)
    RHOFLUX_UNROLL
    for (int distance = most / 2; distance > 0; distance /= 2) {
      if (distance >= m_count) continue;
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
    return __shfl_sync(m_group, value, from, m_count);
#elif defined(__HIP_DEVICE_COMPILE__)
    return __shfl(value, from, m_count);
#else
    return value;
#endif
  }

  /// Waits for the other lanes: what they have written to memory can be read, what they have read can be overwritten.
  RHOFLUX_INLINED_FUNCTION void wait() const {
#if defined(__CUDA_ARCH__)
    __syncwarp(m_group);
#elif defined(__HIP_DEVICE_COMPILE__)
    __threadfence_block();  // the lanes of a wavefront run in step
#endif
  }

 private:
#if defined(RHOFLUX_GROUP_OF_LANES)
  /// The value of the lane whose index differs in the bit `distance`.
  template <class Scalar>
  RHOFLUX_INLINED_FUNCTION Scalar from_lane_across(Scalar value, int distance) const {
#if defined(__CUDA_ARCH__)
    return __shfl_xor_sync(m_group, value, distance);
#else
    return __shfl_xor(value, distance);
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
#if defined(RHOFLUX_GROUP_OF_LANES)
  int m_count = 1;
  unsigned m_group = 1;  ///< bits of its threads among those of the warp
#endif
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
  static constexpr int size = (capacity + Lane::most - 1) / Lane::most;
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
#define RHOFLUX_FOR_LANE_ENTRIES(l, lane, n, capacity)                                      \
  RHOFLUX_UNROLL                                                                            \
  for (int l##_slot = 0; l##_slot < ((capacity) + Lane::most - 1) / Lane::most; ++l##_slot) \
    if (const LaneEntry l{l##_slot, (lane).index() + l##_slot * (lane).count()}; l.entry < (n))
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
    for (int from = 0; from < lane.count() && from + slot * lane.count() < n; ++from)
      function(lane.value_of(values.values[slot], from));
#else
  for (int l = 0; l < n; ++l) function(values[l]);
#endif
}

namespace detail {
template <class Function>
struct GroupLoop {
  Function function;
  int count;  ///< of lanes
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t index) const {
    function(static_cast<int>(index / count), Lane(static_cast<int>(index % 32), count));
  }
};
template <class Function>
struct SingleLaneLoop {
  Function function;
  KOKKOS_INLINE_FUNCTION void operator()(int item) const { function(item, Lane()); }
};
}  // namespace detail

/// Calls function(item, lane) for item = 0..count-1 and each lane of its group; items are independent.
/// @param n_entries of the loops that the lanes of an item share
template <class Space, class Function>
void for_each_group(const Space& space, const char* label, int count, [[maybe_unused]] int n_entries,
                    const Function& function) {
  if (count == 0) return;
  if constexpr (most_lanes<Space> == 1) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, count),
                         detail::SingleLaneLoop<Function>{function});
  } else {
    // The bound makes blocks a multiple of a warp, so that the lanes of an item are neighbours in one warp; an item
    // times its lanes can exceed an int.
    using Policy = Kokkos::RangePolicy<Space, Kokkos::IndexType<std::int64_t>, Kokkos::LaunchBounds<256>>;
    const int lanes = n_entries <= 16 ? 16 : 32;
    Kokkos::parallel_for(
        label,
        Kokkos::Experimental::require(Policy(space, 0, std::int64_t{count} * lanes),
                                      Kokkos::Experimental::WorkItemProperty::HintLightWeight),
        detail::GroupLoop<Function>{function, lanes});
  }
}

}  // namespace rhoflux
