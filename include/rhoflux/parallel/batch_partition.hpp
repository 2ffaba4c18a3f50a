#pragma once

#include <cstdint>

#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::parallel {

/// How the samples of a global batch are split over ranks and over partial sums ("lanes"). Sample i is the
/// same data row on any number of ranks; only who computes it changes.
///
/// Plain: one lane a thread. Reproducible: a fixed number of lanes, each a contiguous part of the batch summed
/// by one thread in order, and the lanes added in order, so that the sum has the same bits for any number of ranks
/// up to the number of lanes, and of threads.
class BatchPartition {
 public:
  /// @param lanes 0: plain
  /// @param threads of each rank
  /// @param samples_per_block samples that one lane has together; divides the batch
  /// Throws Error (bad input) if there are more ranks than lanes, or more lanes than blocks.
  BatchPartition(const mpi::Communicator& comm, std::int64_t batch, int lanes, int samples_per_block = 1,
                 int threads = 1);

  bool reproducible() const { return m_reproducible; }
  int n_lanes() const { return m_n_lanes; }
  /// Lanes of this rank.
  mpi::Share local_lanes() const { return mpi::share_of(m_n_lanes, m_rank, m_size); }
  /// Lanes of any rank.
  mpi::Share lanes_of(int rank) const { return mpi::share_of(m_n_lanes, rank, m_size); }
  /// Samples [begin, end) of the global batch that make up a lane.
  mpi::Share samples_of(std::int64_t lane) const {
    const std::int64_t blocks = m_batch / m_samples_per_block;
    return {blocks * lane / m_n_lanes * m_samples_per_block,
            blocks * (lane + 1) / m_n_lanes * m_samples_per_block};
  }
  /// All samples of this rank.
  mpi::Share local_samples() const {
    return {samples_of(local_lanes().begin).begin, samples_of(local_lanes().end - 1).end};
  }
  std::int64_t batch() const { return m_batch; }

 private:
  std::int64_t m_batch, m_samples_per_block;
  int m_rank, m_size, m_n_lanes;
  bool m_reproducible;
};

}  // namespace rhoflux::parallel
