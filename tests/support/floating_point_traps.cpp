#include "floating_point_traps.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace {

using namespace rhoflux::test;

/// Turns the traps on when all tests have been registered and Kokkos has been started.
class Traps : public ::testing::Environment {
 public:
  void SetUp() override {
#ifdef __GLIBC__
    std::feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(trapped_exceptions);
#endif
  }
};

[[maybe_unused]] ::testing::Environment* const traps = ::testing::AddGlobalTestEnvironment(new Traps);

volatile double zero = 0.0, result = 0.0;

/// False where the C library or the processor has no traps (some ARM processors).
bool traps_are_on() {
#ifdef __GLIBC__
  return (fegetexcept() & trapped_exceptions) == trapped_exceptions;
#else
  return false;
#endif
}

TEST(FloatingPointTraps, EndTheTest) {
  if (!traps_are_on()) GTEST_SKIP() << "this machine does not trap floating-point exceptions";
  EXPECT_EXIT(result = zero / zero, ::testing::KilledBySignal(SIGFPE), "");
  EXPECT_EXIT(result = 1.0 / zero, ::testing::KilledBySignal(SIGFPE), "");
}

TEST(FloatingPointTraps, CanBeTurnedOffInAScope) {
  if (!traps_are_on()) GTEST_SKIP() << "this machine does not trap floating-point exceptions";
  {
    const WithoutTraps without_traps;
    result = zero / zero;
  }
  EXPECT_TRUE(traps_are_on());
}

}  // namespace
