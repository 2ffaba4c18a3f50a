#pragma once

#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/density/mixture_network.hpp"

namespace rhoflux::flux {

/// One conditional of one sample of an evaluation.
struct ConditionalOfSample {
  int i;  ///< conditional
  int s;  ///< sample
  int n;  ///< samples of the evaluation
  Lane lane;
};

/// Adds the adjoint of direction_i d log f_i / dx_i, the part of <direction, score> of a conditional whose second
/// group of tangents runs along `direction`.
template <class Scalar>
RHOFLUX_FUNCTION void add_score_direction_adjoint(const density::MixtureView<Scalar>& mixtures,
                                                  const density::MixtureView<Scalar>& out_bar,
                                                  const ConditionalOfSample& at, Scalar x, Scalar direction,
                                                  Scalar& x_bar) {
  const int second = 2 * at.n + at.s;
  const density::Mixture<Scalar> to_second = out_bar.at(at.i, second, at.lane);
  Scalar unused = 0;
  density::set_zero(to_second);
  density::log_density_tangent_adjoint(mixtures.at(at.i, at.s, at.lane), mixtures.at(at.i, second, at.lane),
                                       x, direction, density::LogDensityBar<Scalar>{Scalar(0), Scalar(1)},
                                       out_bar.at(at.i, at.s, at.lane), to_second, x_bar, unused);
}

}  // namespace rhoflux::flux
