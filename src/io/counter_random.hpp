#pragma once

#include <Random123/philox.h>

#include <cmath>
#include <cstdint>
#include <utility>

namespace rhoflux::io {

/// What the random numbers of this folder are for; streams of different purposes never meet, nor do they meet
/// those of rhoflux/core/random.hpp (for seeds below 2^56), which this folder does not include because it
/// needs Kokkos.
enum class DataPurpose : std::uint32_t { generate = 101, split = 102 };

/// Random numbers of one sample: Philox 4x32-10 (Salmon et al. 2011) keyed by (seed, purpose), counter =
/// (index, slot).
class SampleRandom {
 public:
  SampleRandom(std::uint64_t seed, DataPurpose purpose, std::uint64_t index)
      : m_key{{static_cast<std::uint32_t>(seed),
               static_cast<std::uint32_t>(seed >> 32) ^ (static_cast<std::uint32_t>(purpose) << 24)}},
        m_index(index) {}

  /// Two uniforms of the open interval (0, 1) with 52 random bits each.
  std::pair<double, double> uniforms(std::uint32_t slot) const {
    const r123::Philox4x32::ctr_type counter{
        {static_cast<std::uint32_t>(m_index), static_cast<std::uint32_t>(m_index >> 32), slot, 0}};
    const r123::Philox4x32::ctr_type bits = r123::Philox4x32{}(counter, m_key);
    return {to_unit(bits[0], bits[1]), to_unit(bits[2], bits[3])};
  }

  /// Two independent standard normals (Box and Muller 1958).
  std::pair<double, double> normals(std::uint32_t slot) const {
    constexpr double two_pi = 6.283185307179586476925;
    const auto [u, v] = uniforms(slot);
    const double radius = std::sqrt(-2.0 * std::log(u));
    return {radius * std::cos(two_pi * v), radius * std::sin(two_pi * v)};
  }

 private:
  static double to_unit(std::uint32_t high, std::uint32_t low) {
    const std::uint64_t mantissa = ((static_cast<std::uint64_t>(high) << 32) | low) >> 12;
    return (static_cast<double>(mantissa) + 0.5) * 0x1p-52;
  }

  r123::Philox4x32::key_type m_key;
  std::uint64_t m_index;
};

/// 2 (test), 1 (val) or 0 (train) with the given probabilities, from one uniform number.
inline std::int8_t split_of(double uniform, double val_fraction, double test_fraction) {
  if (uniform < test_fraction) return 2;
  return uniform < test_fraction + val_fraction ? 1 : 0;
}

}  // namespace rhoflux::io
