#include "rhoflux/core/math.hpp"
#include "rhoflux/objectives/running_term.hpp"

namespace rhoflux::objectives {

template <class Scalar>
double Congestion<Scalar>::add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
                               const DrawsBar<Scalar>& bar) const {
  const Vector<Scalar> log_rho = draws.log_rho, log_rho_bar = bar.log_rho;
  const auto scale = static_cast<Scalar>(weight);
  double sum = 0;
  Kokkos::parallel_reduce(
      "congestion", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total) {
        const Scalar rho = math::exp(log_rho(s));
        total += static_cast<double>(rho);
        log_rho_bar(s) += scale * rho;
      },
      sum);
  return sum;
}

template class Congestion<float>;
template class Congestion<double>;

}  // namespace rhoflux::objectives
