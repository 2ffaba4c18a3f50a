#pragma once

#include <mpi.h>

#include <vector>

#include "rhoflux/device/types.hpp"
#include "rhoflux/mpi/communicator.hpp"
#include "rhoflux/parallel/batch_partition.hpp"
#include "rhoflux/parallel/gradient_buckets.hpp"

namespace rhoflux::parallel {

/// The sum of gradients over the lanes of all ranks, bucket by bucket, by messages that do not block: they
/// advance in `start_next`, `progress` and `finish`.
///
/// Plain, the lanes of a rank are added up, and a bucket goes through MPI_Iallreduce. Reproducible, each rank receives
/// its slice of the bucket from all lanes, adds them up in the order of the lanes, and shares the result.
template <class Scalar>
class BucketSum {
 public:
  /// @param lanes gradients of this rank, all of length `size`
  BucketSum(const mpi::Communicator& comm, const BatchPartition& partition,
            const std::vector<Vector<Scalar>>& lanes, int size);

  /// Allocates what the messages need. The buckets hold every entry once, and are the same on every rank.
  void set_buckets(std::vector<Bucket> buckets);
  const std::vector<Bucket>& buckets() const { return m_buckets; }

  /// Sends the next bucket, whose entries are complete in all lanes.
  void start_next();
  /// Buckets whose sum has been started.
  int n_started() const { return m_n_started; }
  /// Takes the messages on their way as far as they can go now.
  void progress();
  /// Starts what has not been started, waits, and leaves the sums in the first lane.
  void finish();

 private:
  enum class Phase { exchange, share, done };
  struct Message {
    Phase phase = Phase::done;
    MPI_Request request = MPI_REQUEST_NULL;
    int first = 0;  ///< of this bucket in m_total
    int slice = 0;  ///< length of this rank's slice of the bucket
    std::vector<Scalar> send, receive;
    std::vector<int> send_counts, send_offsets, receive_counts, receive_offsets;
    std::vector<int> slice_counts, slice_offsets;
  };
  const Scalar* on_host(const Vector<Scalar>& lane, Range entries);
  void pack(const Bucket& bucket, const Vector<Scalar>& lane, Scalar* to);
  void add(const Bucket& bucket, const Vector<Scalar>& lane, Scalar* to);
  void unpack(const Bucket& bucket, const Scalar* from);
  void send_lanes(const Bucket& bucket, Message& message);
  void share(Message& message);
  bool is_complete(Message& message, bool wait);
  void advance(bool wait);

  const BatchPartition& m_partition;
  const std::vector<Vector<Scalar>>& m_lanes;
  /// Two, so that the ranks agree on the order of the messages of each whenever they get to it.
  mpi::Communicator m_exchange, m_share;
  int m_n_started = 0;
  std::vector<Bucket> m_buckets;
  std::vector<Message> m_messages;  ///< by bucket
  std::vector<Scalar> m_total, m_packed;
  typename Vector<Scalar>::HostMirror m_host;
};

extern template class BucketSum<float>;
extern template class BucketSum<double>;

}  // namespace rhoflux::parallel
