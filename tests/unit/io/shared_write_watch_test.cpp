#include "shared_write_watch.hpp"

#include <gtest/gtest.h>
#include <mpi.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <string>
#include <thread>

namespace {

using namespace rhoflux::io;
using std::chrono::milliseconds;

TEST(SharedWriteWatch, SaysNothingWhereNothingIsExpected) {
  bool is_called = false;
  {
    SharedWriteWatch watch("a.h5", [&](const std::string&) { is_called = true; });
    watch.opened();
  }
  EXPECT_FALSE(is_called);
}

TEST(SharedWriteWatch, SaysNothingWhereItIsOverInTime) {
  std::atomic<bool> is_called{false};
  {
    SharedWriteWatch watch("a.h5", [&](const std::string&) { is_called = true; });
    watch.expect_end("too late", std::chrono::minutes(1));
  }
  EXPECT_FALSE(is_called);
}

TEST(SharedWriteWatch, AnswersWithTheErrorThatHasTheLeastTimeLeft) {
  std::promise<std::string> said;
  SharedWriteWatch watch("a.h5", [&](const std::string& error) { said.set_value(error); });
  watch.expect_end("in an hour", std::chrono::hours(1));
  watch.expect_end("soon", milliseconds(60));
  watch.expect_end("in two hours", std::chrono::hours(2));
  auto answer = said.get_future();
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(answer.get(), "soon");
}

/// An error of a file that was opened under the watch begins its time, and MPI returns the code all the same; one of a file that
/// was opened after `opened` does not.
TEST(SharedWriteWatch, HearsOfErrorsOfTheFileThatWasOpenedUnderIt) {
  const std::string name = testing::TempDir() + "rhoflux_watch_" + std::to_string(::getpid());
  std::ofstream(name) << "x";
  const auto open = [&] {  // to read, so that writing is an error
    MPI_File file = MPI_FILE_NULL;
    EXPECT_EQ(MPI_File_open(MPI_COMM_SELF, name.c_str(), MPI_MODE_RDONLY, MPI_INFO_NULL, &file), MPI_SUCCESS);
    return file;
  };
  std::atomic<bool> is_called{false};
  std::string said;
  SharedWriteWatch watch(
      name,
      [&](const std::string& error) {
        said = error;
        is_called = true;
      },
      milliseconds(100));
  MPI_File watched = open();
  watch.opened();
  MPI_File other = open();
  char byte = 0;
  EXPECT_NE(MPI_File_write_at(other, 0, &byte, 1, MPI_CHAR, MPI_STATUS_IGNORE), MPI_SUCCESS);
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_FALSE(is_called);
  EXPECT_NE(MPI_File_write_at(watched, 0, &byte, 1, MPI_CHAR, MPI_STATUS_IGNORE), MPI_SUCCESS);
  watch.expect_end("more time than the error has", std::chrono::hours(1));  // does not replace it
  for (int k = 0; k < 400 && !is_called; ++k) std::this_thread::sleep_for(milliseconds(50));
  ASSERT_TRUE(is_called);
  EXPECT_EQ(said.find(name + ": cannot write the file: "), 0U) << said;
  MPI_File_close(&watched);
  MPI_File_close(&other);
  std::remove(name.c_str());
}

}  // namespace
