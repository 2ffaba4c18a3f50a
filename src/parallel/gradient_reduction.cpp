#include "rhoflux/parallel/gradient_reduction.hpp"

#include <stdexcept>

namespace rhoflux::parallel {
namespace {

/// Few, for each message has its latency; the last one, which nothing hides, is small.
constexpr int n_buckets = 4;

template <class Scalar>
std::vector<Vector<Scalar>> make_lanes(std::int64_t count, int size) {
  std::vector<Vector<Scalar>> lanes;
  for (std::int64_t lane = 0; lane < count; ++lane) lanes.push_back(make_vector<Scalar>("gradient", size));
  return lanes;
}

}  // namespace

template <class Scalar>
GradientReduction<Scalar>::GradientReduction(const mpi::Communicator& comm, const BatchPartition& partition,
                                             int size)
    : m_comm(comm),
      m_partition(partition),
      m_lanes(make_lanes<Scalar>(partition.local_lanes().size(), size)),
      m_sum(comm, m_partition, m_lanes, size),
      m_size(size),
      m_use(size) {}

template <class Scalar>
void GradientReduction<Scalar>::watch(const std::vector<bool>& kind) {
  if (m_comm.size() == 1) return;
  m_messenger = std::this_thread::get_id();
  if (!m_has_learnt || kind != m_kind) {
    m_kind = kind;
    m_has_learnt = false;
    m_use.clear();
    m_state = State::learning;
    return;
  }
  m_state = State::watching;
  for (std::size_t k = 0; k < m_use.parts().size(); ++k) m_times_left[k] = m_use.parts()[k].times;
  for (std::size_t k = 0; k < m_sum.buckets().size(); ++k) m_parts_left[k] = m_sum.buckets()[k].n_parts;
}

template <class Scalar>
void GradientReduction<Scalar>::on_gradient_added(Range entries) {
  if (m_state == State::idle) return;
  if (m_state == State::learning) return m_use.add(entries);
  const std::lock_guard<std::mutex> lock(m_mutex);
  const int part = m_use.part_at(entries.begin);
  if (part < 0 || m_times_left[static_cast<std::size_t>(part)] == 0)
    throw std::logic_error("a gradient is added to after its sum has begun");
  if (--m_times_left[static_cast<std::size_t>(part)] == 0)
    --m_parts_left[static_cast<std::size_t>(m_bucket_of[static_cast<std::size_t>(part)])];
  if (std::this_thread::get_id() != m_messenger) return;
  // The last bucket waits for `sum`: it has what no adjoint pass speaks of.
  const auto last = static_cast<int>(m_parts_left.size()) - 1;
  while (m_sum.n_started() < last && m_parts_left[static_cast<std::size_t>(m_sum.n_started())] == 0)
    m_sum.start_next();
  m_sum.progress();
}

/// True on every rank if the parts, in their order, are the same on all.
template <class Scalar>
bool GradientReduction<Scalar>::is_same_everywhere(const std::vector<GradientUse::Part>& parts) const {
  std::vector<int> mine;
  for (const GradientUse::Part& part : parts) {
    mine.push_back(part.entries.begin);
    mine.push_back(part.entries.end);
  }
  std::vector<int> of_root = mine;
  m_comm.broadcast(of_root);
  return !m_comm.any(mine != of_root);
}

/// Buckets for the steps of the kind that has been learnt.
template <class Scalar>
void GradientReduction<Scalar>::set_buckets() {
  m_use.sort();
  const std::vector<GradientUse::Part>& parts = m_use.parts();
  const bool agreed = is_same_everywhere(parts);
  m_sum.set_buckets(make_buckets(agreed ? parts : std::vector<GradientUse::Part>(), m_size, n_buckets));
  m_bucket_of.clear();
  if (agreed)
    for (std::size_t k = 0; k < m_sum.buckets().size(); ++k)
      m_bucket_of.insert(m_bucket_of.end(), static_cast<std::size_t>(m_sum.buckets()[k].n_parts),
                         static_cast<int>(k));
  m_bucket_of.resize(parts.size(), 0);
  m_times_left.assign(parts.size(), 0);
  m_parts_left.assign(m_sum.buckets().size(), 0);
  m_has_learnt = true;
}

template <class Scalar>
std::vector<double> GradientReduction<Scalar>::sum(const std::vector<double>& values, int n_values) {
  if (m_state == State::learning) set_buckets();
  m_state = State::idle;
  const auto count = static_cast<std::size_t>(n_values);
  if (!is_trivial()) m_sum.finish();
  if (m_partition.reproducible()) {
    const std::vector<double> all = m_comm.all_gather(values);
    std::vector<double> totals(count, 0.0);
    for (std::size_t k = 0; k < all.size(); ++k) totals[k % count] += all[k];
    return totals;
  }
  std::vector<double> totals(count, 0.0);
  for (std::size_t k = 0; k < values.size(); ++k) totals[k % count] += values[k];
  m_comm.sum(totals.data(), n_values);
  return totals;
}

template class GradientReduction<float>;
template class GradientReduction<double>;

}  // namespace rhoflux::parallel
