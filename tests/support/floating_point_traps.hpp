#pragma once

#include <cfenv>

/// Tests compiled with TRAP (tests/CMakeLists.txt) die by SIGFPE at an operation whose result is not a number
/// (0 / 0, inf - inf, log of a negative number) and at a division of a finite number by zero. A model of
/// finite parameters evaluated at finite points must do neither. Overflow to infinity and underflow are allowed.
namespace rhoflux::test {

constexpr int trapped_exceptions = FE_INVALID | FE_DIVBYZERO;

/// No traps in the scope, for what a test does on purpose.
class WithoutTraps {
 public:
  WithoutTraps() { std::feholdexcept(&m_environment); }
  ~WithoutTraps() { std::fesetenv(&m_environment); }
  WithoutTraps(const WithoutTraps&) = delete;
  WithoutTraps& operator=(const WithoutTraps&) = delete;

 private:
  std::fenv_t m_environment{};
};

}  // namespace rhoflux::test
