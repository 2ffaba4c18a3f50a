#include "rhoflux/core/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace rhoflux {
namespace {

double unit(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 12;
  return std::ldexp(static_cast<double>(2 * bits + 1), -53);
}

/// Vectors of Random123's known-answer test (kat_vectors, philox4x32 10); the seed undoes the purpose's bits.
TEST(RandomStream, GivesTheKnownAnswersOfPhilox) {
  const std::uint64_t purpose_bits = static_cast<std::uint64_t>(RandomPurpose::sampling) << 56;
  const auto zeros = RandomStream(purpose_bits, RandomPurpose::sampling, 0).uniforms(0, 0);
  EXPECT_EQ(zeros.first, unit(0x6627e8d5u, 0xe169c58du));
  EXPECT_EQ(zeros.second, unit(0xbc57ac4cu, 0x9b00dbd8u));

  const std::uint64_t ones = ~std::uint64_t(0);
  const auto full =
      RandomStream(ones ^ purpose_bits, RandomPurpose::sampling, ones).uniforms(0xffffffffffu, 0xffffffu);
  EXPECT_EQ(full.first, unit(0x408f276du, 0x41c83b0eu));
  EXPECT_EQ(full.second, unit(0xa20bc7c6u, 0x6d5451fdu));

  const auto digits_of_pi =
      RandomStream(0x299f31d0a4093822u ^ purpose_bits, RandomPurpose::sampling, 0x0370734413198a2eu)
          .uniforms(0xd3243f6a88u, 0x85a308u);
  EXPECT_EQ(digits_of_pi.first, unit(0xd16cfe09u, 0x94fdccebu));
  EXPECT_EQ(digits_of_pi.second, unit(0x5001e420u, 0x24126ea1u));
}

TEST(RandomStream, IsAPureFunctionOfItsArguments) {
  const RandomStream stream(7, RandomPurpose::batch, 3);
  std::vector<double> forward, backward;
  for (std::uint64_t index = 0; index < 100; ++index) forward.push_back(stream.uniforms(index, 2).first);
  for (std::uint64_t index = 100; index-- > 0;)
    backward.push_back(RandomStream(7, RandomPurpose::batch, 3).uniforms(index, 2).first);
  std::reverse(backward.begin(), backward.end());
  EXPECT_EQ(forward, backward);
}

/// Streams that differ in one argument share no number: 2e5 numbers of 52 bits collide by chance with
/// probability 2^35 / 2^53.
TEST(RandomStream, ArgumentsGiveDifferentNumbers) {
  std::vector<RandomStream> streams;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32, 1ull << 40})
    for (const std::uint64_t step : {0ull, 1ull, 1ull << 32, 1ull << 50})
      for (const RandomPurpose purpose :
           {RandomPurpose::initialisation, RandomPurpose::batch, RandomPurpose::sampling,
            RandomPurpose::metrics, RandomPurpose::data_generation})
        streams.emplace_back(seed, purpose, step);
  std::set<double> seen;
  std::size_t drawn = 0;
  for (const RandomStream& stream : streams)
    for (const std::uint64_t base : {0ull, 1ull << 31, 1ull << 32, (1ull << 40) - 50})
      for (std::uint64_t index = base; index < base + 50; ++index)
        for (const std::uint32_t slot : {0u, 1u, 256u, (1u << 24) - 1}) {
          const auto pair = stream.uniforms(index, slot);
          seen.insert(pair.first);
          seen.insert(pair.second);
          drawn += 2;
        }
  EXPECT_EQ(seen.size(), drawn);
}

/// Mean, variance and serial correlations within five standard errors; sqrt(n) D of Kolmogorov-Smirnov below
/// 2.2, exceeded with probability 2 exp(-2 * 2.2^2) = 1.3e-4.
TEST(RandomStream, NumbersAreUniform) {
  constexpr int n = 200000;
  const RandomStream stream(12345, RandomPurpose::sampling, 0);
  std::vector<double> values;
  double cross = 0, serial = 0, previous = 0.5;
  for (int k = 0; k < n; ++k) {
    const auto pair = stream.uniforms(static_cast<std::uint64_t>(k), 0);
    values.push_back(pair.first);
    cross += (pair.first - 0.5) * (pair.second - 0.5);
    serial += (pair.first - 0.5) * (previous - 0.5);
    previous = pair.first;
  }
  double mean = 0, variance = 0;
  for (const double value : values) mean += value / n;
  for (const double value : values) variance += (value - 0.5) * (value - 0.5) / n;
  const double root = std::sqrt(static_cast<double>(n));
  EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(1.0 / 12) / root);
  EXPECT_NEAR(variance, 1.0 / 12, 5 * std::sqrt(1.0 / 180) / root);
  EXPECT_NEAR(cross / n, 0.0, 5.0 / 12 / root);
  EXPECT_NEAR(serial / n, 0.0, 5.0 / 12 / root);
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (int k = 0; k < n; ++k) {
    const double value = values[static_cast<std::size_t>(k)];
    distance = std::max({distance, value - static_cast<double>(k) / n, (k + 1.0) / n - value});
  }
  EXPECT_LT(root * distance, 2.2);
  EXPECT_GT(values.front(), 0.0);
  EXPECT_LT(values.back(), 1.0);
}

}  // namespace
}  // namespace rhoflux
