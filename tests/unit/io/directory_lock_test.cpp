#include "rhoflux/io/directory_lock.hpp"

#include <unistd.h>

#include <thread>

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
