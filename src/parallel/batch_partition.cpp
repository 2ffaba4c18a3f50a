#include "rhoflux/parallel/batch_partition.hpp"

#include <string>

#include "rhoflux/core/error.hpp"

namespace rhoflux::parallel {

BatchPartition::BatchPartition(const mpi::Communicator& comm, std::int64_t batch, int lanes,
                               int samples_per_block, int threads)
    : m_batch(batch),
      m_samples_per_block(samples_per_block),
      m_rank(comm.rank()),
      m_size(comm.size()),
      m_n_lanes(lanes > 0 ? lanes : comm.size() * threads),
      m_reproducible(lanes > 0) {
  if (batch < static_cast<std::int64_t>(m_n_lanes) * samples_per_block)
    fail_input("training.batch = " + std::to_string(batch) + " is less than " +
               (samples_per_block == 1 ? "one sample" : std::to_string(samples_per_block) + " samples") +
               " for each of " + std::to_string(m_n_lanes) +
               (m_reproducible ? " lanes (training.reproducible_lanes)"
                : threads > 1  ? " threads of all ranks (OMP_NUM_THREADS)"
                               : " ranks"));
  if (m_n_lanes < m_size)
    fail_input("training.reproducible_lanes = " + std::to_string(lanes) +
               " allows at most that many ranks, and " + std::to_string(m_size) +
               " are running; raise it (the sums, and so the last bits, change with it)");
}

}  // namespace rhoflux::parallel
