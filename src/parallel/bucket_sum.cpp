#include "rhoflux/parallel/bucket_sum.hpp"

#include <algorithm>
#include <utility>

namespace rhoflux::parallel {
namespace {

template <class Scalar>
MPI_Datatype mpi_type() {
  return sizeof(Scalar) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE;
}

}  // namespace

template <class Scalar>
BucketSum<Scalar>::BucketSum(const mpi::Communicator& comm, const BatchPartition& partition,
                             const std::vector<Vector<Scalar>>& lanes, int size)
    : m_partition(partition), m_lanes(lanes), m_exchange(comm.handle()), m_share(comm.handle()) {
  m_host = Kokkos::create_mirror_view(lanes.front());
  m_total.resize(static_cast<std::size_t>(size));
  set_buckets(make_buckets({}, size, 1));
}

template <class Scalar>
void BucketSum<Scalar>::set_buckets(std::vector<Bucket> buckets) {
  m_buckets = std::move(buckets);
  m_messages.clear();
  const int ranks = m_exchange.size();
  const auto n_local = static_cast<int>(m_lanes.size());
  int first = 0, largest = 0;
  for (const Bucket& bucket : m_buckets) {
    Message message;
    message.first = first;
    message.slice = static_cast<int>(mpi::share_of(bucket.size, m_exchange.rank(), ranks).size());
    first += bucket.size;
    largest = std::max(largest, bucket.size);
    int sent = 0, received = 0;
    for (int rank = 0; m_partition.reproducible() && rank < ranks; ++rank) {
      const mpi::Share slice = mpi::share_of(bucket.size, rank, ranks);
      message.slice_counts.push_back(static_cast<int>(slice.size()));
      message.slice_offsets.push_back(static_cast<int>(slice.begin));
      message.send_offsets.push_back(sent);
      message.send_counts.push_back(n_local * static_cast<int>(slice.size()));
      sent += message.send_counts.back();
      message.receive_offsets.push_back(received);
      message.receive_counts.push_back(static_cast<int>(m_partition.lanes_of(rank).size()) * message.slice);
      received += message.receive_counts.back();
    }
    message.send.resize(static_cast<std::size_t>(sent));
    message.receive.resize(static_cast<std::size_t>(received));
    m_messages.push_back(std::move(message));
  }
  m_packed.resize(static_cast<std::size_t>(m_partition.reproducible() ? largest : 0));
}

/// Entries of a lane in host memory; what is not there is copied to m_host.
template <class Scalar>
const Scalar* BucketSum<Scalar>::on_host(const Vector<Scalar>& lane, Range entries) {
  if constexpr (runs_on_host<ExecutionSpace>) {
    return lane.data() + entries.begin;
  } else {
    const auto part = Kokkos::make_pair(entries.begin, entries.end);
    Kokkos::deep_copy(Kokkos::subview(m_host, part), Kokkos::subview(lane, part));
    return m_host.data() + entries.begin;
  }
}

template <class Scalar>
void BucketSum<Scalar>::pack(const Bucket& bucket, const Vector<Scalar>& lane, Scalar* to) {
  for (const Range entries : bucket.entries) {
    const Scalar* from = on_host(lane, entries);
    to = std::copy(from, from + entries.size(), to);
  }
}

template <class Scalar>
void BucketSum<Scalar>::add(const Bucket& bucket, const Vector<Scalar>& lane, Scalar* to) {
  for (const Range entries : bucket.entries) {
    const Scalar* from = on_host(lane, entries);
    for (int k = 0; k < entries.size(); ++k) to[k] += from[k];
    to += entries.size();
  }
}

template <class Scalar>
void BucketSum<Scalar>::unpack(const Bucket& bucket, const Scalar* from) {
  for (const Range entries : bucket.entries) {
    std::copy(from, from + entries.size(), m_host.data() + entries.begin);
    from += entries.size();
  }
}

template <class Scalar>
void BucketSum<Scalar>::send_lanes(const Bucket& bucket, Message& message) {
  for (std::size_t lane = 0; lane < m_lanes.size(); ++lane) {
    pack(bucket, m_lanes[lane], m_packed.data());
    for (std::size_t rank = 0; rank < message.slice_counts.size(); ++rank) {
      const int length = message.slice_counts[rank];
      std::copy_n(
          m_packed.data() + message.slice_offsets[rank], length,
          message.send.data() + message.send_offsets[rank] + static_cast<std::int64_t>(lane) * length);
    }
  }
  message.phase = Phase::exchange;
  mpi::check_mpi(MPI_Ialltoallv(message.send.data(), message.send_counts.data(), message.send_offsets.data(),
                                mpi_type<Scalar>(), message.receive.data(), message.receive_counts.data(),
                                message.receive_offsets.data(), mpi_type<Scalar>(), m_exchange.handle(),
                                &message.request),
                 "MPI_Ialltoallv");
}

/// Adds up the lanes of this rank's slice, in their order, and sends the result to all.
template <class Scalar>
void BucketSum<Scalar>::share(Message& message) {
  const auto length = static_cast<std::size_t>(message.slice);
  Scalar* sum = message.receive.data();
  for (int lane = 1; lane < m_partition.n_lanes(); ++lane) {
    const Scalar* from = sum + static_cast<std::size_t>(lane) * length;
    for (std::size_t k = 0; k < length; ++k) sum[k] += from[k];
  }
  message.phase = Phase::share;
  mpi::check_mpi(MPI_Iallgatherv(sum, message.slice, mpi_type<Scalar>(), m_total.data() + message.first,
                                 message.slice_counts.data(), message.slice_offsets.data(),
                                 mpi_type<Scalar>(), m_share.handle(), &message.request),
                 "MPI_Iallgatherv");
}

template <class Scalar>
void BucketSum<Scalar>::start_next() {
  const auto next = static_cast<std::size_t>(m_n_started++);
  const Bucket& bucket = m_buckets[next];
  Message& message = m_messages[next];
  Kokkos::fence();
  if (m_partition.reproducible()) return send_lanes(bucket, message);
  Scalar* values = m_total.data() + message.first;
  pack(bucket, m_lanes.front(), values);
  for (std::size_t lane = 1; lane < m_lanes.size(); ++lane) add(bucket, m_lanes[lane], values);
  message.phase = Phase::share;
  mpi::check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values, bucket.size, mpi_type<Scalar>(), MPI_SUM,
                                m_share.handle(), &message.request),
                 "MPI_Iallreduce");
}

template <class Scalar>
bool BucketSum<Scalar>::is_complete(Message& message, bool wait) {
  int is_there = 1;
  if (wait)
    mpi::check_mpi(MPI_Wait(&message.request, MPI_STATUS_IGNORE), "MPI_Wait");
  else
    mpi::check_mpi(MPI_Test(&message.request, &is_there, MPI_STATUS_IGNORE), "MPI_Test");
  return is_there != 0;
}

template <class Scalar>
void BucketSum<Scalar>::advance(bool wait) {
  // The ranks share their slices in the order of the buckets, so nothing overtakes an exchange.
  const auto end = m_messages.begin() + m_n_started;
  for (auto message = m_messages.begin(); message != end; ++message) {
    if (message->phase != Phase::exchange) continue;
    if (!is_complete(*message, wait)) break;
    share(*message);
  }
  for (auto message = m_messages.begin(); message != end; ++message)
    if (message->phase == Phase::share && is_complete(*message, wait)) message->phase = Phase::done;
}

template <class Scalar>
void BucketSum<Scalar>::progress() {
  if (m_n_started > 0) advance(false);
}

template <class Scalar>
void BucketSum<Scalar>::finish() {
  while (m_n_started < static_cast<int>(m_buckets.size())) start_next();
  advance(true);
  for (std::size_t k = 0; k < m_buckets.size(); ++k)
    unpack(m_buckets[k], m_total.data() + m_messages[k].first);
  Kokkos::deep_copy(m_lanes.front(), m_host);
  m_n_started = 0;
}

template class BucketSum<float>;
template class BucketSum<double>;

}  // namespace rhoflux::parallel
