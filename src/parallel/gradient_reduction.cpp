#include "rhoflux/parallel/gradient_reduction.hpp"

#include <algorithm>
#include <string>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/profiling.hpp"

namespace rhoflux::parallel {

BatchPartition::BatchPartition(const Communicator& comm, std::int64_t batch, int lanes, int granule)
    : m_batch(batch),
      m_granule(granule),
      m_rank(comm.rank()),
      m_size(comm.size()),
      m_n_lanes(lanes > 0 ? lanes : comm.size()),
      m_reproducible(lanes > 0) {
  if (batch < static_cast<std::int64_t>(m_n_lanes) * granule)
    fail_input("training.batch = " + std::to_string(batch) + " is less than " +
               (granule == 1 ? "one sample" : std::to_string(granule) + " samples") + " for each of " +
               std::to_string(m_n_lanes) +
               (m_reproducible ? " lanes (training.reproducible_lanes)" : " ranks"));
  if (m_n_lanes < m_size)
    fail_input("training.reproducible_lanes = " + std::to_string(lanes) +
               " allows at most that many ranks, and " + std::to_string(m_size) +
               " are running; raise it (the sums, and so the last bits, change with it)");
}

namespace {
template <class Scalar>
MPI_Datatype mpi_type() {
  return sizeof(Scalar) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE;
}
}  // namespace

template <class Scalar>
GradientReduction<Scalar>::GradientReduction(const Communicator& comm, const BatchPartition& partition,
                                             int size)
    : m_comm(comm), m_partition(partition), m_size(size) {
  const auto n_local = static_cast<int>(partition.local_lanes().size());
  for (int lane = 0; lane < n_local; ++lane) m_lanes.push_back(make_vector<Scalar>("gradient", size));
  m_host = Kokkos::create_mirror_view(m_lanes.front());
  if (!partition.reproducible()) return;
  const Share mine = share_of(size, comm.rank(), comm.size());
  int sent = 0, received = 0;
  for (int rank = 0; rank < comm.size(); ++rank) {
    const Share slice = share_of(size, rank, comm.size());
    m_slice_counts.push_back(static_cast<int>(slice.size()));
    m_slice_offsets.push_back(static_cast<int>(slice.begin));
    m_send_offsets.push_back(sent);
    m_send_counts.push_back(n_local * static_cast<int>(slice.size()));
    sent += m_send_counts.back();
    m_receive_offsets.push_back(received);
    m_receive_counts.push_back(static_cast<int>(partition.lanes_of(rank).size() * mine.size()));
    received += m_receive_counts.back();
  }
  m_send.resize(static_cast<std::size_t>(sent));
  m_receive.resize(static_cast<std::size_t>(received));
}

template <class Scalar>
std::vector<double> GradientReduction<Scalar>::sum(const std::vector<double>& values, int n_values) {
  const auto count = static_cast<std::size_t>(n_values);
  if (m_partition.reproducible()) {
    sum_in_order();
    const std::vector<double> all = m_comm.all_gather(values);
    std::vector<double> totals(count, 0.0);
    for (std::size_t k = 0; k < all.size(); ++k) totals[k % count] += all[k];
    return totals;
  }
  sum_plain();
  std::vector<double> totals = values;  // one lane
  m_comm.sum(totals.data(), n_values);
  return totals;
}

template <class Scalar>
void GradientReduction<Scalar>::sum_plain() {
  if (m_comm.size() == 1) return;
  Kokkos::deep_copy(m_host, m_lanes.front());
  m_comm.sum(m_host.data(), m_size);
  Kokkos::deep_copy(m_lanes.front(), m_host);
}

/// Each rank adds up the lanes of its slice of the gradient, in lane order, and shares the result.
template <class Scalar>
void GradientReduction<Scalar>::sum_in_order() {
  const int size = m_comm.size();
  for (std::size_t lane = 0; lane < m_lanes.size(); ++lane) {
    Kokkos::deep_copy(m_host, m_lanes[lane]);
    for (int rank = 0; rank < size; ++rank) {
      const Share slice = share_of(m_size, rank, size);
      std::copy(m_host.data() + slice.begin, m_host.data() + slice.end,
                m_send.data() + m_send_offsets[static_cast<std::size_t>(rank)] +
                    static_cast<std::int64_t>(lane) * slice.size());
    }
  }
  check_mpi(MPI_Alltoallv(m_send.data(), m_send_counts.data(), m_send_offsets.data(), mpi_type<Scalar>(),
                          m_receive.data(), m_receive_counts.data(), m_receive_offsets.data(),
                          mpi_type<Scalar>(), m_comm.handle()),
            "MPI_Alltoallv");
  const Share mine = share_of(m_size, m_comm.rank(), size);
  const auto length = static_cast<std::size_t>(mine.size());
  for (int lane = 1; lane < m_partition.n_lanes(); ++lane) {
    const Scalar* from = m_receive.data() + static_cast<std::size_t>(lane) * length;
    for (std::size_t k = 0; k < length; ++k) m_receive[k] += from[k];
  }
  check_mpi(
      MPI_Allgatherv(m_receive.data(), static_cast<int>(length), mpi_type<Scalar>(), m_host.data(),
                     m_slice_counts.data(), m_slice_offsets.data(), mpi_type<Scalar>(), m_comm.handle()),
      "MPI_Allgatherv");
  Kokkos::deep_copy(m_lanes.front(), m_host);
}

template class GradientReduction<float>;
template class GradientReduction<double>;

}  // namespace rhoflux::parallel
