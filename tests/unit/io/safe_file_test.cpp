#include "rhoflux/io/safe_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rhoflux/io/hdf5_handle.hpp"
#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

using test::expect_error;
using testing::read_text;
using testing::TemporaryFolder;
using testing::write_text;

const auto nothing_to_verify = [](const std::string&) {};

TEST(SafeFile, WritesANewFileAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt");
  std::string temporary_name;
  write_safely(
      path, false,
      [&](const std::string& temporary) {
        temporary_name = temporary;
        EXPECT_FALSE(std::filesystem::exists(path));
        write_text(temporary, "new");
      },
      [&](const std::string& temporary) {
        EXPECT_EQ(read_text(temporary), "new");
        EXPECT_FALSE(std::filesystem::exists(path));
      });
  EXPECT_EQ(read_text(path), "new");
  EXPECT_EQ(std::filesystem::path(temporary_name).parent_path(), std::filesystem::path(path).parent_path());
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"a.txt"});
}

TEST(SafeFile, OverwritesOnlyWhenAsked) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt");
  write_text(path, "old");
  const auto write_new = [](const std::string& temporary) { write_text(temporary, "new"); };
  expect_error(ExitCode::bad_input, {"a.txt", "already exists", "--force"},
               [&] { write_safely(path, false, write_new, nothing_to_verify); });
  EXPECT_EQ(read_text(path), "old");
  write_safely(path, true, write_new, nothing_to_verify);
  EXPECT_EQ(read_text(path), "new");
}

TEST(SafeFile, AFileThatAppearsMeanwhileIsKept) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt");
  expect_error(ExitCode::bad_input, {"already exists"}, [&] {
    write_safely(
        path, false,
        [&](const std::string& temporary) {
          write_text(temporary, "new");
          write_text(path, "of another program");
        },
        nothing_to_verify);
  });
  EXPECT_EQ(read_text(path), "of another program");
  EXPECT_EQ(folder.entries().size(), 1u);
}

TEST(SafeFile, FailureLeavesTheOldFileAndNoTemporary) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt");
  write_text(path, "old");
  expect_error(ExitCode::numerical_failure, {"stopped half-way"}, [&] {
    write_safely(
        path, true,
        [](const std::string& temporary) {
          write_text(temporary, "hal");
          fail_numerics("stopped half-way");
        },
        nothing_to_verify);
  });
  expect_error(ExitCode::io_failure, {"a.txt", "does not read back", "wrong content"}, [&] {
    write_safely(
        path, true, [](const std::string& temporary) { write_text(temporary, "bad"); },
        [](const std::string&) { fail_input("wrong content"); });
  });
  expect_error(ExitCode::io_failure, {"a.txt"}, [&] {
    write_safely(
        path, true, [](const std::string& temporary) { std::filesystem::remove(temporary); },
        nothing_to_verify);
  });
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"a.txt"});
}

TEST(SafeFile, AProcessKilledWhileWritingLeavesTheOldFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt");
  write_text(path, "old");
  const pid_t child = ::fork();
  if (child == 0) {
    write_safely(
        path, true,
        [](const std::string& temporary) {
          write_text(temporary, "half");
          ::_exit(9);
        },
        nothing_to_verify);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 9);
  EXPECT_EQ(read_text(path), "old");
}

TEST(SafeFile, RequireAbsentNamesWhatIsWrong) {
  const TemporaryFolder folder;
  const auto bad = ExitCode::bad_input;
  EXPECT_NO_THROW(require_absent(folder.file("a"), false));
  expect_error(bad, {"no folder", "nowhere"}, [&] { require_absent(folder.file("nowhere/a"), true); });
  expect_error(bad, {"empty"}, [] { require_absent("", true); });
  std::filesystem::create_directory(folder.file("sub"));
  expect_error(bad, {"sub", "is a folder"}, [&] { require_absent(folder.file("sub"), true); });
  write_text(folder.file("a"), "");
  expect_error(bad, {"already exists"}, [&] { require_absent(folder.file("a"), false); });
  EXPECT_NO_THROW(require_absent(folder.file("a"), true));
  if (::geteuid() != 0) {  // root may write anywhere
    std::filesystem::permissions(folder.file("sub"), std::filesystem::perms::owner_read);
    expect_error(bad, {"not writable"}, [&] { require_absent(folder.file("sub/a"), false); });
  }
}

TEST(ReadBackCheck, ReadsEveryDatasetOfEveryGroup) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  const double marker = 9876.54321;
  const double large_marker = 2.71828182845;
  const auto write = [&] {
    Hdf5Writer file(path);
    file.write_string("deck", "text");
    file.write("scalar", std::vector<double>{1.0}, {});
    file.write("none", std::vector<double>{}, {0});
    file.write("large", std::vector<double>(3000000, large_marker), {1500000, 2});
    file.write("one/two/three", std::vector<double>(50, marker), {50});
    file.close();
  };
  write();
  EXPECT_NO_THROW(read_back_check(path));
  testing::corrupt_double(path, marker);
  expect_error(ExitCode::bad_input, {"a.h5", "'/one/two/three'"}, [&] { read_back_check(path); });
  write();
  testing::corrupt_double(path, large_marker);
  expect_error(ExitCode::bad_input, {"a.h5", "'/large'"}, [&] { read_back_check(path); });
  write();
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  expect_error(ExitCode::bad_input, {"a.h5", "damaged"}, [&] { read_back_check(path); });
  expect_error(ExitCode::bad_input, {"no such file"}, [&] { read_back_check(folder.file("b.h5")); });
}

std::filesystem::perms permissions(const std::string& path) {
  return std::filesystem::status(path).permissions();
}

/// Nobody else reads half a file, and it has the permissions that the umask leaves once it is there.
TEST(SafeFile, TheTemporaryFileIsPrivateAndUnguessable) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(0022);
  std::vector<std::string> names;
  for (const char* name : {"a", "a", "b"}) {
    write_safely(
        folder.file(name), true,
        [&](const std::string& temporary) {
          EXPECT_EQ(permissions(temporary),
                    std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
          write_text(temporary, "new");
          names.push_back(temporary);
        },
        nothing_to_verify);
    EXPECT_EQ(static_cast<unsigned>(permissions(folder.file(name))),
              0644u & ~static_cast<unsigned>(before) & 0777u);
  }
  ::umask(before);
  EXPECT_NE(names[0], names[1]);
}

/// A link leads to a file of which nobody has said that it may be replaced.
TEST(SafeFile, ALinkIsNeitherReplacedNorFollowed) {
  const TemporaryFolder folder;
  write_text(folder.file("precious"), "text");
  std::filesystem::create_symlink(folder.file("precious"), folder.file("link"));
  std::filesystem::create_symlink(folder.file("absent"), folder.file("dangling"));
  for (const char* name : {"link", "dangling"})
    for (const bool overwrite : {false, true})
      expect_error(ExitCode::bad_input, {name, "is a symbolic link"}, [&] {
        write_safely(
            folder.file(name), overwrite, [](const std::string& temporary) { write_text(temporary, "new"); },
            nothing_to_verify);
      });
  EXPECT_EQ(read_text(folder.file("precious")), "text");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("absent")));
}

TEST(SafeFile, ALinkToAFolderIsFollowed) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("real"));
  std::filesystem::create_directory_symlink(folder.file("real"), folder.file("by_link"));
  write_safely(
      folder.file("by_link/a"), false, [](const std::string& temporary) { write_text(temporary, "new"); },
      nothing_to_verify);
  EXPECT_EQ(read_text(folder.file("real/a")), "new");
}

/// What throws before the file gets its name leaves all as it was.
TEST(SafeFile, NothingIsWrittenUnlessItIsAllowedAtLast) {
  const TemporaryFolder folder;
  write_text(folder.file("a"), "old");
  const auto forbid = [] { fail_io("not allowed"); };
  expect_error(ExitCode::io_failure, {"not allowed"}, [&] {
    write_safely(
        folder.file("a"), true, [](const std::string& temporary) { write_text(temporary, "new"); },
        nothing_to_verify, forbid);
  });
  EXPECT_EQ(read_text(folder.file("a")), "old");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"a"});
}

TEST(SafeFile, DamageBeforeVerificationIsAnIoFailure) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  const double marker = 55.4433;
  expect_error(ExitCode::io_failure, {"a.h5", "does not read back", "'/x'"}, [&] {
    write_safely(
        path, false,
        [&](const std::string& temporary) {
          Hdf5Writer file(temporary);
          file.write("x", std::vector<double>(10, marker), {10});
          file.close();
          testing::corrupt_double(temporary, marker);
        },
        read_back_check);
  });
  EXPECT_TRUE(folder.entries().empty());
}

}  // namespace
}  // namespace rhoflux::io
