#include "stall_watch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace rhoflux::training {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A watch whose answer is kept.
struct Watched {
  explicit Watched(double factor, StallWatch::Seconds least = milliseconds(400),
                   StallWatch::Seconds first = std::chrono::seconds(60))
      : watch(
            factor,
            [this](const std::string& text) {
              said = text;
              has_stalled = true;
            },
            least, first) {}
  bool stalls_within(milliseconds time) const {
    const auto end = steady_clock::now() + time;
    while (!has_stalled && steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(5));
    return has_stalled;
  }
  std::string said;
  std::atomic<bool> has_stalled{false};
  StallWatch watch;
};

TEST(StallWatch, EndsWorkThatTakesManyTimesTheLongestBefore) {
  Watched run(3);
  for (int step = 1; step <= 3; ++step) {
    run.watch.begin(StallWatch::Work::step, step);
    std::this_thread::sleep_for(milliseconds(10));
  }
  run.watch.begin(StallWatch::Work::step, 4);
  EXPECT_TRUE(run.stalls_within(std::chrono::seconds(20)));
  EXPECT_EQ(run.said.find("step 4 has not ended for "), 0u) << run.said;
  EXPECT_NE(run.said.find("the longest before took 0.0"), std::string::npos) << run.said;
}

/// The first validation may take long; only the second one is measured against it.
TEST(StallWatch, TheFirstWorkOfAKindMayTakeLonger) {
  Watched run(2);
  for (int step = 1; step <= 3; ++step) run.watch.begin(StallWatch::Work::step, step);
  run.watch.begin(StallWatch::Work::validation, 3);
  EXPECT_FALSE(run.stalls_within(milliseconds(1500)));
  run.watch.begin(StallWatch::Work::files, 3);
  EXPECT_FALSE(run.stalls_within(milliseconds(1500)));
  run.watch.begin(StallWatch::Work::validation,
                  6);  // 1.5 s are its longest now, so that 2 s are not too long
  EXPECT_FALSE(run.stalls_within(milliseconds(2000)));
  EXPECT_TRUE(run.stalls_within(std::chrono::seconds(20)));
  EXPECT_EQ(run.said.find("the validation after step 6 has"), 0u) << run.said;
}

TEST(StallWatch, EndsTheFirstWorkOfAKindLater) {
  Watched run(2, milliseconds(400), milliseconds(1500));
  run.watch.begin(StallWatch::Work::step, 1);
  run.watch.begin(StallWatch::Work::files, 1);
  EXPECT_FALSE(run.stalls_within(milliseconds(1000)));
  EXPECT_TRUE(run.stalls_within(std::chrono::seconds(20)));
  EXPECT_NE(run.said.find("is the first of its kind"), std::string::npos) << run.said;
}

TEST(StallWatch, WatchesNothingUnlessAsked) {
  Watched run(0, milliseconds(0));
  for (int step = 1; step <= 3; ++step) run.watch.begin(StallWatch::Work::step, step);
  EXPECT_FALSE(run.stalls_within(milliseconds(600)));
}

}  // namespace
}  // namespace rhoflux::training
