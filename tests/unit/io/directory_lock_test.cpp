#include "rhoflux/io/directory_lock.hpp"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

using std::chrono::milliseconds;
using testing::TemporaryFolder;

TEST(DirectoryLock, IsHeldUntilItsEndAndLeavesNothing) {
  const TemporaryFolder folder;
  {
    const DirectoryLock lock(folder.file(""));
    EXPECT_TRUE(lock.is_held());
    EXPECT_TRUE(lock.is_effective());
    EXPECT_EQ(folder.entries(), std::vector<std::string>{".lock"});
  }
  EXPECT_TRUE(folder.entries().empty());
  EXPECT_FALSE(DirectoryLock().is_held());
}

TEST(DirectoryLock, ASecondHolderIsRefusedAndToldOfTheFirst) {
  const TemporaryFolder folder;
  const DirectoryLock lock(folder.file(""));
  test::expect_error(ExitCode::bad_input,
                     {folder.file(""), "another run is writing here", "process " + std::to_string(::getpid()),
                      "checkpoint.directory"},
                     [&] { const DirectoryLock second(folder.file(""), milliseconds(0)); });
}

TEST(DirectoryLock, WaitsForAHolderThatEnds) {
  const TemporaryFolder folder;
  auto first = std::make_unique<DirectoryLock>(folder.file(""));
  std::thread end([&] {
    std::this_thread::sleep_for(milliseconds(150));
    first.reset();
  });
  EXPECT_NO_THROW({
    const DirectoryLock second(folder.file(""), std::chrono::seconds(10));
    EXPECT_TRUE(second.is_held());
  });
  end.join();
}

/// What a killed run leaves is a file that nobody has locked.
TEST(DirectoryLock, AnAbandonedFileIsNoLock) {
  const TemporaryFolder folder;
  testing::write_text(folder.file(".lock"), "process 1 on another machine");
  const DirectoryLock lock(folder.file(""), milliseconds(0));
  EXPECT_TRUE(lock.is_held());
  EXPECT_EQ(testing::read_text(folder.file(".lock")).find("another machine"), std::string::npos);
}

/// What SLURM says of a start of a job, for as long as it exists.
class JobOfSlurm {
 public:
  JobOfSlurm(const char* job, const char* restarts) {
    ::setenv("SLURM_JOB_ID", job, 1);
    ::setenv("SLURM_RESTART_COUNT", restarts, 1);
  }
  ~JobOfSlurm() {
    ::unsetenv("SLURM_JOB_ID");
    ::unsetenv("SLURM_RESTART_COUNT");
  }
};

TEST(DirectoryLock, AJobThatWasPutBackTakesTheDirectoryFromItsEarlierStart) {
  const TemporaryFolder folder;
  std::unique_ptr<DirectoryLock> earlier, later;
  {
    const JobOfSlurm job("17", "1");
    earlier = std::make_unique<DirectoryLock>(folder.file(""), milliseconds(0));
    EXPECT_EQ(earlier->taken_from(), "");
    EXPECT_NO_THROW(earlier->require_held());
  }
  for (const auto& [number, restarts] : {std::pair("18", "2"), std::pair("17", "1"), std::pair("17", "0")}) {
    const JobOfSlurm other(number, restarts);
    EXPECT_THROW(DirectoryLock(folder.file(""), milliseconds(0)), Error) << number << " " << restarts;
  }
  EXPECT_THROW(DirectoryLock(folder.file(""), milliseconds(0)), Error) << "no job";
  {
    const JobOfSlurm job("17", "2");
    later = std::make_unique<DirectoryLock>(folder.file(""), milliseconds(200));
  }
  EXPECT_NE(later->taken_from().find("SLURM job 17, restart 1"), std::string::npos) << later->taken_from();
  EXPECT_NO_THROW(later->require_held());
  test::expect_error(ExitCode::io_failure,
                     {folder.file(""), "taken this directory over", "SLURM job 17, restart 2"},
                     [&] { earlier->require_held(); });
  earlier.reset();  // must not remove what is not its own
  EXPECT_NO_THROW(later->require_held());
  EXPECT_EQ(folder.entries(), std::vector<std::string>{".lock"});
  later.reset();
  EXPECT_TRUE(folder.entries().empty());
}

/// As when another run has come and ended.
TEST(DirectoryLock, ALockThatIsGoneIsLost) {
  const TemporaryFolder folder;
  const DirectoryLock lock(folder.file(""));
  EXPECT_EQ(::unlink(folder.file(".lock").c_str()), 0);
  test::expect_error(ExitCode::io_failure, {folder.file(""), ".lock is gone", "writes nothing more"},
                     [&] { lock.require_held(); });
  EXPECT_NO_THROW(DirectoryLock().require_held());
}

/// A link in its place would have another file written to.
TEST(DirectoryLock, ASymbolicLinkIsRefused) {
  const TemporaryFolder folder;
  testing::write_text(folder.file("precious"), "text");
  EXPECT_EQ(::symlink(folder.file("precious").c_str(), folder.file(".lock").c_str()), 0);
  test::expect_error(ExitCode::bad_input, {folder.file(""), "cannot be locked"},
                     [&] { const DirectoryLock lock(folder.file("")); });
  EXPECT_EQ(testing::read_text(folder.file("precious")), "text");
}

TEST(DirectoryLock, MovesToAnotherObject) {
  const TemporaryFolder folder;
  DirectoryLock first(folder.file(""));
  DirectoryLock second = std::move(first);
  EXPECT_TRUE(second.is_held());
  DirectoryLock third;
  third = std::move(second);
  EXPECT_TRUE(third.is_held());
  EXPECT_THROW(DirectoryLock(folder.file(""), milliseconds(0)), Error);
}

TEST(DirectoryLock, AFolderThatIsAbsentIsRefused) {
  const TemporaryFolder folder;
  test::expect_error(ExitCode::bad_input, {folder.file("absent"), "cannot be locked"},
                     [&] { const DirectoryLock lock(folder.file("absent")); });
}

}  // namespace
}  // namespace rhoflux::io
