#include "rhoflux/inference/evaluation.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include "rhoflux/core/text.hpp"
#include "rhoflux/inference/snapshots.hpp"
#include "rhoflux/inference/transport_report.hpp"
#include "rhoflux/metrics/statistics.hpp"
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
    const Snapshot found = find_snapshot(file, split, t, {window, 0});
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

/// A row of weight 2 counts as the row twice, one of weight 0 not at all, whatever it holds.
TEST_F(EvaluationOfFile, WeightsAreCopies) {
  io::PopulationData weighted = small_population(), copies = weighted;
  weighted.weight.assign(weighted.t.size(), 1);
  copies.t.clear();
  copies.x.clear();
  copies.split.clear();
  weighted.weight[8] = 0;
  weighted.x[2 * 8] = 1e200;
  weighted.weight[9] = weighted.weight[4] = 2;
  for (std::size_t row = 0; row < weighted.t.size(); ++row)
    for (int k = 0; k < static_cast<int>(weighted.weight[row]); ++k) {
      copies.t.push_back(weighted.t[row]);
      copies.x.insert(copies.x.end(), {weighted.x[2 * row], weighted.x[2 * row + 1]});
      copies.split.push_back(weighted.split[row]);
    }
  const std::string one = folder.file("weighted.h5"), other = folder.file("copies.h5");
  io::write_population(one, weighted, false);
  io::write_population(other, copies, false);
  const Evaluation found = evaluate(inference, io::PopulationFile(one, comm), comm, {});
  const Evaluation expected = evaluate(inference, io::PopulationFile(other, comm), comm, {});
  EXPECT_TRUE(found.is_weighted);
  EXPECT_FALSE(expected.is_weighted);
  EXPECT_NEAR(found.nll_standardised, expected.nll_standardised, 1e-13);
  ASSERT_EQ(found.times.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(found.times[k].nll, expected.times[k].nll, 1e-13);
  EXPECT_EQ(found.count, 8);
  EXPECT_DOUBLE_EQ(found.effective_count, 100.0 / 14);  // weights 2, 2, 1, 1, 1, 1, 1, 1
  EXPECT_EQ(found.times[2].count, 4);
  EXPECT_EQ(found.times[2].w_count, 4);
  EXPECT_DOUBLE_EQ(found.times[2].effective_count, 25.0 / 7);
}

/// Two rows of weights 3 and 1 against two samples: all of the lighter row and a quarter of the mass of the heavier one
/// go to one sample, half of the mass to the other.
TEST_F(EvaluationOfFile, DistancesAreOfTheWeightedRows) {
  io::PopulationData data;
  data.n_dims = 2;
  data.t = {2, 2, 2};
  data.x = {-1, 0, 1e100, 5, 2, 1};
  data.weight = {3, 0, 1};
  const std::string weighted = folder.file("weighted.h5");
  io::write_population(weighted, data, false);
  EvaluationOptions options;
  options.split = io::Split::train;
  const Evaluation found = evaluate(inference, io::PopulationFile(weighted, comm), comm, options);
  const Units& units = inference.model().units;
  const std::vector<double> a = units.to_model(std::vector<double>{-1, 0}),
                            b = units.to_model(std::vector<double>{2, 1}),
                            s = units.to_model(inference.sample_at(2, 0, 2, 1, 0));
  const auto length = [&](const std::vector<double>& x, std::size_t sample) {
    return std::hypot(x[0] - s[2 * sample], x[1] - s[2 * sample + 1]);
  };
  const auto cost = [&](double order, std::size_t shared) {
    return 0.5 * std::pow(length(a, 1 - shared), order) + 0.25 * std::pow(length(a, shared), order) +
           0.25 * std::pow(length(b, shared), order);
  };
  EXPECT_NEAR(found.times[0].w1, std::min(cost(1, 0), cost(1, 1)), 1e-12);
  EXPECT_NEAR(found.times[0].w2, std::sqrt(std::min(cost(2, 0), cost(2, 1))), 1e-12);
}

/// Weights 0 and 1 are the file without the rows of weight 0, to the bit; and weights that are all alike.
TEST_F(EvaluationOfFile, EqualWeightsHaveTheBitsOfNone) {
  io::PopulationData masked = small_population(), kept;
  kept.n_dims = 2;
  for (std::size_t row = 0; row < masked.t.size(); ++row) {
    masked.weight.push_back(row % 5 == 2 ? 0 : 0.25);
    if (row % 5 == 2) continue;
    kept.t.push_back(masked.t[row]);
    kept.x.insert(kept.x.end(), {masked.x[2 * row], masked.x[2 * row + 1]});
    kept.split.push_back(masked.split[row]);
  }
  const std::string one = folder.file("masked.h5"), other = folder.file("kept.h5");
  io::write_population(one, masked, false);
  io::write_population(other, kept, false);
  EvaluationOptions options;
  options.max_transport_points = 3;
  const Evaluation found = evaluate(inference, io::PopulationFile(one, comm), comm, options);
  const Evaluation expected = evaluate(inference, io::PopulationFile(other, comm), comm, options);
  EXPECT_EQ(found.count, expected.count);
  EXPECT_NEAR(found.nll_standardised, expected.nll_standardised, 1e-13);
  ASSERT_EQ(found.times.size(), expected.times.size());
  for (std::size_t k = 0; k < found.times.size(); ++k) {
    EXPECT_EQ(found.times[k].count, expected.times[k].count);
    EXPECT_EQ(found.times[k].w1, expected.times[k].w1);
    EXPECT_EQ(found.times[k].w2, expected.times[k].w2);
  }
}

/// More rows than points: those that stand for them, and the same ones again.
TEST_F(EvaluationOfFile, LargeWeightedSnapshotsAreResampled) {
  io::PopulationData data;
  data.n_dims = 2;
  for (int row = 0; row < 30; ++row) {
    data.t.push_back(2);
    data.x.insert(data.x.end(), {0.1 * row, -0.05 * row});
    data.weight.push_back(1 + row % 4);
  }
  const std::string large = folder.file("large.h5");
  io::write_population(large, data, false);
  const io::PopulationFile file(large, comm);
  EvaluationOptions options;
  options.split = io::Split::train;
  options.max_transport_points = 10;
  const TimeFigures found = evaluate(inference, file, comm, options).times.at(0);
  EXPECT_EQ(found.w_count, 10);
  const Units& units = inference.model().units;
  const std::vector<double> points = units.to_model(metrics::thinned_by_weight(data.x, data.weight, 2, 10)),
                            samples = units.to_model(inference.sample_at(2, 0, 10, 1, 0));
  EXPECT_EQ(found.w2, metrics::wasserstein(points.data(), samples.data(), 10, 2, 2));
}

TEST_F(EvaluationOfFile, NamesTheTimesWithoutRows) {
  io::PopulationData data = small_population();
  data.split = {0, 2, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2};
  const std::string gap = folder.file("gap.h5");
  io::write_population(gap, data, false);
  EXPECT_EQ(evaluate(inference, io::PopulationFile(gap, comm), comm, {}).times_without_rows,
            std::vector<double>{2});
  data.split = small_population().split;
  data.weight = {1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};  // the one test row at t = 1
  const std::string masked = folder.file("masked.h5");
  io::write_population(masked, data, false);
  const Evaluation found = evaluate(inference, io::PopulationFile(masked, comm), comm, {});
  EXPECT_EQ(found.times_without_rows, std::vector<double>{1});
  ASSERT_EQ(found.times.size(), 2u);
  EXPECT_EQ(found.times[0].t, 2);
}

/// Few events, of which the split has few still.
TEST_F(EvaluationOfFile, FewEventsAreNoSnapshots) {
  io::PopulationData data;
  data.n_dims = 2;
  for (int row = 0; row < 12; ++row) {
    data.t.push_back(1 + 0.1 * row);
    data.x.insert(data.x.end(), {0.1 * row, 0});
    data.split.push_back(row % 3 == 0 ? 2 : 0);
  }
  const std::string events = folder.file("events.h5");
  io::write_population(events, data, false);
  const Evaluation found = evaluate(inference, io::PopulationFile(events, comm), comm, {});
  EXPECT_EQ(found.time_kind, TimeKind::events);
  EXPECT_TRUE(found.times.empty());
  EXPECT_TRUE(found.times_without_rows.empty());
  EXPECT_EQ(found.count, 4);
}

TEST_F(EvaluationOfFile, RefusesASplitOfWeightZero) {
  io::PopulationData data = small_population();
  for (const int split : data.split) data.weight.push_back(split == 0 ? 1 : 0);
  const std::string none = folder.file("none.h5");
  io::write_population(none, data, false);
  expect_error(ExitCode::bad_input, {none, "no rows in the split 'test'", "weight 0"},
               [&] { (void)evaluate(inference, io::PopulationFile(none, comm), comm, {}); });
}

/// Times that have gone through float32, and events that are closer than float32 tells apart.
TEST_F(EvaluationOfFile, SnapshotsAreFoundWithinFloat32Rounding) {
  io::PopulationData data;
  data.n_dims = 1;
  const std::vector<double> times = {
      static_cast<double>(0.1f), static_cast<double>(0.3f), 2016, 2016 + 1 / 365.25, 1.46e9, 1.46e9 + 1};
  for (std::size_t k = 0; k < times.size(); ++k) {
    data.t.insert(data.t.end(), {times[k], times[k]});
    data.x.insert(data.x.end(), {0, 1});
    data.split.insert(data.split.end(), {0, static_cast<std::int8_t>(k == 4 ? 0 : 2)});
  }
  const std::string close = folder.file("close.h5");
  io::write_population(close, data, false);
  const io::PopulationFile file(close, comm);
  EXPECT_EQ(find_snapshot(file, io::Split::train, 0.1).t, times[0]);
  EXPECT_EQ(find_snapshot(file, io::Split::train, 0.3).begin, 1);
  EXPECT_EQ(find_snapshot(file, io::Split::test, 2016.00274).begin, 3);
  EXPECT_EQ(find_snapshot(file, io::Split::test, 2016.00274).count, 1);
  EXPECT_EQ(find_snapshot(file, io::Split::train, 0.2).count, 0);
  EXPECT_EQ(find_snapshot(file, io::Split::train, 1.46e9 + 1).count, 1);
  // The time is there, in another split: what is a second away is not taken for it.
  EXPECT_EQ(find_snapshot(file, io::Split::test, 1.46e9).count, 0);
  EXPECT_EQ(find_snapshot(file, io::Split::test, 1.46e9, {2, 0}).count, 1);
  const std::string listed = first_times(file, io::Split::test);
  for (const std::string& text : split(listed, ','))
    EXPECT_EQ(find_snapshot(file, io::Split::test, parse_number(text)).count, 1) << text;
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
  report.data_condition = "dose=2";
  EXPECT_EQ(to_text(report)[3], "no data of the condition dose=2 at the end time: no W1 and W2");
  report.kinetic_energy = 0.5;
  report.distances = TransportReport::Distances{{1, 2}, {3, 4}, 5};
  lines = to_text(report);
  EXPECT_EQ(lines[3].rfind("against the data of the condition dose=2 at t = 2 (5 points", 0), 0u) << lines[3];
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
