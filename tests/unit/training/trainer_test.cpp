#include "rhoflux/training/trainer.hpp"

#include <algorithm>
#include <filesystem>

#include "support/errors.hpp"
#include "unit/training/training_test_support.hpp"

namespace rhoflux::training {
namespace {

using checkpoint::TrainingState;
using test::expect_error;
using testing::SmallRun;

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  const auto equal = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

/// All that a run of the same deck leaves, whether it was stopped in between or not.
void expect_same_state(const std::string& path, const std::string& other) {
  const TrainingState a = checkpoint::read_checkpoint(path).state;
  const TrainingState b = checkpoint::read_checkpoint(other).state;
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.averaged, b.averaged);
  EXPECT_EQ(a.first_moment, b.first_moment);
  EXPECT_EQ(a.second_moment, b.second_moment);
  EXPECT_EQ(a.best_validation, b.best_validation);
  EXPECT_EQ(a.best_step, b.best_step);
  EXPECT_EQ(a.validations_since_best, b.validations_since_best);
  EXPECT_EQ(a.loss_count, b.loss_count);
  ASSERT_EQ(a.terms.size(), b.terms.size());
  for (std::size_t k = 0; k < a.terms.size(); ++k) {
    EXPECT_EQ(a.terms[k].name, b.terms[k].name);
    EXPECT_EQ(a.terms[k].sum, b.terms[k].sum);
    EXPECT_EQ(a.terms[k].clipped, b.terms[k].clipped);
  }
  EXPECT_EQ(a.history.columns(), b.history.columns());
  EXPECT_TRUE(same_bits(a.history.to_numbers(), b.history.to_numbers()));
}

TEST(Trainer, LowersTheLossAndWritesWhatItSays) {
  SmallRun run;
  run.config.training.steps = 60;
  run.config.training.schedule.peak = 1e-2;
  EXPECT_EQ(run.train(), RunEnd::finished);
  const checkpoint::Checkpoint last = checkpoint::read_checkpoint(run.checkpoint(60));
  EXPECT_EQ(last.deck, "the deck");
  EXPECT_EQ(last.state.n_train_rows, 48);
  EXPECT_EQ(last.state.seed, 5u);
  EXPECT_EQ(last.provenance, run.config.provenance);
  EXPECT_EQ(last.model.units.t_last, 3);
  const std::vector<checkpoint::HistoryRow>& rows = last.state.history.rows();
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(), [](const auto& row) { return !std::isnan(row.nll); }),
            20);
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(),
                          [](const auto& row) { return !std::isnan(row.validation_nll); }),
            12);
  EXPECT_LT(rows[rows.size() - 2].nll, rows.front().nll);
  EXPECT_NE(run.log.find("48 training and 16 validation rows; 1 rank"), std::string::npos) << run.log;
  EXPECT_NE(run.log.find("step       60  nll"), std::string::npos) << run.log;
}

TEST(Trainer, ContinuedItHasTheBitsOfTheStraightRun) {
  for (const auto precision : {Precision::single_precision, Precision::double_precision}) {
    SmallRun straight, parts;
    straight.config.training.precision = parts.config.training.precision = precision;
    EXPECT_EQ(straight.train(), RunEnd::finished);
    for (const std::int64_t steps : {4, 3}) {  // to a checkpoint, and between two lines of the log
      parts.config.limits.stop_after = steps;
      EXPECT_EQ(parts.train(), RunEnd::stopped);
      EXPECT_NE(parts.log.find("by --stop-after; run again with --restart auto"), std::string::npos);
      parts.config.restart = "auto";
    }
    parts.config.limits.stop_after = 0;
    EXPECT_EQ(parts.train(), RunEnd::finished);
    EXPECT_NE(parts.log.find("continuing after step 7"), std::string::npos) << parts.log;
    expect_same_state(straight.checkpoint(12), parts.checkpoint(12));
    expect_same_state(straight.best(), parts.best());
    EXPECT_EQ(straight.history(), parts.history());
    const std::string before = checkpoint::read_checkpoint(parts.checkpoint(12)).earlier_runs;
    EXPECT_EQ(before, "to step 4: program a test\nto step 7: program a test");
  }
}

TEST(Trainer, SeveralTermsAreContinuedToo) {
  SmallRun straight, parts;
  for (SmallRun* run : {&straight, &parts}) {
    run->config.objective.schedule("kinetic").weight = 0.01;
    run->config.objective.schedule("kinetic").start = 2;
    run->config.objective.schedule("entropy").weight = 0.001;
  }
  straight.train();
  parts.config.limits.stop_after = 7;
  parts.train();
  parts.config.limits.stop_after = 0;
  parts.config.restart = "auto";
  parts.train();
  expect_same_state(straight.checkpoint(12), parts.checkpoint(12));
  const TrainingState state = checkpoint::read_checkpoint(straight.checkpoint(12)).state;
  const std::vector<std::string> columns = state.history.columns();
  for (const char* name : {"kinetic", "entropy", "kinetic_gradient_norm"})
    EXPECT_NE(std::find(columns.begin(), columns.end(), name), columns.end()) << name;
  EXPECT_EQ(state.best_step, 12);  // the newest model is the best one where the likelihood is not all
}

/// Other terms than those of the checkpoint: their sums since the last line of the history begin anew.
TEST(Trainer, AnotherObjectiveBeginsItsMeansAnew) {
  SmallRun run;
  run.config.limits.stop_after = 5;
  run.train();
  EXPECT_EQ(checkpoint::read_checkpoint(run.checkpoint(5)).state.loss_count, 2);
  run.config.objective.schedule("entropy").weight = 0.001;
  run.config.restart = "auto";
  run.config.limits.stop_after = 3;
  run.train();
  const TrainingState state = checkpoint::read_checkpoint(run.checkpoint(8)).state;
  ASSERT_EQ(state.terms.size(), 2u);
  EXPECT_EQ(state.terms[1].name, "entropy");
  EXPECT_EQ(state.loss_count, 2);  // steps 7 and 8 after the line at 6
}

TEST(Trainer, KeepsTheNewestCheckpointsAndTheBest) {
  SmallRun run;
  run.config.checkpoint.keep = 2;
  run.config.checkpoint.every = 3;
  run.train();
  EXPECT_EQ(checkpoint::list_checkpoints(run.config.checkpoint.directory),
            (std::vector<std::string>{run.checkpoint(12), run.checkpoint(9)}));
  EXPECT_TRUE(std::filesystem::exists(run.best()));
}

TEST(Trainer, WritesACheckpointAfterSoManyMinutes) {
  SmallRun run;
  run.config.checkpoint.every = 1000;
  run.config.checkpoint.every_minutes = 1e-12;  // passed at every step
  run.config.checkpoint.keep = 100;
  run.train();
  EXPECT_EQ(checkpoint::list_checkpoints(run.config.checkpoint.directory).size(), 12u);
}

TEST(Trainer, AFinishedRunStartedAgainWritesNothing) {
  SmallRun run;
  run.train();
  const auto written = std::filesystem::last_write_time(run.checkpoint(12));
  run.config.restart = "auto";
  EXPECT_EQ(run.train(), RunEnd::finished);
  EXPECT_EQ(std::filesystem::last_write_time(run.checkpoint(12)), written);
}

/// A rate so small that no parameter changes: after the first validation none is better.
TEST(Trainer, StopsEarlyWithoutImprovement) {
  SmallRun run;
  run.config.training.schedule.peak = 1e-30;
  run.config.training.validate_every = 2;
  run.config.training.patience = 3;
  EXPECT_EQ(run.train(), RunEnd::early_stopping);
  const TrainingState state = checkpoint::read_checkpoint(run.checkpoint(8)).state;
  EXPECT_EQ(state.best_step, 2);
  EXPECT_EQ(state.validations_since_best, 3);
  EXPECT_EQ(checkpoint::read_checkpoint(run.best()).state.step, 2);
  EXPECT_NE(run.log.find("early stopping: no improvement in 3 validations"), std::string::npos);
}

/// A run whose parameters stay those of the start, in double precision.
class WeightedRun {
 public:
  WeightedRun() {
    run.config.training.precision = Precision::double_precision;
    run.config.training.schedule.peak = 1e-30;
    for (int row = 0; row < 64; ++row) {
      rows.t.push_back(row / 16);
      rows.x.insert(rows.x.end(), {std::sin(2.3 * row), std::sin(2.3 * row + 1.1)});
      rows.split.push_back(row % 4 == 3 ? 1 : 0);
      rows.weight.push_back(1);
    }
    rows.n_dims = 2;
  }
  /// The rows, as many copies of each as its weight says; or with their weights.
  enum class Form { copies, weights };
  TrainingState train(Form form) {
    io::PopulationData data;
    data.n_dims = 2;
    for (std::size_t row = 0; row < rows.t.size(); ++row)
      for (int k = 0; k < static_cast<int>(rows.weight[row]); ++k) {
        data.t.push_back(rows.t[row]);
        data.x.insert(data.x.end(), {rows.x[2 * row], rows.x[2 * row + 1]});
        data.split.push_back(rows.split[row]);
      }
    io::write_population(run.config.data.file, form == Form::weights ? rows : data, true);
    run.config.force = true;
    run.train();
    return checkpoint::read_checkpoint(run.best()).state;
  }

  SmallRun run;
  io::PopulationData rows;
};

TEST(Trainer, ValidationCountsWeights) {
  WeightedRun of;
  of.rows.weight[3] = 5;
  of.rows.weight[7] = 0;
  of.rows.x[2 * 7] = 1e290;  // in the place of a measurement that failed
  of.rows.weight[35] = 2;
  const TrainingState weighted = of.train(WeightedRun::Form::weights);
  EXPECT_NE(of.run.log.find("48 training and 15 validation rows"), std::string::npos) << of.run.log;
  EXPECT_NE(of.run.log.find("48.0 training and 9.5 validation rows"), std::string::npos)
      << of.run.log;  // 20^2 / 42
  const TrainingState copies = of.train(WeightedRun::Form::copies);
  EXPECT_EQ(of.run.log.find("weights:"), std::string::npos);
  EXPECT_EQ(weighted.parameters, copies.parameters);
  EXPECT_NEAR(weighted.best_validation, copies.best_validation, 1e-12 * std::abs(copies.best_validation));
}

TEST(Trainer, StartsAsIfRowsOfWeightZeroWereNotThere) {
  WeightedRun of;
  for (std::size_t row = 0; row < 64; row += 5) {
    of.rows.weight[row] = 0;
    of.rows.x[2 * row] = -9999;
  }
  const TrainingState weighted = of.train(WeightedRun::Form::weights);
  const TrainingState without = of.train(WeightedRun::Form::copies);
  for (std::size_t k = 0; k < weighted.parameters.size(); ++k)  // 12 steps of 1e-30
    EXPECT_NEAR(weighted.parameters[k], without.parameters[k], 1e-28);
  EXPECT_NEAR(weighted.best_validation, without.best_validation, 1e-12 * std::abs(without.best_validation));
}

TEST(Trainer, EarlyStoppingOnRowsOfWeightZeroIsRefused) {
  WeightedRun of;
  for (std::size_t row = 3; row < 64; row += 4) of.rows.weight[row] = 0;
  of.run.config.training.patience = 3;
  expect_error(ExitCode::bad_input, {"training.patience = 3", "no validation rows", "weight 0"},
               [&] { of.train(WeightedRun::Form::weights); });
}

TEST(Trainer, EarlyStoppingWithoutValidationRowsIsRefused) {
  SmallRun run;
  run.config.training.patience = 3;
  run.config.data.file = run.folder.file("train.h5");
  io::PopulationData data = io::testing::numbered_population(64, 2);
  data.split.clear();
  io::write_population(run.config.data.file, data, false);
  expect_error(ExitCode::bad_input, {"training.patience = 3", "no validation rows"}, [&] { run.train(); });
  EXPECT_FALSE(std::filesystem::exists(run.config.checkpoint.directory));
}

/// A cost whose mean rare samples rule has a bound on its samples, which the message names unless it is set.
TEST(Trainer, ACostThatIsNotFiniteMentionsItsBound) {
  for (const double bound : {0.0, 1e30}) {
    SmallRun run;
    run.config.objective.schedule("nll").weight = 0;
    run.config.objective.schedule("kinetic").weight = 1;
    run.config.objective.schedule("kinetic").saturation = bound;
    run.config.training.schedule.peak = 1e30;
    run.config.training.schedule.warmup = 0;
    run.config.training.average = 0;
    try {
      run.train();
      FAIL() << "trained";
    } catch (const Error& error) {
      const std::string said = error.what();
      EXPECT_NE(said.find("term kinetic"), std::string::npos) << said;
      EXPECT_EQ(said.find("objective.kinetic_clip") != std::string::npos, bound == 0) << said;
    }
  }
}

/// The first step throws the parameters as far as float reaches; the second finds no finite loss there.
TEST(Trainer, ALossThatIsNotFiniteEndsTheRunAndNamesTheLastCheckpoint) {
  SmallRun run;
  run.config.training.schedule.peak = 1e30;
  run.config.training.schedule.warmup = 0;
  run.config.training.average = 0;
  run.config.checkpoint.every = 1;
  expect_error(ExitCode::numerical_failure,
               {"step 2: the ", "term nll", "try a smaller training.learning_rate",
                "the last good checkpoint is " + run.checkpoint(1)},
               [&] { run.train(); });
  EXPECT_EQ(checkpoint::list_checkpoints(run.config.checkpoint.directory),
            std::vector<std::string>{run.checkpoint(1)});
  EXPECT_EQ(checkpoint::read_checkpoint(run.checkpoint(1)).state.step, 1);
}

TEST(Trainer, BeforeTheFirstCheckpointTheFailureSaysSo) {
  SmallRun run;
  run.config.training.schedule.peak = 1e30;
  run.config.training.schedule.warmup = 0;
  run.config.checkpoint.every = 100;
  expect_error(ExitCode::numerical_failure, {"no checkpoint had been written yet"}, [&] { run.train(); });
}

/// A file that cannot be written in the middle of a run is no bad input.
TEST(Trainer, AFailureToWriteIsAnIoFailure) {
  SmallRun run;
  run.config.checkpoint.every = 1;
  const auto stand_in_the_way = [&](const std::string&) {
    std::filesystem::create_directories(run.checkpoint(2));
  };
  expect_error(ExitCode::io_failure, {run.checkpoint(2), "the last good checkpoint is " + run.checkpoint(1)},
               [&] { train(run.config, run.sources(), testing::world(), stand_in_the_way); });
}

}  // namespace
}  // namespace rhoflux::training
