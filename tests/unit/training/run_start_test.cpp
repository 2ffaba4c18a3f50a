#include "run_start.hpp"

#include <filesystem>

#include "support/errors.hpp"
#include "unit/training/training_test_support.hpp"

namespace rhoflux::training {
namespace {

using test::expect_error;

/// A run with checkpoints after 4, 8 and 12 steps, to be continued.
class FindStart : public ::testing::Test {
 protected:
  FindStart() {
    run.train();
    config = run.config;
    config.restart = "auto";
  }

  RunStart find_any() {
    warnings.clear();
    const data::Sources sources = data::open_sources(config.data, config.objective, testing::world());
    return find_start(config, sources, testing::world(),
                      [this](const std::string& line) { warnings.push_back(line); });
  }
  std::optional<checkpoint::Checkpoint> find() { return find_any().continued; }

  void expect_refused(const std::vector<std::string>& parts) {
    expect_error(ExitCode::bad_input, parts, [&] { find(); });
  }

  testing::SmallRun run;
  RunConfig config;
  std::vector<std::string> warnings;
};

TEST_F(FindStart, AutoTakesTheNewest) {
  EXPECT_EQ(find()->state.step, 12);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(FindStart, AutoStartsWhereThereIsNone) {
  config.checkpoint.directory = run.folder.file("absent");
  EXPECT_FALSE(find());
}

TEST_F(FindStart, ANamedOneIsTaken) {
  config.restart = run.checkpoint(8);
  config.checkpoint.directory = run.folder.file("other");
  EXPECT_EQ(find()->state.step, 8);
  config.restart = run.folder.file("absent.h5");
  expect_refused({"absent.h5"});
}

TEST_F(FindStart, NewerCheckpointsThanTheNamedOneAreInTheWay) {
  config.restart = run.checkpoint(8);
  expect_refused({run.checkpoint(12), "newer than the 8 steps of " + config.restart, "another directory"});
  config.restart = run.checkpoint(12);
  EXPECT_EQ(find()->state.step, 12);
}

TEST_F(FindStart, ANewRunDoesNotTakeTheirPlace) {
  config.restart = "none";
  expect_refused(
      {"checkpoint.directory = ", "holds checkpoints of another run", "--restart auto", "--force"});
  config.force = true;
  EXPECT_FALSE(find());
  config.force = false;
  checkpoint::remove_old_checkpoints(config.checkpoint.directory, 0);
  expect_refused({"holds checkpoints of another run"});  // best.h5 is there still
}

TEST_F(FindStart, AnotherModelIsRefused) {
  const RunConfig good = config;
  const std::vector<std::function<void(RunConfig&)>> changes = {
      [](RunConfig& c) { c.model.n_logistics = 4; },
      [](RunConfig& c) { c.model.hidden = {9}; },
      [](RunConfig& c) {
        c.model.hidden = {8, 8};
      },
      [](RunConfig& c) { c.model.family = density::Family::factorised; },
      [](RunConfig& c) { c.model.weights = density::MixtureWeights::time_constant; },
      [](RunConfig& c) { c.model.time_features = 6; },
      [](RunConfig& c) { c.model.time_frequency_min = 0.4; },
      [](RunConfig& c) { c.model.time_frequency_max = 17; },
      [](RunConfig& c) { c.model.coordinate_frequency_min = 0.4; },
      [](RunConfig& c) { c.model.coordinate_frequency_max = 9; },
      [](RunConfig& c) { c.flux.divergence_free = flux::DivergenceFree::density_weighted; }};
  for (std::size_t k = 0; k < changes.size(); ++k) {
    SCOPED_TRACE(k);
    config = good;
    changes[k](config);
    expect_refused({config.checkpoint.directory, "cannot be continued with this deck: [model]"});
  }
  config = good;
  config.flux.volatility = flux::Volatility::parse("0.5");  // what the parameters do not depend on
  config.training.schedule.peak = 1e-4;
  config.training.steps = 20;
  EXPECT_TRUE(find());
}

TEST_F(FindStart, AnotherSeedOrPrecisionIsRefused) {
  config.training.seed = 6;
  expect_refused({"training.seed = 6, the checkpoint has 5"});
  config.training.seed = 5;
  config.training.precision = Precision::double_precision;
  expect_refused({"training.precision differs"});
}

TEST_F(FindStart, AnotherNumberOfRowsIsRefused) {
  io::PopulationData data = io::testing::numbered_population(40, 2);
  data.split.clear();
  config.data.file = run.folder.file("other.h5");
  io::write_population(config.data.file, data, false);
  expect_refused({"other.h5 has 40 training rows, the checkpoint was made with 48"});
}

TEST_F(FindStart, DamagedCheckpointsArePassedOverWithAWarning) {
  io::testing::write_text(run.checkpoint(12), "damaged");
  EXPECT_EQ(find()->state.step, 8);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("warning: damaged checkpoint passed over: " + run.checkpoint(12)),
            std::string::npos)
      << warnings[0];
  for (const int step : {4, 8}) io::testing::write_text(run.checkpoint(step), "damaged");
  expect_refused({"no checkpoint can be read", run.checkpoint(12)});
}

TEST_F(FindStart, OtherInputFilesAreAWarning) {
  const std::string a(64, 'a'), b(64, 'b');
  testing::SmallRun hashed;
  hashed.config.provenance = {{"inputs", a + "  data.h5"}};
  hashed.train();
  config = hashed.config;
  config.restart = "auto";
  config.provenance = {{"inputs", a + "  renamed.h5"}};
  EXPECT_TRUE(find());
  EXPECT_TRUE(warnings.empty());
  config.provenance = {{"inputs", b + "  data.h5"}};
  EXPECT_TRUE(find());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("SHA-256 differs"), std::string::npos) << warnings[0];
  config.provenance = {{"inputs", "data.h5"}};  // data.hash = false: nothing is known
  EXPECT_TRUE(find());
  EXPECT_TRUE(warnings.empty());
}

TEST_F(FindStart, TheKeysThatDifferAreNamed) {
  config.model.hidden = {8, 8};
  config.model.n_logistics = 4;
  expect_refused({"model.components = 4, the checkpoint has 3", "model.hidden = 8,8, the checkpoint has 8"});
}

TEST_F(FindStart, ChangedKeysAreSaidWithTheirEffect) {
  config.changes_since = [](const std::string& before) {
    EXPECT_EQ(before, "the deck");
    return std::vector<KeyChange>{{"training.learning_rate", "0.001", "0.1"},
                                  {"data.time_range", "data", "0:9"},
                                  {"model.mixture", "32", "3"},
                                  {"data.file", "", "b.h5"}};
  };
  EXPECT_TRUE(find());
  EXPECT_EQ(warnings,
            (std::vector<std::string>{
                "restart: training.learning_rate was 0.001, is 0.1: in force from here on",
                "restart: data.time_range was data, is 0:9: without effect, the checkpoint keeps what it "
                "was made with",
                "restart: model.mixture was 32, is 3: without effect in this model",
                "restart: data.file was not given, is b.h5: in force from here on"}));
}

TEST_F(FindStart, ARunWithOtherDataIsToldOfStartFrom) {
  io::PopulationData data = io::testing::numbered_population(40, 2);
  data.split.clear();
  config.data.file = run.folder.file("other.h5");
  io::write_population(config.data.file, data, false);
  expect_refused({"other.h5 has 40 training rows", "--start-from FILE", "for these data"});
}

TEST_F(FindStart, StartFromTakesParametersAndStandardisationAlone) {
  io::PopulationData data = io::testing::numbered_population(40, 2);
  data.split.clear();
  config.data.file = run.folder.file("other.h5");
  io::write_population(config.data.file, data, false);
  config.checkpoint.directory = run.folder.file("second");
  config.start_from = run.checkpoint(8);
  config.training.seed = 9;
  const RunStart start = find_any();
  EXPECT_FALSE(start.continued);
  ASSERT_TRUE(start.started_from);
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings.front().find("parameters after step 8"), std::string::npos) << warnings.front();
  checkpoint::Checkpoint begun;
  begun.model.units = Units::identity(2);
  begun.model.units.t_last = 7;
  take_parameters(begun, *start.started_from);
  EXPECT_EQ(begun.state.parameters, start.started_from->state.averaged);
  EXPECT_TRUE(begun.state.first_moment.empty());
  EXPECT_EQ(begun.state.step, 0);
  EXPECT_EQ(begun.model.units.mean, start.started_from->model.units.mean);
  EXPECT_EQ(begun.model.units.scale, start.started_from->model.units.scale);
  EXPECT_EQ(begun.model.units.t_last, 7);
}

TEST_F(FindStart, StartFromAnotherModelIsRefusedWithTheKeys) {
  config.checkpoint.directory = run.folder.file("second");
  config.start_from = run.checkpoint(8);
  config.model.hidden = {16};
  config.model.time_features = 6;
  expect_refused({"--start-from " + run.checkpoint(8), "model.hidden = 16, the checkpoint has 8",
                  "model.time_features = 6, the checkpoint has 4"});
}

TEST_F(FindStart, StartFromAndARestartExcludeEachOther) {
  config.start_from = run.checkpoint(8);
  expect_refused({"--start-from", "did not begin with it", "from step 12", "another directory"});
  config.restart = run.checkpoint(12);
  expect_refused({"--restart", "--start-from", "give one of them"});
  config.restart = "none";
  expect_refused({"holds checkpoints of another run"});
}

TEST_F(FindStart, ARunThatBeganWithStartFromIsContinuedByTheSameCommand) {
  testing::SmallRun second;
  second.config.start_from = run.checkpoint(8);
  second.config.provenance = {{"started_from", "a hash  a file"}};
  second.config.training.steps = 6;
  second.train();
  config = second.config;
  config.restart = "auto";
  const RunStart start = find_any();
  ASSERT_TRUE(start.continued);
  EXPECT_EQ(start.continued->state.step, 6);
  EXPECT_FALSE(start.started_from);
  config.provenance = {{"started_from", "another hash  a file"}};
  expect_refused({"did not begin with it"});
}

TEST_F(FindStart, PreparingANewRunRemovesTheOldOneAndHalfWrittenFiles) {
  const std::string& directory = config.checkpoint.directory;
  const std::string half_written = directory + "/.history.csv.tmp.1";
  io::testing::write_text(half_written, "");
  config.restart = "none";
  config.force = true;
  io::DirectoryLock lock = lock_directory(config, testing::world());
  EXPECT_TRUE(lock.is_held());
  prepare_directory(config, testing::world(), lock, [](const std::string&) {});
  EXPECT_TRUE(checkpoint::list_checkpoints(directory).empty());
  EXPECT_FALSE(std::filesystem::exists(run.best()));
  EXPECT_FALSE(std::filesystem::exists(half_written));
}

TEST_F(FindStart, PreparingMakesAndLocksTheDirectory) {
  config.checkpoint.directory = run.folder.file("a/b");
  io::DirectoryLock lock = lock_directory(config, testing::world());
  EXPECT_FALSE(lock.is_held());
  prepare_directory(config, testing::world(), lock, [](const std::string&) {});
  EXPECT_TRUE(lock.is_held());
  EXPECT_TRUE(std::filesystem::is_directory(config.checkpoint.directory));
  config.checkpoint.directory = run.folder.file("data.h5") + "/run";
  io::DirectoryLock other;
  expect_error(ExitCode::bad_input, {"checkpoint.directory = ", "cannot be made"},
               [&] { prepare_directory(config, testing::world(), other, [](const std::string&) {}); });
}

}  // namespace
}  // namespace rhoflux::training
