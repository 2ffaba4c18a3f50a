#pragma once

#include <Random123/philox.h>

#include <cstdint>

#include "rhoflux/core/function.hpp"

namespace rhoflux {

/// What a random number is for; streams of different purposes never meet.
enum class RandomPurpose : std::uint32_t {
  initialisation = 1,
  batch = 2,
  sampling = 3,
  metrics = 4,
  transport = 6,
  expectation = 7,
  terminal = 8,
  initial_distribution = 9,
  terminal_distribution = 10,
  initial = 11,
  bootstrap = 12,
  suggestion = 13,
  data_generation = 101,
  data_split = 102,
  dequantisation = 103
};

/// Counter-based uniform numbers (Philox 4x32-10, Salmon et al. 2011): a pure function of
/// (seed, purpose, step, index, slot), the same on every rank and after every restart.
class RandomStream {
 public:
  RHOFLUX_FUNCTION RandomStream(std::uint64_t seed, RandomPurpose purpose, std::uint64_t step)
      : m_seed_low(static_cast<std::uint32_t>(seed)),
        m_seed_high(static_cast<std::uint32_t>(seed >> 32)),
        m_purpose(static_cast<std::uint32_t>(purpose)),
        m_step(step) {}

  /// Two uniforms of the open interval (0, 1) with 52 random bits each.
  /// @param index global index of the sample, below 2^40
  /// @param slot which pair of that sample, below 2^24
  struct Pair {
    double first, second;
  };
  RHOFLUX_FUNCTION Pair uniforms(std::uint64_t index, std::uint32_t slot) const {
    r123::Philox4x32::ctr_type counter;
    r123::Philox4x32::key_type key;
    counter[0] = static_cast<std::uint32_t>(index);
    counter[1] = (static_cast<std::uint32_t>(index >> 32) & 0xffu) | (slot << 8);
    counter[2] = static_cast<std::uint32_t>(m_step);
    counter[3] = static_cast<std::uint32_t>(m_step >> 32);
    key[0] = m_seed_low;
    key[1] = m_seed_high ^ (m_purpose << 24);
    const r123::Philox4x32::ctr_type bits = r123::Philox4x32{}(counter, key);
    return {to_unit(bits[0], bits[1]), to_unit(bits[2], bits[3])};
  }

 private:
  RHOFLUX_FUNCTION static double to_unit(std::uint32_t high, std::uint32_t low) {
    const std::uint64_t mantissa = ((static_cast<std::uint64_t>(high) << 32) | low) >> 12;
    return (static_cast<double>(mantissa) + 0.5) * (1.0 / 4503599627370496.0);  // 2^-52
  }

  std::uint32_t m_seed_low, m_seed_high, m_purpose;
  std::uint64_t m_step;
};

}  // namespace rhoflux
