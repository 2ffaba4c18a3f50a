#include "rhoflux/device/profiling.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace rhoflux {
namespace {

RegionTimes::Entry entry_of(const std::string& name) {
  RegionTimes& times = RegionTimes::instance();
  return times.entries()[static_cast<std::size_t>(times.index_of(name))];
}

TEST(RegionTimes, KeepsTheOrderOfFirstUse) {
  RegionTimes times;
  EXPECT_EQ(times.index_of("forward"), 0);
  EXPECT_EQ(times.index_of("adjoint"), 1);
  EXPECT_EQ(times.index_of("forward"), 0);
  times.add(0, 0.25);
  times.add(0, 0.5);
  times.add(1, 2.0);
  ASSERT_EQ(times.entries().size(), 2u);
  EXPECT_EQ(times.entries()[0].name, "forward");
  EXPECT_EQ(times.entries()[0].seconds, 0.75);
  EXPECT_EQ(times.entries()[0].calls, 2);
  EXPECT_EQ(times.entries()[1].name, "adjoint");
  EXPECT_EQ(times.entries()[1].seconds, 2.0);
  EXPECT_EQ(times.entries()[1].calls, 1);
}

TEST(ScopedRegion, NestedRegionsCountInTheirParents) {
  const auto start = std::chrono::steady_clock::now();
  {
    const ScopedRegion outer("outer region");
    for (int k = 0; k < 2; ++k) {
      const ScopedRegion inner("inner region");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const RegionTimes::Entry outer = entry_of("outer region"), inner = entry_of("inner region");
  EXPECT_EQ(outer.calls, 1);
  EXPECT_EQ(inner.calls, 2);
  EXPECT_GE(inner.seconds, 0.010);
  EXPECT_GE(outer.seconds, inner.seconds);
  EXPECT_LE(outer.seconds, elapsed.count());
}

TEST(PeakMemory, CountsWhatWasTouched) {
  constexpr std::size_t bytes = std::size_t(64) << 20;
  std::vector<char> memory(bytes);
  volatile char* touched = memory.data();  // a compiler may leave out memory that nobody looks at
  for (std::size_t i = 0; i < bytes; i += 1024) touched[i] = 1;
  EXPECT_GE(peak_memory_bytes(), static_cast<double>(bytes));
}

}  // namespace
}  // namespace rhoflux
