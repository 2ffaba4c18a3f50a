#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/types.hpp"

namespace rhoflux {

/// Points of the unit cube that fill it more evenly than independent ones: point i of a step has coordinates
///   frac(shift_k + i a_k),  a_k = frac(sqrt(p_k)),  p_k the k-th prime
/// (Richtmyer 1951), with shifts that are drawn anew in each step (Cranley & Patterson 1976). Each point
/// alone is uniform, so that means over a lattice are unbiased; points of one step are not independent.
class ShiftedLattice {
 public:
  ShiftedLattice() = default;
  explicit ShiftedLattice(int n_dims) {
    std::vector<double> steps;
    for (int candidate = 2; static_cast<int>(steps.size()) < n_dims; ++candidate) {
      bool is_prime = true;
      for (int factor = 2; factor * factor <= candidate; ++factor)
        is_prime = is_prime && candidate % factor != 0;
      if (is_prime) steps.push_back(std::sqrt(candidate) - std::floor(std::sqrt(candidate)));
    }
    m_steps = on_device<double>(steps, "steps of the lattice");
  }

  /// Coordinate k of point `index`, in (0, 1).
  /// @param random gives the shifts, with an index that no sample has
  KOKKOS_INLINE_FUNCTION double at(const RandomStream& random, std::int64_t index, int k) const {
    constexpr std::uint64_t shift_index = (std::uint64_t{1} << 40) - 1;
    constexpr double margin = 1.0 / 9007199254740992.0;  // 2^-53
    const RandomStream::Pair shifts = random.uniforms(shift_index, static_cast<std::uint32_t>(k / 2));
    const double place =
        (k % 2 == 0 ? shifts.first : shifts.second) + static_cast<double>(index) * m_steps(k);
    const double fraction = place - static_cast<double>(static_cast<std::int64_t>(place));
    return fraction < margin ? margin : fraction;
  }

 private:
  Vector<double> m_steps;
};

}  // namespace rhoflux
