#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace rhoflux::mpi {

/// Throws Error (a rank is lost) naming the call when an MPI call returns an error code.
void check_mpi(int code, const char* call);

/// A communicator of this program's own (duplicated from the one given), with errors returned and checked.
class Communicator {
 public:
  explicit Communicator(MPI_Comm parent);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  MPI_Comm handle() const { return m_comm; }
  int rank() const { return m_rank; }
  int size() const { return m_size; }
  bool is_root() const { return m_rank == 0; }

  void barrier() const;

  /// In-place sum over ranks; the order of the sum is MPI's.
  void sum(double* values, int count) const;
  void sum(float* values, int count) const;
  void sum(std::int64_t* values, int count) const;
  /// Modulo 2^64.
  void sum(std::uint64_t* values, int count) const;
  void max(double* values, int count) const;
  void min(double* values, int count) const;
  void max(std::int64_t* values, int count) const;

  void broadcast(void* data, std::int64_t bytes, int root = 0) const;
  void broadcast(std::string& text, int root = 0) const;
  /// Broadcasts size and contents.
  template <class T>
  void broadcast(std::vector<T>& values, int root = 0) const {
    std::int64_t count = static_cast<std::int64_t>(values.size());
    broadcast(&count, sizeof(count), root);
    values.resize(static_cast<std::size_t>(count));
    broadcast(values.data(), count * static_cast<std::int64_t>(sizeof(T)), root);
  }

  /// Concatenates each rank's values in rank order, on every rank.
  std::vector<double> all_gather(const std::vector<double>& local) const;
  std::vector<double> gather(const std::vector<double>& local, int root = 0) const;

  /// True on every rank if it is true on any.
  bool any(bool local) const;

 private:
  MPI_Comm m_comm = MPI_COMM_NULL;
  int m_rank = 0;
  int m_size = 1;
};

/// The share of rank `rank` when `count` items are split evenly and contiguously over `size` ranks.
struct Share {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};
inline Share share_of(std::int64_t count, int rank, int size) {
  return {count * rank / size, count * (rank + 1) / size};
}

/// Runs `work` on the root only; an Error thrown there is thrown on every rank, so that all leave together.
void on_root(const Communicator& comm, const std::function<void()>& work);

/// Runs `work` on every rank; if it throws anywhere, the Error of the lowest such rank is thrown on all of
/// them. Anything thrown that is not an Error counts as an I/O failure.
void on_every_rank(const Communicator& comm, const std::function<void()>& work);

}  // namespace rhoflux::mpi
