#include "rhoflux/checkpoint/checkpoint_directory.hpp"

#include "unit/checkpoint/checkpoint_test_support.hpp"

namespace rhoflux::checkpoint {
namespace {

using io::testing::TemporaryFolder;

void write_at(const TemporaryFolder& folder, std::int64_t step) {
  Checkpoint checkpoint = testing::example();
  checkpoint.state.step = step;
  testing::write(checkpoint_path(folder.file(""), step), checkpoint);
}

TEST(CheckpointDirectory, NamesSortAsStepsDo) {
  EXPECT_EQ(checkpoint_path("run", 1000), "run/checkpoint_000001000.h5");
  EXPECT_LT(checkpoint_path("run", 999), checkpoint_path("run", 1000));
  EXPECT_EQ(best_path("run"), "run/best.h5");
}

TEST(CheckpointDirectory, ListsCheckpointsAloneNewestFirst) {
  const TemporaryFolder folder;
  for (const char* name :
       {"checkpoint_000000005.h5", "checkpoint_000000010.h5", "best.h5", "history.csv",
        "checkpoint_000000007.txt", ".checkpoint_000000011.h5.tmp", "checkpoint_final.h5", "checkpoint_.h5",
        "checkpoint_12.h5.h5", "checkpoint_1-2.h5", "my_checkpoint_000000012.h5"})
    io::testing::write_text(folder.file(name), "");
  EXPECT_EQ(list_checkpoints(folder.file("")),
            (std::vector<std::string>{folder.file("checkpoint_000000010.h5"),
                                      folder.file("checkpoint_000000005.h5")}));
  EXPECT_TRUE(list_checkpoints(folder.file("absent")).empty());
}

TEST(CheckpointDirectory, KeepsTheNewest) {
  const TemporaryFolder folder;
  const std::string foreign = folder.file("checkpoint_best_of_another_program.h5");
  io::testing::write_text(foreign, "");
  for (const int step : {5, 10, 15}) io::testing::write_text(checkpoint_path(folder.file(""), step), "");
  remove_old_checkpoints(folder.file(""), 5);
  EXPECT_EQ(folder.entries().size(), 4u);
  remove_old_checkpoints(folder.file(""), 2);
  EXPECT_EQ(list_checkpoints(folder.file("")).size(), 2u);
  EXPECT_EQ(list_checkpoints(folder.file("")).back(), folder.file("checkpoint_000000010.h5"));
  remove_old_checkpoints(folder.file(""), 0);
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"checkpoint_best_of_another_program.h5"});
}

TEST(CheckpointDirectory, FilesOfOtherProgramsAreSeen) {
  const TemporaryFolder folder;
  EXPECT_EQ(foreign_file(folder.file("")), "");
  EXPECT_EQ(foreign_file(folder.file("absent")), "");
  write_at(folder, 5);
  std::filesystem::rename(checkpoint_path(folder.file(""), 5), folder.file("best.h5"));
  io::testing::write_text(folder.file("history.csv"), "step,nll\n5,1\n");
  EXPECT_EQ(foreign_file(folder.file("")), "");
  io::testing::write_text(folder.file("history.csv"), "date,event\n");
  EXPECT_EQ(foreign_file(folder.file("")), folder.file("history.csv"));
  std::filesystem::remove(folder.file("history.csv"));
  io::testing::write_text(folder.file("best.h5"), "not HDF5");
  EXPECT_EQ(foreign_file(folder.file("")), folder.file("best.h5"));
  io::Hdf5Writer other(folder.file("best.h5"));
  other.write("x", std::vector<double>{1}, {1});
  other.close();
  EXPECT_EQ(foreign_file(folder.file("")), folder.file("best.h5"));
}

TEST(CheckpointDirectory, PassesOverDamagedOnesAndSaysSo) {
  const TemporaryFolder folder;
  write_at(folder, 10);
  write_at(folder, 20);
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& text) { warnings.push_back(text); };
  EXPECT_EQ(read_newest_checkpoint(folder.file(""), warn)->state.step, 20);
  EXPECT_TRUE(warnings.empty());
  io::testing::write_text(folder.file("checkpoint_000000020.h5"), "damaged");
  EXPECT_EQ(read_newest_checkpoint(folder.file(""), warn)->state.step, 10);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("checkpoint_000000020.h5"), std::string::npos) << warnings[0];
  io::testing::write_text(folder.file("checkpoint_000000010.h5"), "damaged");
  EXPECT_FALSE(read_newest_checkpoint(folder.file(""), warn));
  EXPECT_EQ(warnings.size(), 3u);
}

}  // namespace
}  // namespace rhoflux::checkpoint
