#include "validation.hpp"

#include "rhoflux/device/reductions.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::training {
namespace {

/// sum_s -w_s log rho_s; nvcc wants kernels in functions that all may call.
template <class Scalar>
double sum_of_negatives(const ExecutionSpace& space, const ConstVector<Scalar>& log_rho,
                        const ConstVector<Scalar>& weight, int n) {
  const ConstVector<Scalar> values = log_rho, factors = weight;
  double sum = 0;
  sum_over(
      space, "validation nll", n,
      KOKKOS_LAMBDA(int s, double& total) {
        total -= static_cast<double>(factors(s)) * static_cast<double>(values(s));
      },
      sum);
  return sum;
}

}  // namespace

template <class Scalar>
Validation<Scalar>::Validation(const data::Sources& sources, const checkpoint::ModelDescription& model,
                               const mpi::Communicator& comm, Workers<Scalar>& workers, int chunk)
    : m_comm(comm), m_workers(workers), m_chunk(chunk) {
  for (int k = 0; k < workers.size(); ++k) m_log_rho.push_back(make_vector<Scalar>("log density", chunk));
  if (!sources.data) return;
  const std::int64_t n_rows = sources.count(io::Split::val);
  m_count = data::count_rows(*sources.data, io::Split::val, comm);
  m_share = mpi::Blocks{n_rows, chunk}.share_of_rank(comm.rank(), comm.size());
  m_rows = data::read_shard<Scalar>(*sources.data, io::Split::val, m_share, model.units, model.conditions,
                                    m_count.rows > 0 ? m_count.weight / static_cast<double>(n_rows) : 1.0);
}

/// Of rows [begin, end), which are at most a chunk.
template <class Scalar>
double Validation<Scalar>::weighted_sum(int worker, const Vector<Scalar>& parameters, std::int64_t begin,
                                        std::int64_t end) const {
  const ExecutionSpace& space = m_workers.space(worker);
  const auto part = Kokkos::make_pair(begin - m_share.begin, end - m_share.begin);
  const density::Points<Scalar> rows = {borrowed(m_rows.tau), borrowed(m_rows.x),
                                        borrowed(m_rows.conditions)};
  const density::Points<Scalar> points =
      rows.part(static_cast<int>(part.first), static_cast<int>(part.second));
  const Vector<Scalar> log_rho = m_log_rho[static_cast<std::size_t>(worker)];
  m_workers.dynamics(worker).density().log_density(space, parameters, points, log_rho);
  return sum_of_negatives<Scalar>(space, log_rho, Kokkos::subview(borrowed(m_rows.weight), part),
                                  points.size());
}

template <class Scalar>
double Validation<Scalar>::nll(const Vector<Scalar>& parameters) const {
  const mpi::Blocks blocks = {m_rows.total, m_chunk};
  const std::int64_t n_mine = mpi::Blocks{m_share.size(), m_chunk}.n_blocks(),
                     first = m_share.begin / m_chunk;
  std::vector<double> mine(static_cast<std::size_t>(n_mine));
  const Vector<Scalar> shared = borrowed(parameters);
  m_workers.run([&](int worker) {
    const mpi::Share part = mpi::share_of(n_mine, worker, m_workers.size());
    for (std::int64_t k = part.begin; k < part.end; ++k) {
      const mpi::Share rows = blocks.items(first + k);
      mine[static_cast<std::size_t>(k)] = weighted_sum(worker, shared, rows.begin, rows.end);
    }
  });
  double total = 0;
  for (const double sum : m_comm.all_gather(mine)) total += sum;
  return total / static_cast<double>(m_rows.total);  // the weights in m_rows have mean 1
}

template class Validation<float>;
template class Validation<double>;

}  // namespace rhoflux::training
