#include "rhoflux/mpi/blocks.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>

namespace rhoflux::mpi {
namespace {

/// Numbers of which a sum in another order has other bits.
double number_of(std::int64_t item) {
  return std::exp(std::sin(1e3 * static_cast<double>(item)) * 20);
}

/// The sum of each block, in whatever order of additions its size gives, and the sum of these.
double sum_over(const Communicator& comm, const Blocks& blocks) {
  double total = 0;
  for (const double sum : over_blocks(comm, blocks, [](std::int64_t begin, std::int64_t end) {
         double of_block = 0;
         for (std::int64_t k = begin; k < end; ++k) of_block += number_of(k);
         return std::vector<double>{of_block};
       }))
    total += sum;
  return total;
}

TEST(OverBlocksOnRanks, EveryRankCountGivesTheSameBits) {
  const Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  for (const std::int64_t count : {0, 1, 2, 3, 5, 100, 1000})
    for (const std::int64_t size : {1, 7, 64}) {
      const double alone = sum_over(self, {count, size});
      EXPECT_EQ(sum_over(world, {count, size}), alone) << count << " items in blocks of " << size;
    }
}

TEST(OverBlocksOnRanks, NumbersComeInTheOrderOfTheItems) {
  const Communicator world(MPI_COMM_WORLD);
  const auto compute = [](std::int64_t begin, std::int64_t end) {
    std::vector<double> numbers;
    for (std::int64_t k = begin; k < end; ++k) numbers.insert(numbers.end(), {1.0 * k, 0.5 * k});
    return numbers;
  };
  std::vector<double> expected;
  for (int k = 0; k < 23; ++k) expected.insert(expected.end(), {1.0 * k, 0.5 * k});
  EXPECT_EQ(over_blocks(world, {23, 4}, compute), expected);
  const std::vector<double> on_root = over_blocks(world, {23, 4}, compute, Receivers::root);
  EXPECT_EQ(on_root, world.is_root() ? expected : std::vector<double>());
}

/// So that a computation may be collective: here each call is a sum over the ranks.
TEST(OverBlocksOnRanks, EveryRankMakesAsManyCalls) {
  const Communicator world(MPI_COMM_WORLD);
  for (const std::int64_t n_blocks : {1, 2, 3, 4, 5, 7, 9}) {
    std::int64_t items = 0, calls = 0;
    (void)over_blocks(world, {n_blocks, 1}, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t together = end - begin;
      world.sum(&together, 1);
      items += together;
      ++calls;
      return std::vector<double>(static_cast<std::size_t>(end - begin), 1.0);
    });
    EXPECT_EQ(items, n_blocks);
    EXPECT_EQ(calls, (n_blocks + world.size() - 1) / world.size());
  }
}

}  // namespace
}  // namespace rhoflux::mpi
