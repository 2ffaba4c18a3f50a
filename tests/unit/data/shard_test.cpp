#include "rhoflux/data/shard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/device_data.hpp"

namespace rhoflux::data {
namespace {

using namespace test;

/// Rows that are recognised by their numbers: tau = row, x = (10 row, -row), weight = 1 + row.
Shard<double> make_shard(int n) {
  std::vector<double> tau, x, weight;
  for (int row = 0; row < n; ++row) {
    tau.push_back(row);
    x.insert(x.end(), {10.0 * row, -1.0 * row});
    weight.push_back(1.0 + row);
  }
  return {0, n, to_vector<double>(tau), to_matrix<double>(x, 2), to_vector<double>(weight)};
}

/// A batch on the host: tau (n), x (n, 2) in C order, weight (n).
struct Batch {
  std::vector<double> tau, x, weight;
};

Batch draw(const Shard<double>& shard, const BatchConfig& config) {
  const int n = static_cast<int>(config.batch);
  const density::Points<double> points = {make_vector<double>("tau", n), make_matrix<double>("x", 2, n)};
  const auto weight = make_vector<double>("weight", n);
  draw_batch(ExecutionSpace(), shard, config, 0, points, weight);
  return {values_of(points.tau), values_of(points.x), values_of(weight)};
}

std::vector<int> drawn_rows(int n_rows, int batch, std::int64_t step, std::uint64_t seed) {
  const Batch drawn = draw(make_shard(n_rows), {RandomPurpose::batch, seed, step, batch, 0.0});
  std::vector<int> rows;
  for (std::size_t s = 0; s < drawn.tau.size(); ++s) {
    rows.push_back(static_cast<int>(drawn.tau[s]));
    EXPECT_EQ(drawn.x[2 * s], 10.0 * rows.back());
    EXPECT_EQ(drawn.x[2 * s + 1], -rows.back());
    EXPECT_EQ(drawn.weight[s], 1.0 + rows.back());
  }
  return rows;
}

TEST(DrawBatch, TakesEachSampleFromItsStratum) {
  const int n_rows = 1000, batch = 64;
  const std::vector<int> rows = drawn_rows(n_rows, batch, 3, 1);
  for (int s = 0; s < batch; ++s) {
    EXPECT_GE(rows[static_cast<std::size_t>(s)], n_rows * s / batch);
    EXPECT_LE(rows[static_cast<std::size_t>(s)], n_rows * (s + 1) / batch);
  }
}

TEST(DrawBatch, ChangesWithStepAndSeedAndRepeats) {
  const std::vector<int> rows = drawn_rows(1000, 64, 3, 1);
  EXPECT_EQ(rows, drawn_rows(1000, 64, 3, 1));
  EXPECT_NE(rows, drawn_rows(1000, 64, 4, 1));
  EXPECT_NE(rows, drawn_rows(1000, 64, 3, 2));
}

// Row counts over many steps are sums of independent indicators of mean steps * batch / rows, variance at
// most that; five standard deviations leave a chance of 100 * 6e-7.
TEST(DrawBatch, DrawsEveryRowEquallyOften) {
  const int n_rows = 100, batch = 7, steps = 20000;
  std::vector<int> counts(n_rows, 0);
  for (int step = 0; step < steps; ++step)
    for (const int row : drawn_rows(n_rows, batch, step, 5)) ++counts[static_cast<std::size_t>(row)];
  const double mean = static_cast<double>(steps) * batch / n_rows;
  for (const int count : counts) EXPECT_NEAR(count, mean, 5 * std::sqrt(mean));
}

/// Times 0.2, 0.5 and 0.8 of three thousand rows, which are far enough from the ends that noise of 0.05 is not mirrored: its mean is
/// 0 and its variance 0.0025 within five standard errors; at 0 and 1 it stays inside, and is |noise| then.
TEST(DrawBatch, TimeNoiseIsThatOfTheConfiguration) {
  constexpr double noise = 0.05;
  for (const double at : {0.2, 0.5, 0.8, 0.0, 1.0}) {
    constexpr int n = 3000;
    Shard<double> shard = make_shard(n);
    Kokkos::deep_copy(shard.tau, at);
    BatchConfig config = {RandomPurpose::batch, 1, 3, n, 0.0};
    const Batch exact = draw(shard, config);
    config.time_jitter = noise;
    const Batch noisy = draw(shard, config);
    EXPECT_EQ(exact.x, noisy.x) << "the rows and coordinates stay";
    const bool is_end = at == 0 || at == 1;
    double sum = 0, squares = 0;
    for (const double tau : noisy.tau) {
      EXPECT_GE(tau, 0);
      EXPECT_LE(tau, 1);
      sum += tau - at;
      squares += (tau - at) * (tau - at);
    }
    const double root = std::sqrt(double(n));
    if (!is_end) {
      EXPECT_NEAR(sum / n, 0, 5 * noise / root);
    }
    EXPECT_NEAR(squares / n, noise * noise, 5 * noise * noise * std::sqrt(2.0) / root);
  }
}

TEST(DrawBatch, MoreSamplesThanRowsUsesAllRows) {
  const std::vector<int> rows = drawn_rows(5, 50, 1, 1);
  for (int row = 0; row < 5; ++row) EXPECT_EQ(std::count(rows.begin(), rows.end(), row) >= 9, true) << row;
}

// The sum of 2 * 4000 standard normals squared has mean 8000 and standard deviation sqrt(16000) = 127.
TEST(DrawBatch, NoiseHasTheVarianceAskedFor) {
  const int n = 4000;
  const Batch drawn = draw(make_shard(n), {RandomPurpose::batch, 1, 1, n, 0.25});
  double sum = 0;
  for (std::size_t s = 0; s < n; ++s) {
    const double row = drawn.tau[s];
    sum += std::pow((drawn.x[2 * s] - 10 * row) / 0.25, 2) + std::pow((drawn.x[2 * s + 1] + row) / 0.25, 2);
  }
  EXPECT_NEAR(sum, 8000, 5 * 127);
}

TEST(RowsForSamples, CoverEveryRowThatCanBeDrawn) {
  for (const std::int64_t n_rows : {3, 64, 1000, 12345})
    for (const int size : {1, 2, 3, 4}) {
      const int batch = 64;
      std::int64_t reached = 0;
      for (int rank = 0; rank < size; ++rank) {
        const mpi::Share samples = mpi::share_of(batch, rank, size);
        const mpi::Share rows = rows_for_samples(samples, batch, n_rows);
        EXPECT_LE(rows.begin, std::max<std::int64_t>(0, samples.begin * n_rows / batch));
        EXPECT_GE(static_cast<double>(rows.end), static_cast<double>(samples.end) * n_rows / batch);
        EXPECT_LE(rows.begin, reached);  // no row lies between two ranks
        reached = rows.end;
        EXPECT_LE(rows.size(), samples.size() * n_rows / batch + 2);  // a shard, not the data set
      }
      EXPECT_EQ(reached, n_rows);
    }
}

TEST(Units, MapsTimeAndVolume) {
  EXPECT_DOUBLE_EQ(Units({{0.0, 0.0}, {2.0, 3.0}, 1.0, 5.0}).log_volume(), std::log(6.0));
  EXPECT_DOUBLE_EQ(Units({{0.0}, {1.0}, 1.0, 5.0}).tau(3.0), 0.5);
  EXPECT_DOUBLE_EQ(Units({{0.0}, {1.0}, 2.0, 2.0}).tau(2.0), 0.0);
}

}  // namespace
}  // namespace rhoflux::data
