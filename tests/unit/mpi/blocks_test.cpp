#include "rhoflux/mpi/blocks.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

namespace rhoflux::mpi {
namespace {

TEST(Blocks, CoverEveryItemOnce) {
  for (const std::int64_t count : {0, 1, 7, 8, 9, 100})
    for (const std::int64_t size : {1, 3, 8}) {
      const Blocks blocks = {count, size};
      std::int64_t reached = 0;
      for (std::int64_t k = 0; k < blocks.n_blocks(); ++k) {
        EXPECT_EQ(blocks.items(k).begin, reached);
        EXPECT_GT(blocks.items(k).size(), 0);
        EXPECT_LE(blocks.items(k).size(), size);
        reached = blocks.items(k).end;
      }
      EXPECT_EQ(reached, count);
      EXPECT_EQ(blocks.items(blocks.n_blocks()).size(), 0);
    }
}

TEST(Blocks, SharesOfRanksAreWholeBlocks) {
  for (const std::int64_t count : {0, 1, 7, 64, 65, 1000})
    for (const int n_ranks : {1, 2, 3, 4, 7}) {
      const Blocks blocks = {count, 8};
      std::int64_t reached = 0;
      for (int rank = 0; rank < n_ranks; ++rank) {
        const Share share = blocks.share_of_rank(rank, n_ranks);
        EXPECT_EQ(share.begin, reached);
        EXPECT_TRUE(share.begin % 8 == 0 || share.begin == count);
        reached = share.end;
      }
      EXPECT_EQ(reached, count);
    }
}

TEST(OverBlocks, GivesTheNumbersInOrder) {
  const Communicator comm(MPI_COMM_SELF);
  std::vector<Share> calls;
  const std::vector<double> found = over_blocks(comm, {5, 2}, [&](std::int64_t begin, std::int64_t end) {
    calls.push_back({begin, end});
    std::vector<double> numbers;
    for (std::int64_t k = begin; k < end; ++k) numbers.insert(numbers.end(), {1.0 * k, -1.0 * k});
    return numbers;
  });
  EXPECT_EQ(found, (std::vector<double>{0, 0, 1, -1, 2, -2, 3, -3, 4, -4}));
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[2].begin, 4);
  EXPECT_EQ(calls[2].end, 5);
}

TEST(OverBlocks, OfNothingGivesNothing) {
  const Communicator comm(MPI_COMM_SELF);
  const auto fail = [](std::int64_t, std::int64_t) {
    ADD_FAILURE() << "called";
    return std::vector<double>{1};
  };
  EXPECT_TRUE(over_blocks(comm, {0, 4}, fail).empty());
}

}  // namespace
}  // namespace rhoflux::mpi
