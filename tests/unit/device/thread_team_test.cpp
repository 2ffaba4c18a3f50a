#include "rhoflux/device/thread_team.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>

#include "rhoflux/core/error.hpp"
#include "rhoflux/device/subnormals.hpp"

namespace rhoflux {
namespace {

TEST(ThreadTeam, EachCallHasAThreadOfItsOwnAndTheFirstIsTheCallers) {
  for (const int n : {1, 2, 5}) {
    ThreadTeam team(n);
    ASSERT_EQ(team.size(), n);
    for (int round = 0; round < 3; ++round) {
      std::vector<std::thread::id> ids(static_cast<std::size_t>(n));
      team.run([&](int k) { ids[static_cast<std::size_t>(k)] = std::this_thread::get_id(); });
      EXPECT_EQ(ids.front(), std::this_thread::get_id());
      EXPECT_EQ(std::set<std::thread::id>(ids.begin(), ids.end()).size(), ids.size());
    }
  }
}

/// No thread makes numbers below the normal ones, which are slow.
TEST(ThreadTeam, SubnormalNumbersAreZero) {
  if (!flush_subnormals()) GTEST_SKIP() << "not known how on this processor";
  ThreadTeam team(3);
  const volatile float least = std::numeric_limits<float>::min();
  const volatile double least_double = std::numeric_limits<double>::min();
  std::vector<double> halves(3, 1.0);
  team.run([&](int k) { halves[static_cast<std::size_t>(k)] = 0.5F * least + 0.5 * least_double; });
  for (const double half : halves) EXPECT_EQ(half, 0.0);
}

/// What the threads have written before is seen by the caller, and what it writes by them.
TEST(ThreadTeam, ManyRuns) {
  ThreadTeam team(3);
  std::vector<long> sums(3, 0);
  long shared = 0;
  for (int round = 1; round <= 5000; ++round) {
    shared = round;
    team.run([&](int k) { sums[static_cast<std::size_t>(k)] += shared * (k + 1); });
  }
  const long total = 5000L * 5001 / 2;
  EXPECT_EQ(sums, (std::vector<long>{total, 2 * total, 3 * total}));
}

TEST(ThreadTeam, ThrowsWhatTheFirstThrewWhenAllHaveReturned) {
  ThreadTeam team(4);
  std::atomic<int> returned = 0;
  const auto work = [&](int k) {
    if (k == 1 || k == 3) throw std::runtime_error("thread " + std::to_string(k));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ++returned;
  };
  try {
    team.run(work);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "thread 1");
  }
  EXPECT_EQ(returned, 2);
  team.run([&](int) { ++returned; });  // and goes on
  EXPECT_EQ(returned, 6);
}

/// The variable as it is given, and as it was before when the test ends.
class EnvironmentVariable {
 public:
  explicit EnvironmentVariable(const char* name) : m_name(name) {
    if (const char* value = std::getenv(name)) m_before = value;
  }
  ~EnvironmentVariable() { m_before.empty() ? unsetenv(m_name) : setenv(m_name, m_before.c_str(), 1); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;
  void set(const char* value) const { setenv(m_name, value, 1); }
  void unset() const { unsetenv(m_name); }

 private:
  const char* m_name;
  std::string m_before;
};

TEST(Threads, AreThoseOfTheEnvironment) {
  const EnvironmentVariable variable("OMP_NUM_THREADS");
  variable.unset();
  EXPECT_EQ(threads_of_environment(), 1);
  for (const auto& [text, threads] :
       {std::pair("", 1), std::pair("1", 1), std::pair("12", 12), std::pair("4,2", 4)}) {
    variable.set(text);
    EXPECT_EQ(threads_of_environment(), threads) << text;
  }
  for (const char* text : {"0", "-2", "two", "2x", "1e3", "99999999999999999999", "2048"}) {
    variable.set(text);
    EXPECT_THROW((void)threads_of_environment(), Error) << text;
  }
}

TEST(Threads, ThereIsAProcessorForTheProcess) {
  EXPECT_GE(processors_of_process(), 1);
}

}  // namespace
}  // namespace rhoflux
