#pragma once

#include <algorithm>
#include <type_traits>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/loops.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

/// What the terms share that look at the Jacobian of the drift in random directions (Hutchinson 1989).
namespace rhoflux::objectives {

/// First slot of the random signs of a sample, far beyond those of its uniforms.
constexpr std::uint32_t first_sign_slot = 1u << 20;

/// Step of the differences along a direction of signs, in units of the data: truncation and rounding both stay small.
template <class Scalar>
double jacobian_step(const Units& units) {
  constexpr double relative = std::is_same_v<Scalar, float> ? 0.02 : 1e-3;
  return relative * *std::min_element(units.scale.begin(), units.scale.end());
}

/// Two independent random signs for each sample and coordinate, functions of seed, step and number of the sample.
/// @param v, w (n_dims, n); w may be empty
template <class Scalar>
void draw_signs(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples,
                const Matrix<Scalar>& first, const Matrix<Scalar>& second) {
  const RandomStream random(samples.config.seed, RandomPurpose::expectation,
                            static_cast<std::uint64_t>(samples.config.step));
  const Matrix<Scalar> v = first, w = second;
  const bool has_second = w.extent(0) > 0;
  const std::int64_t first_sample = samples.first_sample;
  for_each_entry(
      space, "random signs", static_cast<int>(v.extent(0)), samples.points.size(),
      KOKKOS_LAMBDA(int i, int s) {
        const RandomStream::Pair pair = random.uniforms(static_cast<std::uint64_t>(first_sample + s),
                                                        first_sign_slot + static_cast<std::uint32_t>(i));
        v(i, s) = pair.first < 0.5 ? Scalar(-1) : Scalar(1);
        if (has_second) w(i, s) = pair.second < 0.5 ? Scalar(-1) : Scalar(1);
      });
}

}  // namespace rhoflux::objectives
