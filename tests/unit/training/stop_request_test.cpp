#include "rhoflux/training/stop_request.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "unit/training/training_test_support.hpp"

namespace rhoflux::training {
namespace {

/// Leaves no signal behind for the next test.
class StopRequestTest : public ::testing::Test {
 protected:
  StopRequestTest() { install_stop_signals(); }
  ~StopRequestTest() override { install_stop_signals(); }
};

TEST_F(StopRequestTest, WithoutLimitsThereIsNoReason) {
  EXPECT_EQ(StopRequest({}).reason(1000000), StopReason::none);
}

TEST_F(StopRequestTest, StepsOfThisRunAreCounted) {
  StopLimits limits;
  limits.stop_after = 3;
  EXPECT_EQ(StopRequest(limits).reason(2), StopReason::none);
  EXPECT_EQ(StopRequest(limits).reason(3), StopReason::stop_after);
  EXPECT_EQ(StopRequest(limits).reason(4), StopReason::stop_after);
}

TEST_F(StopRequestTest, TimeGoesBeforeSteps) {
  StopLimits limits;
  limits.stop_after = 1;
  limits.max_hours = 1000;
  EXPECT_EQ(StopRequest(limits).reason(1), StopReason::stop_after);
  limits.max_hours = 1e-9;
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(StopRequest(limits).reason(1), StopReason::max_hours);
}

TEST_F(StopRequestTest, SignalsGoBeforeEverythingUntilTheyAreCleared) {
  StopLimits limits;
  limits.max_hours = 1e-9;
  std::raise(SIGTERM);
  EXPECT_EQ(StopRequest(limits).reason(0), StopReason::signal_term);
  std::raise(SIGUSR1);
  EXPECT_EQ(StopRequest({}).reason(0), StopReason::signal_usr1);
  install_stop_signals();
  EXPECT_EQ(StopRequest({}).reason(0), StopReason::none);
}

TEST_F(StopRequestTest, ReasonsAreNamed) {
  EXPECT_EQ(to_string(StopReason::none), "");
  EXPECT_EQ(to_string(StopReason::stop_after), "--stop-after");
  EXPECT_EQ(to_string(StopReason::max_hours), "--max-hours");
  EXPECT_EQ(to_string(StopReason::signal_term), "signal TERM");
  EXPECT_EQ(to_string(StopReason::signal_usr1), "signal USR1");
}

TEST_F(StopRequestTest, ASignalStopsARunAfterTheStepWithACheckpoint) {
  testing::SmallRun run;
  std::raise(SIGUSR1);
  EXPECT_EQ(run.train(), RunEnd::stopped);
  EXPECT_EQ(checkpoint::read_checkpoint(run.checkpoint(1)).state.step, 1);
  EXPECT_NE(run.log.find("stopped after step 1 by signal USR1"), std::string::npos) << run.log;
}

}  // namespace
}  // namespace rhoflux::training
