#include "rhoflux/parallel/gradient_reduction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/device/thread_team.hpp"
#include "support/device_data.hpp"

namespace rhoflux::parallel {
namespace {

constexpr int size = 1001;  // not a multiple of the ranks

/// Numbers of very different sizes, so that the order of a sum shows in its last bits. From a table, for
/// where the compiler contracts products and sums differs from place to place.
float entry(int k, std::int64_t lane) {
  constexpr int n_lanes = 16;
  static const std::vector<float> table = [] {
    std::vector<float> values;
    for (int row = 0; row < size; ++row)
      for (int column = 0; column < n_lanes; ++column)
        values.push_back(static_cast<float>(std::sin(0.37 * row + 1.7 * column) *
                                            std::pow(10.0, static_cast<double>(column % 5) - 2.0)));
    return values;
  }();
  return table.at(static_cast<std::size_t>(k * n_lanes + lane));
}

/// Entries of lane `lane` of all, which is number `local` of this rank.
template <class Scalar>
void fill_lane(const GradientReduction<Scalar>& reduction, std::int64_t lane, int local, Range entries) {
  // These entries alone: the sum of others may have begun.
  const auto part = Kokkos::subview(reduction.lane(local), Kokkos::make_pair(entries.begin, entries.end));
  const auto host = Kokkos::create_mirror_view(part);
  for (int k = 0; k < entries.size(); ++k) host(k) = entry(entries.begin + k, lane);
  Kokkos::deep_copy(part, host);
}

template <class Scalar>
void fill(const GradientReduction<Scalar>& reduction, mpi::Share lanes, Range entries = {0, size}) {
  for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane)
    fill_lane(reduction, lane, static_cast<int>(lane - lanes.begin), entries);
}

void expect_sum_in_lane_order(const GradientReduction<float>& reduction, int n_lanes) {
  const auto host = test::on_host(reduction.lane(0));
  for (int k = 0; k < size; ++k) {
    float sum = entry(k, 0);
    for (int lane = 1; lane < n_lanes; ++lane) sum += entry(k, lane);
    ASSERT_EQ(host(k), sum) << k;
  }
}

void expect_sum_to_rounding(const GradientReduction<double>& reduction, int n_lanes) {
  const auto host = test::on_host(reduction.lane(0));
  for (int k = 0; k < size; ++k) {
    double sum = 0, magnitude = 0;
    for (int lane = 0; lane < n_lanes; ++lane) {
      sum += static_cast<double>(entry(k, lane));
      magnitude += std::abs(static_cast<double>(entry(k, lane)));
    }
    ASSERT_NEAR(host(k), sum, n_lanes * 2.3e-16 * magnitude) << k;
  }
}

/// Sums the gradient, with a value of no interest for each lane.
template <class Scalar>
void sum_gradient(GradientReduction<Scalar>& reduction) {
  (void)reduction.sum(std::vector<double>(static_cast<std::size_t>(reduction.n_local_lanes()), 0.0), 1);
}

/// Parts in the order in which they are complete, of which an adjoint pass speaks; 90 .. 99 belong to none.
const std::vector<Range> parts = {{600, size}, {300, 600}, {100, 300}, {0, 90}};

/// A step in which every part is announced `times` times, and has its values from just before the last time
/// on.
template <class Scalar>
void announce(GradientReduction<Scalar>& reduction, mpi::Share lanes, int times) {
  for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane)
    Kokkos::deep_copy(reduction.lane(static_cast<int>(lane - lanes.begin)), Scalar(1e30));
  for (int time = 1; time <= times; ++time)
    for (const Range part : parts) {
      if (time == times) fill(reduction, lanes, part);
      reduction.on_gradient_added(part);
    }
  fill(reduction, lanes, {90, 100});
}

TEST(GradientReduction, ReproducibleSumIsTheSumInLaneOrder) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const BatchPartition partition(comm, 64, 7);
  GradientReduction<float> reduction(comm, partition, size);
  fill(reduction, partition.local_lanes());
  std::vector<double> values;
  for (std::int64_t lane = partition.local_lanes().begin; lane < partition.local_lanes().end; ++lane)
    values.push_back(0.1 * static_cast<double>(lane + 1));
  const double total = reduction.sum(values, 1).front();
  double expected_total = 0;
  for (int lane = 0; lane < 7; ++lane) expected_total += 0.1 * (lane + 1);
  EXPECT_EQ(total, expected_total);  // the same bits on any number of ranks
  expect_sum_in_lane_order(reduction, 7);
}

TEST(GradientReduction, PlainSumAgreesToRounding) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const BatchPartition partition(comm, 64, 0);
  GradientReduction<double> reduction(comm, partition, size);
  fill(reduction, partition.local_lanes());
  EXPECT_NEAR(reduction.sum({1.5}, 1).front(), 1.5 * comm.size(), 1e-14);
  expect_sum_to_rounding(reduction, comm.size());
}

TEST(GradientReduction, BeginsWithWhatIsComplete) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const BatchPartition in_order(comm, 64, 7), plain(comm, 64, 0);
  GradientReduction<float> first(comm, in_order, size);
  GradientReduction<double> second(comm, plain, size);
  // The parts but the last: 300 entries and more make a bucket, so that {100, 300} and {0, 90} are one.
  const int early = comm.size() > 1 ? 2 : 0;
  for (const int times : {2, 3}) {  // two kinds of steps
    for (int step = 0; step < 3; ++step) {
      first.watch({true, times == 3});
      announce(first, in_order.local_lanes(), times);
      EXPECT_EQ(first.n_begun(), step == 0 ? 0 : early) << step;
      sum_gradient(first);
      expect_sum_in_lane_order(first, 7);
      second.watch({true, times == 3});
      announce(second, plain.local_lanes(), times);
      EXPECT_EQ(second.n_begun(), step == 0 ? 0 : early) << step;
      sum_gradient(second);
      expect_sum_to_rounding(second, comm.size());
    }
  }
}

TEST(GradientReduction, PlainSumOverTheThreadsOfAllRanks) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const BatchPartition partition(comm, 64, 0, 1, 3);
  ASSERT_EQ(partition.n_lanes(), 3 * comm.size());
  GradientReduction<double> reduction(comm, partition, size);
  ASSERT_EQ(reduction.n_local_lanes(), 3);
  fill(reduction, partition.local_lanes());
  EXPECT_NEAR(reduction.sum({1.5, 2, 4}, 1).front(), 7.5 * comm.size(), 1e-13);
  expect_sum_to_rounding(reduction, partition.n_lanes());
}

/// Each thread fills and announces a lane of its own; the sum of a part begins when all have. What is sent early, and
/// whether, is a matter of time; the sum is not.
TEST(GradientReduction, ThreadsFillTheLanesAtOnce) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  constexpr int n_threads = 3;
  const BatchPartition plain(comm, 64, 0, 1, n_threads), in_order(comm, 64, n_threads * 4);
  GradientReduction<double> first(comm, plain, size);
  GradientReduction<float> second(comm, in_order, size);
  ThreadTeam team(n_threads);
  const auto step = [&](auto& reduction, const BatchPartition& partition) {
    reduction.watch({true});
    const auto work = [&](int thread) {
      const mpi::Share mine = mpi::share_of(reduction.n_local_lanes(), thread, n_threads);
      for (std::int64_t lane = mine.begin; lane < mine.end; ++lane)
        for (const Range part : parts) {
          fill_lane(reduction, partition.local_lanes().begin + lane, static_cast<int>(lane), part);
          reduction.on_gradient_added(part);
        }
    };
    if (reduction.is_learning())
      for (int thread = 0; thread < n_threads; ++thread) work(thread);
    else
      team.run(work);
    fill(reduction, partition.local_lanes(), {90, 100});
    sum_gradient(reduction);
  };
  for (int round = 0; round < 20; ++round) {
    step(first, plain);
    expect_sum_to_rounding(first, plain.n_lanes());
    step(second, in_order);
    expect_sum_in_lane_order(second, in_order.n_lanes());
  }
}

TEST(GradientReduction, UnwatchedStepsBetweenWatchedOnes) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const BatchPartition partition(comm, 64, 7);
  GradientReduction<float> reduction(comm, partition, size);
  for (int step = 0; step < 4; ++step) {
    reduction.watch({true});
    announce(reduction, partition.local_lanes(), 1);
    sum_gradient(reduction);
    expect_sum_in_lane_order(reduction, 7);
    announce(reduction, partition.local_lanes(), 5);
    EXPECT_EQ(reduction.n_begun(), 0);
    sum_gradient(reduction);
    expect_sum_in_lane_order(reduction, 7);
  }
}

TEST(GradientReduction, RefusesWhatComesAfterTheSumHasBegun) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  if (comm.size() == 1) GTEST_SKIP() << "nothing is summed early on one rank";
  const BatchPartition partition(comm, 64, 0);
  GradientReduction<float> reduction(comm, partition, size);
  for (int step = 0; step < 2; ++step) {
    reduction.watch({true});
    announce(reduction, partition.local_lanes(), 1);
    if (step == 0) sum_gradient(reduction);
  }
  EXPECT_THROW(reduction.on_gradient_added(parts.front()), std::logic_error);
  EXPECT_THROW(reduction.on_gradient_added({90, 100}), std::logic_error);
  sum_gradient(reduction);
}

TEST(GradientReduction, PartsThatRanksCompleteInAnotherOrderAreSummedAtTheEnd) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const BatchPartition partition(comm, 64, 7);
  GradientReduction<float> reduction(comm, partition, size);
  for (int step = 0; step < 2; ++step) {
    reduction.watch({true});
    fill(reduction, partition.local_lanes());
    reduction.on_gradient_added(parts[comm.rank() % 2 == 0 ? 0 : 1]);
    reduction.on_gradient_added(parts[comm.rank() % 2 == 0 ? 1 : 0]);
    EXPECT_EQ(reduction.n_begun(), 0);
    sum_gradient(reduction);
    expect_sum_in_lane_order(reduction, 7);
  }
}

TEST(BatchPartition, CoversTheBatchOnceInOrder) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  for (const int lanes : {0, 5}) {
    const BatchPartition partition(comm, 103, lanes);
    const mpi::Share mine = partition.local_samples();
    const std::vector<double> bounds =
        comm.all_gather({static_cast<double>(mine.begin), static_cast<double>(mine.end)});
    EXPECT_EQ(bounds.front(), 0);
    EXPECT_EQ(bounds.back(), 103);
    for (std::size_t k = 1; k + 1 < bounds.size(); k += 2) EXPECT_EQ(bounds[k], bounds[k + 1]);
  }
}

TEST(BatchPartition, RefusesTooFewSamplesOrLanes) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  EXPECT_THROW(BatchPartition(comm, 3, 4), Error);
  if (comm.size() > 1) {
    EXPECT_THROW(BatchPartition(comm, 64, comm.size() - 1), Error);
  }
}

TEST(Communicator, FailureOnTheRootIsThrownEverywhere) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  try {
    mpi::on_root(comm, [] { fail_input("bad number"); });
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    EXPECT_STREQ(error.what(), "bad number");
  }
}

}  // namespace
}  // namespace rhoflux::parallel
