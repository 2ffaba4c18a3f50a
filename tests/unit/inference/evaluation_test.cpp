#include "rhoflux/inference/evaluation.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include "rhoflux/inference/snapshots.hpp"
#include "rhoflux/inference/transport_report.hpp"
#include "support/errors.hpp"
#include "unit/inference/inference_test_support.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::inference {
namespace {

using io::testing::TemporaryFolder;
using test::expect_error;
using testing::make_checkpoint;

/// Rows at the times 1, 2 and 3 in two dimensions: 1, 3 and 5 of the test split, and one of another split each.
io::PopulationData small_population() {
  io::PopulationData data;
  data.n_dims = 2;
  int row = 0;
  for (const int count : {1, 3, 5})
    for (int k = 0; k <= count; ++k, ++row) {
      data.t.push_back((count + 1) / 2);
      data.x.insert(data.x.end(), {0.3 * row - 1, 0.1 * row});
      data.split.push_back(k == 0 ? 0 : 2);
    }
  return data;
}

class EvaluationOfFile : public ::testing::Test {
 protected:
  EvaluationOfFile() { io::write_population(path, small_population(), false); }

  TemporaryFolder folder;
  std::string path = folder.file("data.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
  Inference inference{make_checkpoint({})};
};

TEST_F(EvaluationOfFile, IsTheMeanOverTheRows) {
  const io::PopulationFile file(path, comm);
  const Evaluation found = evaluate(inference, file, comm, {});
  const io::PopulationRows rows = file.read_split(io::Split::test, 0, 9);
  const std::vector<double> log_density = inference.standardised_log_density(rows.t, rows.x);
  double total = 0;
  for (const double value : log_density) total -= value / 9;
  EXPECT_EQ(found.count, 9);
  EXPECT_NEAR(found.nll_standardised, total, 1e-13);
  EXPECT_NEAR(found.nll_original, total + std::log(2.0) + std::log(1.0), 1e-13);  // scales 2 and 1
  ASSERT_EQ(found.times.size(), 3u);
  EXPECT_NEAR(found.times[0].nll, -log_density[0], 1e-13);
  EXPECT_NEAR(found.times[1].nll, -(log_density[1] + log_density[2] + log_density[3]) / 3, 1e-13);
  const std::vector<std::int64_t> counts = {1, 3, 5};
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(found.times[k].t, static_cast<double>(k + 1));
    EXPECT_EQ(found.times[k].count, counts[k]);
    EXPECT_EQ(found.times[k].w_count, counts[k]);
  }
}

/// One point against one sample: both distances are the length between them in model units.
TEST_F(EvaluationOfFile, ComparesSnapshotsWithSamples) {
  const io::PopulationFile file(path, comm);
  EvaluationOptions options;
  options.seed = 5;
  const Evaluation found = evaluate(inference, file, comm, options);
  const Units& units = inference.model().units;
  const std::vector<double> point = units.to_model(file.read_split(io::Split::test, 0, 1).x);
  const std::vector<double> sample = units.to_model(inference.sample_at(1, 0, 1, 5, 0));
  const double length = std::hypot(point[0] - sample[0], point[1] - sample[1]);
  EXPECT_NEAR(found.times[0].w1, length, 1e-12);
  EXPECT_NEAR(found.times[0].w2, length, 1e-12);
  for (const TimeFigures& figures : found.times) EXPECT_LE(figures.w1, figures.w2 * (1 + 1e-12));
  options.max_transport_points = 2;
  const Evaluation thinner = evaluate(inference, file, comm, options);
  EXPECT_EQ(thinner.times[2].w_count, 2);
  EXPECT_EQ(thinner.times[2].count, 5);
  EXPECT_EQ(thinner.nll_standardised, found.nll_standardised);
}

TEST_F(EvaluationOfFile, OfManyTimesHasNoFiguresByTime) {
  const io::PopulationFile file(path, comm);
  EvaluationOptions options;
  options.max_times = 2;
  const Evaluation found = evaluate(inference, file, comm, options);
  EXPECT_TRUE(found.times.empty());
  EXPECT_EQ(found.count, 9);
  options.max_times = 3;
  EXPECT_EQ(evaluate(inference, file, comm, options).times.size(), 3u);
}

TEST_F(EvaluationOfFile, RefusesWhatDoesNotFit) {
  const io::PopulationFile file(path, comm);
  EvaluationOptions options;
  options.split = io::Split::val;
  expect_error(ExitCode::bad_input, {path, "no rows", "val"},
               [&] { (void)evaluate(inference, file, comm, options); });
  const Inference other(make_checkpoint({density::Family::autoregressive, 3, flux::DivergenceFree::none}));
  expect_error(ExitCode::bad_input, {path, "2 coordinates", "3"},
               [&] { (void)evaluate(other, file, comm, {}); });
}

TEST_F(EvaluationOfFile, SnapshotsAreFoundByTime) {
  const io::PopulationFile file(path, comm);
  const auto expect = [&](io::Split split, double t, double window, std::int64_t begin, std::int64_t count) {
    const Snapshot found = find_snapshot(file, split, t, window);
    EXPECT_EQ(found.count, count) << t;
    if (count > 0) {
      EXPECT_EQ(found.begin, begin) << t;
    }
  };
  expect(io::Split::test, 1, 0, 0, 1);
  expect(io::Split::test, 2, 0, 1, 3);
  expect(io::Split::test, 3, 1e-9, 4, 5);
  expect(io::Split::all, 2, 0, 2, 4);
  expect(io::Split::test, 2.5, 0, 0, 0);
  expect(io::Split::test, 2.5, 0.5, 1, 8);
  EXPECT_EQ(first_times(file, io::Split::test), "1, 2, 3");
  EXPECT_EQ(first_times(file, io::Split::val), "");
}

TEST_F(EvaluationOfFile, LongListsOfTimesAreCut) {
  io::PopulationData data;
  data.n_dims = 1;
  for (int k = 0; k < 20; ++k) {
    data.t.push_back(0.5 * (k / 2));
    data.x.push_back(k);
    data.split.push_back(0);
  }
  const std::string many = folder.file("many.h5");
  io::write_population(many, data, false);
  EXPECT_EQ(first_times(io::PopulationFile(many, comm), io::Split::train),
            "0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, ...");
}

TEST(TransportReport, OfTheDataThemselvesIsAtDistanceZero) {
  const Inference inference(make_checkpoint({}));
  const std::vector<double> data = inference.sample_at(2, 0, 40, 3, 0);
  const TransportReport::Distances found = distances_to_data(inference, data, data, 2, 1000, 1);
  EXPECT_EQ(found.points, 40);
  EXPECT_EQ(found.particles.w2, 0);
  EXPECT_GT(found.samples.w1, 0);
  // All sets are thinned to the smallest: half of the data against every other of the particles.
  const std::vector<double> half(data.begin(), data.begin() + 40);
  EXPECT_EQ(distances_to_data(inference, half, data, 2, 1000, 1).points, 20);
  EXPECT_EQ(distances_to_data(inference, data, data, 2, 7, 1).points, 7);
}

/// Data moved by three standard deviations of a coordinate.
TEST(TransportReport, DistancesAreInModelUnits) {
  const Inference inference(make_checkpoint({}));
  const std::vector<double> particles = inference.sample_at(2, 0, 40, 3, 0);
  std::vector<double> data = particles;
  for (std::size_t k = 0; k < data.size(); k += 2) data[k] += 3 * inference.model().units.scale[0];
  EXPECT_NEAR(distances_to_data(inference, data, particles, 2, 40, 1).particles.w2, 3, 1e-9);
}

TEST(TransportReport, TextNamesWhatThereIs) {
  TransportReport report;
  report.from = 0.5;
  report.to = 2;
  report.volatility = "0.3";
  report.count = 7;
  report.mean_squared_displacement = 1.25;
  std::vector<std::string> lines = to_text(report);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "7 particles from t = 0.5 to 2, g = 0.3");
  EXPECT_EQ(lines[1], "transport cost: mean squared displacement 1.25");
  EXPECT_EQ(lines[3], "no data at the end time: no W1 and W2");
  report.kinetic_energy = 0.5;
  report.distances = TransportReport::Distances{{1, 2}, {3, 4}, 5};
  lines = to_text(report);
  EXPECT_NE(lines[1].find("kinetic energy int E|u|^2 dt 0.5"), std::string::npos);
  EXPECT_NE(lines[3].find("(5 points, standardised): W1 1.0000, W2 2.0000"), std::string::npos) << lines[3];
  EXPECT_NE(lines[3].find("W1 3.0000, W2 4.0000"), std::string::npos) << lines[3];
  report.failed = 2;
  lines = to_text(report);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[1], "left out: 2 of 9 particles, which could not be followed to the end");
  report.count = 0;
  EXPECT_EQ(to_text(report).size(), 2u);  // no figures of no particles
}

}  // namespace
}  // namespace rhoflux::inference
