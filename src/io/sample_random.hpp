#pragma once

#include "rhoflux/core/draws.hpp"

namespace rhoflux::io {

/// Random numbers of one sample of a data set: a pure function of (seed, purpose, index, slot).
class SampleRandom {
 public:
  SampleRandom(std::uint64_t seed, RandomPurpose purpose, std::uint64_t index)
      : m_seed(seed), m_purpose(purpose), m_index(index) {}

  /// Two uniform numbers of (0, 1).
  RandomStream::Pair uniforms(std::uint32_t slot) const {
    return RandomStream(m_seed, m_purpose, slot).uniforms(m_index, 0);
  }
  /// Two independent standard normal numbers.
  RandomStream::Pair normals(std::uint32_t slot) const {
    return box_muller<StandardFunctions>(uniforms(slot));
  }

 private:
  std::uint64_t m_seed;
  RandomPurpose m_purpose;
  std::uint64_t m_index;
};

/// 2 (test), 1 (val) or 0 (train) with the given probabilities, from one uniform number.
inline std::int8_t split_of(double uniform, double val_fraction, double test_fraction) {
  if (uniform < test_fraction) return 2;
  return uniform < test_fraction + val_fraction ? 1 : 0;
}

}  // namespace rhoflux::io
