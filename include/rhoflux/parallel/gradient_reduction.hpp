#pragma once

#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "rhoflux/device/gradient_listener.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/mpi/communicator.hpp"
#include "rhoflux/parallel/batch_partition.hpp"
#include "rhoflux/parallel/bucket_sum.hpp"
#include "rhoflux/parallel/gradient_buckets.hpp"

namespace rhoflux::parallel {

/// Sums gradients over lanes and ranks. As the listener of the adjoint passes it learns in one step how often
/// each part of the gradient is added to, and in the following steps sends a part as soon as that is done. Threads
/// may fill the lanes at once, except in the step in which it learns; the thread that calls `watch` sends.
template <class Scalar>
class GradientReduction final : public GradientListener {
 public:
  /// Allocates the buffers. @param size length of a gradient
  GradientReduction(const mpi::Communicator& comm, const BatchPartition& partition, int size);
  GradientReduction(const GradientReduction&) = delete;
  GradientReduction& operator=(const GradientReduction&) = delete;

  /// Gradient of local lane `lane` (counted from 0 on this rank), to be zeroed and filled by the caller.
  const Vector<Scalar>& lane(int lane) const { return m_lanes[static_cast<std::size_t>(lane)]; }
  /// True where nothing is to be summed: one lane on one rank, whose bits no other sum need have.
  bool is_trivial() const { return m_comm.size() == 1 && m_lanes.size() == 1 && !m_partition.reproducible(); }
  int n_local_lanes() const { return static_cast<int>(m_lanes.size()); }

  /// Before the lanes are filled: the sum may begin meanwhile. Without this call, `sum` does everything.
  /// @param kind tells apart steps in which the gradient is filled in different ways; equal on all ranks
  void watch(const std::vector<bool>& kind);
  /// True from `watch` to `sum` of a step in which the order of the adjoint passes is learnt: the lanes are to be
  /// filled by one thread, one after the other.
  bool is_learning() const { return m_state == State::learning; }
  /// Throws std::logic_error for entries whose sum has begun.
  void on_gradient_added(Range entries) override;
  /// Buckets whose sum has begun before `sum` was called.
  int n_begun() const { return m_sum.n_started(); }

  /// Leaves the sum over all lanes of all ranks in lane(0) of every rank, and adds up `values` (n_values for
  /// each local lane, lane by lane) the same way. @return (n_values) the sums
  std::vector<double> sum(const std::vector<double>& values, int n_values);

 private:
  enum class State { idle, learning, watching };
  void set_buckets();
  bool is_same_everywhere(const std::vector<GradientUse::Part>& parts) const;

  const mpi::Communicator& m_comm;
  BatchPartition m_partition;
  std::vector<Vector<Scalar>> m_lanes;
  BucketSum<Scalar> m_sum;
  int m_size;
  State m_state = State::idle;
  std::mutex m_mutex;           ///< of the counts below, in the steps that are watched
  std::thread::id m_messenger;  ///< the thread that sends
  std::vector<bool> m_kind;     ///< of the steps that m_use is about
  bool m_has_learnt = false;
  GradientUse m_use;
  std::vector<int> m_bucket_of;                 ///< by part
  std::vector<int> m_times_left, m_parts_left;  ///< of this step: by part, by bucket
};

extern template class GradientReduction<float>;
extern template class GradientReduction<double>;

}  // namespace rhoflux::parallel
