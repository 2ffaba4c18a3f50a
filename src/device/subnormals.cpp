#include "rhoflux/device/subnormals.hpp"

#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace rhoflux {

bool flush_subnormals() {
#if defined(__SSE2__)
  constexpr unsigned results = 0x8000, operands = 0x0040;  // bits of MXCSR
  _mm_setcsr(_mm_getcsr() | results | operands);
  return true;
#elif defined(__aarch64__)
  constexpr std::uint64_t both = std::uint64_t{1} << 24;  // bit FZ of FPCR
  std::uint64_t control = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  control |= both;
  __asm__ volatile("msr fpcr, %0" : : "r"(control));
  return true;
#else
  return false;
#endif
}

}  // namespace rhoflux
