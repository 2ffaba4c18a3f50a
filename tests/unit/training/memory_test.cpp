#include "memory_need.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <new>

#include "support/errors.hpp"
#include "unit/training/training_test_support.hpp"

namespace rhoflux::training {
namespace {

using test::expect_error;

/// Files of a machine of 1000 kB.
class Machine : public ::testing::Test {
 protected:
  Machine() {
    places = {folder.file("meminfo"), folder.file("own"), folder.file("groups")};
    write("meminfo", "MemTotal: 2000 kB\nMemFree: 10 kB\nMemAvailable:    1000 kB\n");
  }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(folder.file(name)).parent_path());
    io::testing::write_text(folder.file(name), text);
  }
  const io::testing::TemporaryFolder folder;
  MemoryPlaces places;
};

TEST_F(Machine, MemAvailableIsSharedByTheRanks) {
  EXPECT_EQ(available_memory(1, places).bytes, 1000 * 1024);
  EXPECT_EQ(available_memory(4, places).bytes, 250 * 1024);
  EXPECT_NE(available_memory(1, places).limit.find("MemAvailable"), std::string::npos);
}

TEST_F(Machine, GroupsOfVersion2AndThoseAboveLimit) {
  write("own", "0::/jobs/7\n");
  write("groups/jobs/7/memory.max", "max\n");
  EXPECT_EQ(available_memory(1, places).bytes, 1000 * 1024);
  write("groups/jobs/memory.max", "500000\n");
  write("groups/jobs/memory.current", "300000\n");
  EXPECT_EQ(available_memory(2, places).bytes, 100000);
  EXPECT_NE(available_memory(1, places).limit.find("/jobs"), std::string::npos);
  write("groups/jobs/memory.stat", "anon 200000\ninactive_file 60000\n");  // can be dropped
  EXPECT_EQ(available_memory(1, places).bytes, 260000);
  write("groups/jobs/7/memory.max", "100\n");
  write("groups/jobs/7/memory.current", "200\n");
  EXPECT_EQ(available_memory(1, places).bytes, 0);
}

TEST_F(Machine, GroupsOfVersion1Limit) {
  write("own", "9:cpu,cpuacct:/a\n7:memory:/b/c\n0::/\n");
  write("groups/memory/b/c/memory.limit_in_bytes", "400000\n");
  write("groups/memory/b/c/memory.usage_in_bytes", "100000\n");
  write("groups/memory/b/c/memory.stat", "inactive_file 1\ntotal_inactive_file 50000\n");
  EXPECT_EQ(available_memory(1, places).bytes, 350000);
  write("groups/memory/memory.limit_in_bytes", "9223372036854771712\n");  // no limit
  EXPECT_EQ(available_memory(1, places).bytes, 350000);
}

TEST_F(Machine, WhatCannotBeReadIsNoLimit) {
  places = {folder.file("absent"), folder.file("absent"), folder.file("absent")};
  EXPECT_GT(available_memory(1, places).bytes, std::int64_t{1} << 60);
}

TEST_F(Machine, AddressSpaceIsALimitOfEachProcess) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit less = {std::uint64_t{1} << 40, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &less), 0);
  places = {folder.file("absent"), folder.file("absent"), folder.file("absent")};
  const AvailableMemory one = available_memory(1, places), four = available_memory(4, places);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_LT(one.bytes, std::int64_t{1} << 40);
  EXPECT_GT(one.bytes, std::int64_t{1} << 39);
  EXPECT_NEAR(static_cast<double>(four.bytes), static_cast<double>(one.bytes), 1 << 24);
  EXPECT_NE(one.limit.find("ulimit -v"), std::string::npos);
}

TEST(MemoryNeed, CountsParametersAndRows) {
  testing::SmallRun run;
  run.config.training.reproducible_lanes = 2;
  const MemoryNeed need = memory_need(run.config, run.sources(), testing::world());
  run.train();
  const auto n = static_cast<std::int64_t>(checkpoint::read_checkpoint(run.best()).state.parameters.size());
  EXPECT_EQ(need.n_parameters, n);
  EXPECT_EQ(need.parameters, 2 * 4 * n);  // and their average, single precision
  EXPECT_EQ(need.optimiser, 2 * 4 * n);
  EXPECT_EQ(need.gradients, 2 * 4 * n);
  EXPECT_EQ(need.copies, 4 * 8 * n);
  EXPECT_EQ(need.n_rows, 64);  // 48 for training, 16 for validation
  EXPECT_EQ(need.rows, 64 * 4 * 4);
}

TEST(MemoryNeed, MoreThanThereIsIsRefusedWithTheSizes) {
  testing::SmallRun run;
  const MemoryNeed need = memory_need(run.config, run.sources(), testing::world());
  EXPECT_NO_THROW(require_memory(need, AvailableMemory{need.of_host(), "enough"}));
  expect_error(ExitCode::out_of_memory,
               {"memory does not suffice", std::to_string(need.n_parameters) + " parameters", "optimiser",
                "workspaces", "64 rows", "available", "a limit", "model.hidden"},
               [&] {
                 require_memory(need, AvailableMemory{need.of_host() - 1, "a limit"});
               });
  expect_error(ExitCode::out_of_memory, {"an allocation has failed", "optimiser"},
               [&] { with_sizes(need, [] { throw std::bad_alloc(); }); });
}

}  // namespace
}  // namespace rhoflux::training
