#pragma once

#include "rhoflux/density/autoregressive.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::flux {

/// Score (n_dims, n) of an autoregressive density whose network has just been evaluated, tangents or not: one
/// adjoint pass of the values.
template <class Scalar>
void score_of_conditionals(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                           const density::Points<Scalar>& points, density::Autoregressive<Scalar>& density,
                           const Matrix<Scalar>& score) {
  density::MixtureNetwork<Scalar>& network = density.network();
  const int n_leading = density.n_leading();
  const density::MixtureView<Scalar> mixtures = network.mixtures(), bar = network.mixtures_bar();
  const Matrix<Scalar> x = points.x;
  for_each(
      space, "log conditionals adjoint", points.size() * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        density::log_density_adjoint(mixtures.at(i, s), x(i, s), Scalar(1), bar.at(i, s), score(i, s));
      });
  for (int i = n_leading - 1; i > 0; --i) {  // stage 0 sees time alone
    network.adjoint_stage(space, parameters, Vector<Scalar>(), i, {true, false});
    network.coordinate_adjoint(space, i, score.data() + i - 1, nullptr, density.n_dims());
  }
}

}  // namespace rhoflux::flux
