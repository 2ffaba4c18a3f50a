#include "rhoflux/parallel/gradient_reduction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "rhoflux/core/error.hpp"

namespace rhoflux::parallel {
namespace {

constexpr int size = 1001;  // not a multiple of the ranks

/// Numbers of very different sizes, so that the order of a sum shows in its last bits.
float entry(int k, std::int64_t lane) {
  return static_cast<float>(std::sin(0.37 * k + 1.7 * static_cast<double>(lane)) *
                            std::pow(10.0, static_cast<double>(lane % 5) - 2.0));
}

template <class Scalar>
void fill(const GradientReduction<Scalar>& reduction, Share lanes) {
  for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane) {
    const Vector<Scalar>& gradient = reduction.lane(static_cast<int>(lane - lanes.begin));
    const auto host = Kokkos::create_mirror_view(gradient);
    for (int k = 0; k < size; ++k) host(k) = entry(k, lane);
    Kokkos::deep_copy(gradient, host);
  }
}

TEST(GradientReduction, ReproducibleSumIsTheSumInLaneOrder) {
  const Communicator comm(MPI_COMM_WORLD);
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
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), reduction.lane(0));
  for (int k = 0; k < size; ++k) {
    float sum = entry(k, 0);
    for (int lane = 1; lane < 7; ++lane) sum += entry(k, lane);
    ASSERT_EQ(host(k), sum) << k;
  }
}

TEST(GradientReduction, PlainSumAgreesToRounding) {
  const Communicator comm(MPI_COMM_WORLD);
  const BatchPartition partition(comm, 64, 0);
  GradientReduction<double> reduction(comm, partition, size);
  fill(reduction, partition.local_lanes());
  EXPECT_NEAR(reduction.sum({1.5}, 1).front(), 1.5 * comm.size(), 1e-14);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), reduction.lane(0));
  for (int k = 0; k < size; ++k) {
    double sum = 0, magnitude = 0;
    for (int rank = 0; rank < comm.size(); ++rank) {
      sum += static_cast<double>(entry(k, rank));
      magnitude += std::abs(static_cast<double>(entry(k, rank)));
    }
    ASSERT_NEAR(host(k), sum, comm.size() * 2.3e-16 * magnitude) << k;
  }
}

TEST(BatchPartition, CoversTheBatchOnceInOrder) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const int lanes : {0, 5}) {
    const BatchPartition partition(comm, 103, lanes);
    const Share mine = partition.local_samples();
    const std::vector<double> bounds =
        comm.all_gather({static_cast<double>(mine.begin), static_cast<double>(mine.end)});
    EXPECT_EQ(bounds.front(), 0);
    EXPECT_EQ(bounds.back(), 103);
    for (std::size_t k = 1; k + 1 < bounds.size(); k += 2) EXPECT_EQ(bounds[k], bounds[k + 1]);
  }
}

TEST(BatchPartition, RefusesTooFewSamplesOrLanes) {
  const Communicator comm(MPI_COMM_WORLD);
  EXPECT_THROW(BatchPartition(comm, 3, 4), Error);
  if (comm.size() > 1) {
    EXPECT_THROW(BatchPartition(comm, 64, comm.size() - 1), Error);
  }
}

TEST(Communicator, FailureOnTheRootIsThrownEverywhere) {
  const Communicator comm(MPI_COMM_WORLD);
  try {
    on_root(comm, [] { fail_input("bad number"); });
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    EXPECT_STREQ(error.what(), "bad number");
  }
}

}  // namespace
}  // namespace rhoflux::parallel
