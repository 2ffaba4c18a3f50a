#include "rhoflux/io/file_hash.hpp"

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

/// FIPS 180-4 and its examples; the last, longer than one piece of the reader, by sha256sum of GNU coreutils.
TEST(FileHash, IsSha256) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("a");
  const auto hash_of = [&](const std::string& text) {
    testing::write_text(path, text);
    return sha256_of_file(path);
  };
  EXPECT_EQ(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash_of(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(hash_of(std::string((2 << 20) + 1, 'a')),
            "16a429a1e5162fcf59e3079724763e9afafcef1e2c7f862571e9267b3d959113");
}

TEST(FileHash, SaysWhatCannotBeRead) {
  const testing::TemporaryFolder folder;
  test::expect_error(ExitCode::bad_input, {folder.file("absent"), "cannot be opened"},
                     [&] { sha256_of_file(folder.file("absent")); });
  test::expect_error(ExitCode::io_failure, {folder.file("."), "reading failed"},
                     [&] { sha256_of_file(folder.file(".")); });
}

}  // namespace
}  // namespace rhoflux::io
