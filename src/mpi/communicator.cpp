#include "rhoflux/mpi/communicator.hpp"

#include <algorithm>
#include <climits>

#include "rhoflux/core/error.hpp"

namespace rhoflux::mpi {

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(ExitCode::rank_lost, std::string(call) + " failed, as when a rank or its machine is lost: " +
                                       std::string(text, static_cast<std::size_t>(length)));
}

Communicator::Communicator(MPI_Comm parent) {
  check_mpi(MPI_Comm_dup(parent, &m_comm), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(m_comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(m_comm, &m_rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(m_comm, &m_size), "MPI_Comm_size");
}

Communicator::~Communicator() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (m_comm != MPI_COMM_NULL && finalized == 0) MPI_Comm_free(&m_comm);
}

void Communicator::barrier() const {
  check_mpi(MPI_Barrier(m_comm), "MPI_Barrier");
}

namespace {
template <class T>
void reduce_in_place(MPI_Comm comm, T* values, int count, MPI_Datatype type, MPI_Op op) {
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, values, count, type, op, comm), "MPI_Allreduce");
}

std::vector<int> counts_to_offsets(const std::vector<int>& counts) {
  std::vector<int> offsets(counts.size(), 0);
  for (std::size_t r = 1; r < counts.size(); ++r) offsets[r] = offsets[r - 1] + counts[r - 1];
  return offsets;
}
}  // namespace

void Communicator::sum(double* values, int count) const {
  reduce_in_place(m_comm, values, count, MPI_DOUBLE, MPI_SUM);
}
void Communicator::sum(float* values, int count) const {
  reduce_in_place(m_comm, values, count, MPI_FLOAT, MPI_SUM);
}
void Communicator::sum(std::int64_t* values, int count) const {
  reduce_in_place(m_comm, values, count, MPI_INT64_T, MPI_SUM);
}
void Communicator::sum(std::uint64_t* values, int count) const {
  reduce_in_place(m_comm, values, count, MPI_UINT64_T, MPI_SUM);
}
void Communicator::max(double* values, int count) const {
  reduce_in_place(m_comm, values, count, MPI_DOUBLE, MPI_MAX);
}
void Communicator::min(double* values, int count) const {
  reduce_in_place(m_comm, values, count, MPI_DOUBLE, MPI_MIN);
}
void Communicator::max(std::int64_t* values, int count) const {
  reduce_in_place(m_comm, values, count, MPI_INT64_T, MPI_MAX);
}

void Communicator::broadcast(void* data, std::int64_t bytes, int root) const {
  auto* position = static_cast<char*>(data);
  while (bytes > 0) {
    const int piece = static_cast<int>(std::min<std::int64_t>(bytes, INT_MAX));
    check_mpi(MPI_Bcast(position, piece, MPI_BYTE, root, m_comm), "MPI_Bcast");
    position += piece;
    bytes -= piece;
  }
}

void Communicator::broadcast(std::string& text, int root) const {
  std::vector<char> bytes(text.begin(), text.end());
  broadcast(bytes, root);
  text.assign(bytes.begin(), bytes.end());
}

std::vector<double> Communicator::all_gather(const std::vector<double>& local) const {
  const int count = static_cast<int>(local.size());
  std::vector<int> counts(static_cast<std::size_t>(m_size));
  check_mpi(MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, m_comm), "MPI_Allgather");
  const std::vector<int> offsets = counts_to_offsets(counts);
  std::vector<double> all(static_cast<std::size_t>(offsets.back() + counts.back()));
  check_mpi(MPI_Allgatherv(local.data(), count, MPI_DOUBLE, all.data(), counts.data(), offsets.data(),
                           MPI_DOUBLE, m_comm),
            "MPI_Allgatherv");
  return all;
}

std::vector<double> Communicator::gather(const std::vector<double>& local, int root) const {
  const int count = static_cast<int>(local.size());
  std::vector<int> counts(static_cast<std::size_t>(m_size));
  check_mpi(MPI_Gather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, root, m_comm), "MPI_Gather");
  const std::vector<int> offsets = counts_to_offsets(counts);
  std::vector<double> all(m_rank == root ? static_cast<std::size_t>(offsets.back() + counts.back()) : 0);
  check_mpi(MPI_Gatherv(local.data(), count, MPI_DOUBLE, all.data(), counts.data(), offsets.data(),
                        MPI_DOUBLE, root, m_comm),
            "MPI_Gatherv");
  return all;
}

bool Communicator::any(bool local) const {
  std::int64_t flag = local ? 1 : 0;
  max(&flag, 1);
  return flag != 0;
}

namespace {

struct Failure {
  int code = 0;  ///< 0: none
  std::string message;
};

Failure failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return {static_cast<int>(error.code()), error.what()};
  } catch (const std::bad_alloc&) {
    return {static_cast<int>(ExitCode::out_of_memory), out_of_memory_message};
  } catch (const std::exception& error) {
    return {static_cast<int>(ExitCode::io_failure), error.what()};
  }
  return {};
}

/// Throws the failure of one rank on all of them, if there is one.
void share_failure(const Communicator& comm, Failure failure, int rank) {
  comm.broadcast(&failure.code, sizeof(failure.code), rank);
  if (failure.code == 0) return;
  comm.broadcast(failure.message, rank);
  throw Error(static_cast<ExitCode>(failure.code), failure.message);
}

}  // namespace

void on_root(const Communicator& comm, const std::function<void()>& work) {
  share_failure(comm, comm.is_root() ? failure_of(work) : Failure{}, 0);
}

void on_every_rank(const Communicator& comm, const std::function<void()>& work) {
  const Failure failure = failure_of(work);
  std::int64_t priority = failure.code == 0 ? 0 : comm.size() - comm.rank();
  comm.max(&priority, 1);
  if (priority > 0) share_failure(comm, failure, comm.size() - static_cast<int>(priority));
}

}  // namespace rhoflux::mpi
