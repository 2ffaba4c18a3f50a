#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "rhoflux/core/function.hpp"

/// Elementary functions written without branches or table look-ups, so that a loop over them vectorises on a
/// CPU and runs unchanged in a GPU kernel. Errors are a few units in the last place
/// (tests/unit/core/math_test).

/// Marks a loop whose iterations are independent. Reductions name their variables.
#define RHOFLUX_PRAGMA(text) _Pragma(#text)
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define RHOFLUX_SIMD
#define RHOFLUX_SIMD_SUM(...)
#define RHOFLUX_SIMD_MAX(...)
#define RHOFLUX_UNROLL RHOFLUX_PRAGMA(unroll)
#else
#define RHOFLUX_SIMD RHOFLUX_PRAGMA(omp simd)
#define RHOFLUX_SIMD_SUM(...) RHOFLUX_PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#define RHOFLUX_UNROLL RHOFLUX_PRAGMA(GCC unroll 32)
#define RHOFLUX_SIMD_MAX(...) RHOFLUX_PRAGMA(omp simd reduction(max : __VA_ARGS__))
#endif

namespace rhoflux::math {

constexpr double pi = 3.141592653589793238462643383279502884;
constexpr double ln2 = 0.693147180559945309417232121458176568;

namespace detail {

template <class To, class From>
RHOFLUX_INLINED_FUNCTION To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "bit_cast keeps the size");
  To to;
  std::memcpy(&to, &from, sizeof(To));
  return to;
}

template <class Scalar>
struct Format;
template <>
struct Format<float> {
  using Int = std::int32_t;
  using Bits = std::uint32_t;
  static constexpr int mantissa_bits = 23;
  static constexpr Bits exponent_bias = 127;
  static constexpr float round_magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  static constexpr float exp_low = -87.0f, exp_high = 88.0f;
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  static constexpr int exp_terms = 7, log_terms = 5, log1p_terms = 8, trig_terms = 5;
};
template <>
struct Format<double> {
  using Int = std::int64_t;
  using Bits = std::uint64_t;
  static constexpr int mantissa_bits = 52;
  static constexpr Bits exponent_bias = 1023;
  static constexpr double round_magic = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double exp_low = -708.0, exp_high = 709.0;
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr int exp_terms = 13, log_terms = 11, log1p_terms = 17, trig_terms = 9;
};

RHOFLUX_FUNCTION constexpr double inverse_factorial(int n) {
  return n <= 1 ? 1.0 : inverse_factorial(n - 1) / n;
}

/// sum_{k<n} x^k / (2k + 1), so that atanh(f) = f * odd_series(f^2).
template <int n, class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar odd_series(Scalar x) {
  Scalar sum = Scalar(1.0 / (2 * n - 1));
  RHOFLUX_UNROLL
  for (int k = n - 2; k >= 0; --k) sum = sum * x + Scalar(1.0) / Scalar(2 * k + 1);
  return sum;
}

template <int k, int n, class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar exp_series(Scalar r) {
  if constexpr (k == n) {
    return Scalar(inverse_factorial(k));
  } else {
    return Scalar(inverse_factorial(k)) + r * exp_series<k + 1, n>(r);
  }
}

/// sum_{k<n} (-1)^k a2^k / (2k + odd)!, the series of cos (odd = 0) and of sin(a)/a (odd = 1).
template <int k, int n, int odd, class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar trig_series(Scalar a2) {
  constexpr double coefficient = (k % 2 == 0 ? 1.0 : -1.0) * inverse_factorial(2 * k + odd);
  if constexpr (k + 1 == n) {
    return Scalar(coefficient);
  } else {
    return Scalar(coefficient) + a2 * trig_series<k + 1, n, odd>(a2);
  }
}

/// Nearest whole number, |x| < 2^(mantissa_bits - 1).
template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar nearest(Scalar x) {
  // A copy: nvcc has no address of the member on the device.
  constexpr Scalar magic = Format<Scalar>::round_magic;
  return (x + magic) - magic;
}

}  // namespace detail

/// e^x; 0 below the smallest normal number, saturated near the largest; NaN stays NaN.
template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar exp(Scalar x) {
#if defined(__CUDA_ARCH__)
  // The device has units for powers of two of floats, to the same accuracy.
  if constexpr (std::is_same_v<Scalar, float>) {
    const float high = x > 88.0f ? 88.0f : x;
    return x < -87.0f ? 0.0f : ::expf(high);
  }
#endif
  using Format = detail::Format<Scalar>;
  using Bits = typename Format::Bits;
  const Scalar high = x > Scalar(Format::exp_high) ? Scalar(Format::exp_high) : x;
  const Scalar clamped = high < Scalar(Format::exp_low) ? Scalar(Format::exp_low) : high;
  const Scalar shifted = clamped * Scalar(1.0 / ln2) + Format::round_magic;
  const Scalar n = shifted - Format::round_magic;
  const Scalar r = (clamped - n * Format::ln2_high) - n * Format::ln2_low;
  const Scalar series = detail::exp_series<0, Format::exp_terms>(r);
  const Bits exponent = detail::bit_cast<Bits>(shifted) - detail::bit_cast<Bits>(Format::round_magic);
  const Scalar power = detail::bit_cast<Scalar>((exponent + Format::exponent_bias) << Format::mantissa_bits);
  const Scalar value = series * power;
  return x < Format::exp_low ? Scalar(0) : value;
}

/// log x of a normal positive number; -inf at 0, NaN below.
template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar log(Scalar x) {
  using Format = detail::Format<Scalar>;
  using Int = typename Format::Int;
  using Bits = typename Format::Bits;
  const Bits bits = detail::bit_cast<Bits>(x);
  const Bits from_sqrt_half = bits - detail::bit_cast<Bits>(Scalar(0.70710678118654752440));
  const Int exponent = static_cast<Int>(from_sqrt_half) >> Format::mantissa_bits;
  const Scalar m = detail::bit_cast<Scalar>(bits - (static_cast<Bits>(exponent) << Format::mantissa_bits));
  const Scalar f = (m - Scalar(1)) / (m + Scalar(1));
  const Scalar n = static_cast<Scalar>(exponent);
  const Scalar series = Scalar(2) * f * detail::odd_series<Format::log_terms>(f * f);
  const Scalar value = n * Format::ln2_high + (n * Format::ln2_low + series);
  const Scalar below =
      x == Scalar(0) ? -std::numeric_limits<Scalar>::infinity() : std::numeric_limits<Scalar>::quiet_NaN();
  return x > Scalar(0) ? value : below;
}

/// log(1 + e) for 0 <= e <= 1, to full relative accuracy for small e.
template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar log1p_unit(Scalar e) {
  const Scalar f = e / (Scalar(2) + e);
  return Scalar(2) * f * detail::odd_series<detail::Format<Scalar>::log1p_terms>(f * f);
}

template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar abs(Scalar x) {
  return x < Scalar(0) ? -x : x;
}

template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar sqrt(Scalar x) {
  return std::sqrt(x);  // one instruction on every target
}

/// a / b, which on a device may be two units in the last place off for floats; b is not subnormal and at most 2^126.
template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar quick_ratio(Scalar a, Scalar b) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<Scalar, float>) return __fdividef(a, b);
#endif
  return a / b;
}

template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar sigmoid(Scalar x) {
  return quick_ratio(Scalar(1), Scalar(1) + exp(-x));
}

/// What exp() gives, but for rounding, at the end of its range, which it does not exceed.
template <class Scalar>
constexpr Scalar largest_exp = 0;
template <>
inline constexpr double largest_exp<double> = 8.21e307;
template <>
inline constexpr float largest_exp<float> = 1.65e38f;

/// value e^log_factor, infinite or zero only where the product itself is out of range: the factor alone may be. The bits
/// of value * exp(log_factor) where that is in range.
template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar scaled_by_exp(Scalar value, Scalar log_factor) {
  constexpr Scalar high = detail::Format<Scalar>::exp_high, low = detail::Format<Scalar>::exp_low;
  if ((log_factor < high && log_factor > low) || value == Scalar(0)) return value * exp(log_factor);
  // Three factors take the least number beyond the largest, and back.
  const Scalar below = log_factor > 3 * high ? 3 * high : log_factor;
  const Scalar factor = exp((below < 3 * low ? 3 * low : below) / Scalar(3));
  return value * factor * factor * factor;
}

/// log sigmoid(x), accurate in both tails.
template <class Scalar>
RHOFLUX_INLINED_FUNCTION Scalar log_sigmoid(Scalar x) {
  return (x < Scalar(0) ? x : Scalar(0)) - log1p_unit(exp(-abs(x)));
}

/// sin(2 pi v) and cos(2 pi v): the angle is given in turns, so its reduction is exact for every v. (Beyond
/// 2^mantissa_bits all numbers are whole.)
template <class Scalar>
RHOFLUX_INLINED_FUNCTION void sincos_turns(Scalar turns_in, Scalar& sine, Scalar& cosine) {
  constexpr int n = detail::Format<Scalar>::trig_terms;
  constexpr Scalar whole = Scalar(std::uint64_t{1} << detail::Format<Scalar>::mantissa_bits);
  const Scalar reduced = turns_in - Scalar(2) * detail::nearest(Scalar(0.5) * turns_in);  // in [-1, 1]
  const Scalar v = abs(turns_in) >= whole ? Scalar(0) : reduced;
  const Scalar quarters = detail::nearest(Scalar(4) * v);
  const Scalar a = Scalar(2 * pi) * (v - Scalar(0.25) * quarters);
  const Scalar a2 = a * a;
  const Scalar s = a * detail::trig_series<0, n, 1>(a2);
  const Scalar c = detail::trig_series<0, n, 0>(a2);
  const Scalar halves = detail::nearest(Scalar(0.5) * quarters - Scalar(0.25));  // floor(quarters / 2)
  const bool odd = quarters - Scalar(2) * halves > Scalar(0.5);
  const Scalar turns = detail::nearest(Scalar(0.5) * halves - Scalar(0.25));
  const Scalar sign = halves - Scalar(2) * turns > Scalar(0.5) ? Scalar(-1) : Scalar(1);
  sine = sign * (odd ? c : s);
  cosine = sign * (odd ? -s : c);
}

}  // namespace rhoflux::math
