#include "validation.hpp"

#include <numeric>

#include "rhoflux/mpi/blocks.hpp"

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
  m_share = mpi::Blocks{n_rows, chunk}.share_of_rank(comm.rank(), comm.size());
  m_rows = data::read_shard<Scalar>(*sources.data, io::Split::val, m_share, units, 1.0);
}

template <class Scalar>
double Validation<Scalar>::nll(const ExecutionSpace& space, density::Density<Scalar>& density,
                               const Vector<Scalar>& parameters) const {
  const auto sum_of = [&](std::int64_t begin, std::int64_t end) -> std::vector<double> {
    if (begin == end) return {};
    const auto part = Kokkos::make_pair(begin - m_share.begin, end - m_share.begin);
    const density::Points<Scalar> points = {Kokkos::subview(m_rows.tau, part),
                                            Kokkos::subview(m_rows.x, Kokkos::ALL, part)};
    density.log_density(space, parameters, points, m_log_rho);
    return {negative_sum(space, m_log_rho, points.size())};
  };
  const std::vector<double> sums = mpi::over_blocks(m_comm, {m_rows.total, m_chunk}, sum_of);
  return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(m_rows.total);
}

template class Validation<float>;
template class Validation<double>;

}  // namespace rhoflux::training
