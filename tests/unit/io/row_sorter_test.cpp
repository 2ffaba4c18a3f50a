#include "rhoflux/io/row_sorter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

struct Row {
  double key;
  std::int64_t number;
  std::string text;
  bool operator==(const Row& other) const {
    return key == other.key && number == other.number && text == other.text;
  }
};

std::vector<Row> random_rows(std::size_t count, int n_keys) {
  std::mt19937_64 random(7);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i)
    rows.push_back({static_cast<double>(random() % static_cast<unsigned>(n_keys)) - 3.5,
                    static_cast<std::int64_t>(i),
                    std::string(random() % 40, static_cast<char>('a' + i % 26))});
  return rows;
}

std::vector<Row> sorted_by(RowSorter& sorter, const std::vector<Row>& rows) {
  for (const Row& row : rows) sorter.add(row.key, reinterpret_cast<const char*>(&row.number), row.text);
  EXPECT_EQ(sorter.size(), static_cast<std::int64_t>(rows.size()));
  std::vector<Row> found;
  sorter.for_each([&](double key, const char* row, std::string_view text) {
    std::int64_t number = 0;
    std::memcpy(&number, row, sizeof(number));
    found.push_back({key, number, std::string(text)});
  });
  return found;
}

TEST(RowSorter, SortsInMemoryAndThroughAFileAlike) {
  const testing::TemporaryFolder folder;
  for (const std::size_t count : {0U, 1U, 1000U, 20000U}) {
    for (const int n_keys : {1, 5, 1000000}) {
      const std::vector<Row> rows = random_rows(count, n_keys);
      std::vector<Row> expected = rows;
      std::stable_sort(expected.begin(), expected.end(),
                       [](const Row& a, const Row& b) { return a.key < b.key; });
      for (const std::size_t memory : {std::size_t{48} << 20, std::size_t{1} << 14, std::size_t{1}}) {
        if (memory == 1 && count > 1000) continue;  // a run for each row
        RowSorter sorter({sizeof(std::int64_t), folder.file(""), memory});
        EXPECT_EQ(sorted_by(sorter, rows), expected)
            << count << " rows, " << n_keys << " keys, memory " << memory;
        EXPECT_TRUE(std::filesystem::is_empty(folder.file("")));
      }
    }
  }
}

TEST(RowSorter, AFolderThatCannotBeWrittenIsNamed) {
  RowSorter sorter({sizeof(std::int64_t), "/nowhere/at/all", 64});
  const std::int64_t number = 1;
  const auto add = [&] { sorter.add(0.0, reinterpret_cast<const char*>(&number), "text"); };
  add();
  test::expect_error(ExitCode::io_failure, {"/nowhere/at/all", "temporary file"}, [&] {
    add();
    add();
  });
}

}  // namespace
}  // namespace rhoflux::io
