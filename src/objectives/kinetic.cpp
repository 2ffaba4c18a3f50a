#include "rhoflux/objectives/running_term.hpp"

namespace rhoflux::objectives {
namespace {

/// h = factor |u|^2.
template <class Scalar>
double add_squares(const ExecutionSpace& space, const Draws<Scalar>& draws, double factor, double weight,
                   const DrawsBar<Scalar>& bar) {
  const Matrix<Scalar> u = draws.drift, u_bar = bar.drift;
  const int n_dims = static_cast<int>(u.extent(0));
  const auto slope = static_cast<Scalar>(2 * factor * weight);
  double sum = 0;
  Kokkos::parallel_reduce(
      "kinetic energy", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total) {
        for (int i = 0; i < n_dims; ++i) {
          total += static_cast<double>(u(i, s)) * static_cast<double>(u(i, s));
          u_bar(i, s) += slope * u(i, s);
        }
      },
      sum);
  return factor * sum;
}

}  // namespace

template <class Scalar>
double Kinetic<Scalar>::add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
                            const DrawsBar<Scalar>& bar) const {
  return add_squares(space, draws, 1.0, weight, bar);
}

template <class Scalar>
double Control<Scalar>::add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
                            const DrawsBar<Scalar>& bar) const {
  return add_squares(space, draws, 0.5 / (m_sigma * m_sigma), weight, bar);
}

template class Kinetic<float>;
template class Kinetic<double>;
template class Control<float>;
template class Control<double>;

}  // namespace rhoflux::objectives
