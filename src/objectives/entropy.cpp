#include "rhoflux/objectives/running_term.hpp"

namespace rhoflux::objectives {

template <class Scalar>
double Entropy<Scalar>::add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
                            const DrawsBar<Scalar>& bar) const {
  const Vector<Scalar> log_rho = draws.log_rho, log_rho_bar = bar.log_rho;
  const auto slope = static_cast<Scalar>(weight);
  double sum = 0;
  Kokkos::parallel_reduce(
      "entropy", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total) {
        total += static_cast<double>(log_rho(s));
        log_rho_bar(s) += slope;
      },
      sum);
  return sum;
}

template class Entropy<float>;
template class Entropy<double>;

}  // namespace rhoflux::objectives
