#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/core/types.hpp"
#include "rhoflux/parallel/communicator.hpp"

namespace rhoflux::parallel {

/// How the samples of a global batch are split over ranks and over partial sums ("lanes"). Sample i is the
/// same data row on any number of ranks; only who computes it changes.
///
/// Plain: one lane a rank. Reproducible: a fixed number of lanes, each a contiguous part of the batch summed
/// by one rank in order, and the lanes added in order, so that the sum has the same bits on any number of
/// ranks up to the number of lanes.
class BatchPartition {
 public:
  /// @param lanes 0: plain
  /// @param granule samples that one lane has together; divides the batch
  /// Throws Error (bad input) if there are more ranks than granules or lanes.
  BatchPartition(const Communicator& comm, std::int64_t batch, int lanes, int granule = 1);

  bool reproducible() const { return m_reproducible; }
  int n_lanes() const { return m_n_lanes; }
  /// Lanes of this rank.
  Share local_lanes() const { return share_of(m_n_lanes, m_rank, m_size); }
  /// Lanes of any rank.
  Share lanes_of(int rank) const { return share_of(m_n_lanes, rank, m_size); }
  /// Samples [begin, end) of the global batch that make up a lane.
  Share samples_of(std::int64_t lane) const {
    const std::int64_t granules = m_batch / m_granule;
    return {granules * lane / m_n_lanes * m_granule, granules * (lane + 1) / m_n_lanes * m_granule};
  }
  /// All samples of this rank.
  Share local_samples() const {
    return {samples_of(local_lanes().begin).begin, samples_of(local_lanes().end - 1).end};
  }
  std::int64_t batch() const { return m_batch; }

 private:
  std::int64_t m_batch, m_granule;
  int m_rank, m_size, m_n_lanes;
  bool m_reproducible;
};

/// Sums gradients over lanes and ranks.
template <class Scalar>
class GradientReduction {
 public:
  /// Allocates the buffers. @param size length of a gradient
  GradientReduction(const Communicator& comm, const BatchPartition& partition, int size);

  /// Gradient of local lane `lane` (counted from 0 on this rank), to be zeroed and filled by the caller.
  const Vector<Scalar>& lane(int lane) const { return m_lanes[static_cast<std::size_t>(lane)]; }
  int n_local_lanes() const { return static_cast<int>(m_lanes.size()); }

  /// Leaves the sum over all lanes of all ranks in lane(0) of every rank, and adds up `values` (n_values for
  /// each local lane, lane by lane) the same way. @return (n_values) the sums
  std::vector<double> sum(const std::vector<double>& values, int n_values);

 private:
  void sum_plain();
  void sum_in_order();

  const Communicator& m_comm;
  BatchPartition m_partition;
  int m_size;
  std::vector<Vector<Scalar>> m_lanes;
  typename Vector<Scalar>::HostMirror m_host;
  std::vector<Scalar> m_send, m_receive;  ///< slices of lanes by destination and by source
  std::vector<int> m_send_counts, m_send_offsets, m_receive_counts, m_receive_offsets;
  std::vector<int> m_slice_counts, m_slice_offsets;  ///< of the gradient, by rank
};

extern template class GradientReduction<float>;
extern template class GradientReduction<double>;

}  // namespace rhoflux::parallel
