#pragma once

#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/density/mixture_network.hpp"

namespace rhoflux::flux {

/// Adds the adjoint of direction_i d log f_i / dx_i, the part of <direction, score> of conditional i of sample s,
/// whose second group of tangents runs along `direction`.
/// @param n samples of the evaluation
template <class Scalar>
RHOFLUX_FUNCTION void add_score_direction_adjoint(const density::MixtureView<Scalar>& mixtures,
                                                  const density::MixtureView<Scalar>& out_bar, int i, int s,
                                                  int n, Scalar x, Scalar direction, Scalar& x_bar) {
  const density::Mixture<Scalar> to_second = out_bar.at(i, 2 * n + s);
  Scalar unused = 0;
  density::set_zero(to_second);
  density::log_density_tangent_adjoint(mixtures.at(i, s), mixtures.at(i, 2 * n + s), x, direction,
                                       density::LogDensityBar<Scalar>{Scalar(0), Scalar(1)}, out_bar.at(i, s),
                                       to_second, x_bar, unused);
}

}  // namespace rhoflux::flux
