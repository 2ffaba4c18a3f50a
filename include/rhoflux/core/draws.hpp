#pragma once

#include <cmath>

#include "rhoflux/core/math.hpp"
#include "rhoflux/core/random.hpp"

/// Draws from common distributions, made of uniform numbers.
namespace rhoflux {

/// Elementary functions of draws: those of math.hpp, which run in kernels, or those of the standard library.
struct KernelFunctions {
  RHOFLUX_FUNCTION static double log(double x) { return math::log(x); }
  RHOFLUX_FUNCTION static double sqrt(double x) { return math::sqrt(x); }
  RHOFLUX_FUNCTION static void sincos_turns(double turns, double& sine, double& cosine) {
    math::sincos_turns(turns, sine, cosine);
  }
};
struct StandardFunctions {
  static double log(double x) { return std::log(x); }
  static double sqrt(double x) { return std::sqrt(x); }
  static void sincos_turns(double turns, double& sine, double& cosine) {
    constexpr double two_pi = 6.283185307179586476925;
    sine = std::sin(two_pi * turns);
    cosine = std::cos(two_pi * turns);
  }
};

/// Two independent standard normal numbers from two independent uniform ones (Box & Muller 1958):
///   (-2 log u)^(1/2) (cos 2 pi v, sin 2 pi v).
template <class Functions = KernelFunctions>
RHOFLUX_FUNCTION RandomStream::Pair box_muller(const RandomStream::Pair& uniforms) {
  double sine, cosine;
  Functions::sincos_turns(uniforms.second, sine, cosine);
  const double radius = Functions::sqrt(-2.0 * Functions::log(uniforms.first));
  return {radius * cosine, radius * sine};
}

/// Index k with probability weight(k) / (sum of all n weights).
/// @param level uniform in (0, sum of the weights)
template <class Weight>
RHOFLUX_FUNCTION int choose_index(double level, int n, const Weight& weight) {
  int k = 0;
  for (; k < n - 1; ++k) {
    level -= weight(k);
    if (level < 0) break;
  }
  return k;
}

}  // namespace rhoflux
