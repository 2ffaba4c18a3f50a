#include "validation.hpp"

#include <algorithm>

namespace rhoflux::training {
namespace {

template <class Scalar>
double negative_sum(const ExecutionSpace& space, const Vector<Scalar>& log_rho, int n) {
  double sum = 0;
  Kokkos::parallel_reduce(
      "validation nll", Kokkos::RangePolicy<ExecutionSpace>(space, 0, n),
      KOKKOS_LAMBDA(int s, double& total) { total -= static_cast<double>(log_rho(s)); }, sum);
  return sum;
}

}  // namespace

template <class Scalar>
Validation<Scalar>::Validation(const data::Sources& sources, const Units& units,
                               const mpi::Communicator& comm, int chunk)
    : m_comm(comm), m_chunk(chunk), m_log_rho(make_vector<Scalar>("log density", chunk)) {
  if (!sources.data) return;
  const std::int64_t n_rows = sources.count(io::Split::val);
  const std::int64_t n_blocks = (n_rows + chunk - 1) / chunk;
  const mpi::Share blocks = mpi::share_of(n_blocks, comm.rank(), comm.size());
  const mpi::Share rows = {std::min(blocks.begin * chunk, n_rows), std::min(blocks.end * chunk, n_rows)};
  m_rows = data::read_shard<Scalar>(*sources.data, io::Split::val, rows, units, 1.0);
}

template <class Scalar>
double Validation<Scalar>::nll(const ExecutionSpace& space, density::Density<Scalar>& density,
                               const Vector<Scalar>& parameters) const {
  std::vector<double> block_sums;
  const int n = m_rows.size();
  for (int first = 0; first < n; first += m_chunk) {
    const auto part = Kokkos::make_pair(first, std::min(first + m_chunk, n));
    const density::Points<Scalar> points = {Kokkos::subview(m_rows.tau, part),
                                            Kokkos::subview(m_rows.x, Kokkos::ALL, part)};
    density.log_density(space, parameters, points, m_log_rho);
    block_sums.push_back(negative_sum(space, m_log_rho, points.size()));
  }
  double total = 0;
  for (const double sum : m_comm.all_gather(block_sums)) total += sum;
  return total / static_cast<double>(m_rows.total);
}

template class Validation<float>;
template class Validation<double>;

}  // namespace rhoflux::training
