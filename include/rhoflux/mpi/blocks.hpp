#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::mpi {

/// Items 0 .. count - 1 in blocks of `size` items, the last one of what is left.
struct Blocks {
  std::int64_t count = 0;
  std::int64_t size = 1;

  std::int64_t n_blocks() const { return (count + size - 1) / size; }
  /// Items of block k; none (begin = end = count) beyond the last block.
  Share items(std::int64_t k) const { return {std::min(k * size, count), std::min((k + 1) * size, count)}; }
  /// Items of the blocks of a rank: whole blocks, contiguous, as even a share as these allow.
  Share share_of_rank(int rank, int n_ranks) const {
    const Share blocks = share_of(n_blocks(), rank, n_ranks);
    return {std::min(blocks.begin * size, count), std::min(blocks.end * size, count)};
  }
};

/// Who receives the numbers of all blocks.
enum class Receivers { all, root };

/// Calls compute(begin, end) for each block of items and gives its numbers, one block after the other in the
/// order of the items. What a call computes depends on its block alone, and blocks do not depend on the
/// number of ranks: every rank count gives the same bits, also of a sum that is taken over the result in
/// order. Collective.
///
/// Every rank makes the same number of calls: a rank that has fewer blocks ends with begin = end, and gives
/// no numbers then. So compute may itself be collective, e.g. read rows of a file.
/// @param compute gives a std::vector<double>, the same number of numbers for each item (or for each block)
/// @return on the receivers the numbers of all blocks, elsewhere nothing
template <class Compute>
std::vector<double> over_blocks(const Communicator& comm, const Blocks& blocks, const Compute& compute,
                                Receivers receivers = Receivers::all) {
  const Share mine = share_of(blocks.n_blocks(), comm.rank(), comm.size());
  const std::int64_t n_calls = (blocks.n_blocks() + comm.size() - 1) / comm.size();
  std::vector<double> local;
  for (std::int64_t k = 0; k < n_calls; ++k) {
    const bool has_block = mine.begin + k < mine.end;
    const Share items = blocks.items(has_block ? mine.begin + k : blocks.n_blocks());
    const std::vector<double> numbers = compute(items.begin, items.end);
    if (has_block) local.insert(local.end(), numbers.begin(), numbers.end());
  }
  return receivers == Receivers::all ? comm.all_gather(local) : comm.gather(local);
}

}  // namespace rhoflux::mpi
