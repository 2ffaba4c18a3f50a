#pragma once

#include "rhoflux/density/growing_conditional.hpp"
#include "rhoflux/density/mixture_network.hpp"
#include "rhoflux/density/share_pull.hpp"
#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"
#include "rhoflux/flux/flux.hpp"
#include "score_direction.hpp"

namespace rhoflux::flux {

/// The growth share beta of each conditional: a number, or sigmoid(8 y) of an output y of the network of the mixtures. The
/// factor brings beta within rounding of 0 and 1 for outputs that a training reaches: between two clouds that are far apart
/// any beta below 1 is mass that travels.
template <class Scalar>
struct ShareOf {
  static constexpr Scalar steepness = 8;
  Scalar value = 1;

  /// @param mixtures outputs of the network @param head its mixture
  RHOFLUX_FUNCTION Scalar at(const density::MixtureView<Scalar>& mixtures, int head, int s) const {
    return mixtures.has_share() ? math::sigmoid(steepness * mixtures.share_logit(head, s)) : value;
  }
  /// d beta / dy.
  RHOFLUX_FUNCTION static Scalar slope(Scalar beta) { return steepness * beta * (Scalar(1) - beta); }
};

/// Of four samples one gets a second point for the pull on its growth share, and with it the parts of the other three.
template <class Scalar>
RHOFLUX_FUNCTION Scalar weight_of_spread_point(int s) {
  return s % 4 == 0 ? Scalar(4) : Scalar(0);
}

/// Coordinate i of a triangular flux with growth: draws it where there are uniforms, then v_i, and log rho and G of the
/// first i (model.md (10.4), (10.5)).
template <class Scalar>
void growing_velocity(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures,
                      const ShareOf<Scalar>& share, int i, const density::Points<Scalar>& points,
                      const ConstMatrix<double>& uniforms, const FluxViews<Scalar>& views) {
  const int n = points.size();
  const Matrix<Scalar> x = points.x, v = views.velocity;
  const Vector<Scalar> log_density = views.log_rho, growth = views.growth;
  const ConstMatrix<double> uniform = uniforms;
  const ShareOf<Scalar> beta = share;
  const bool draws = uniforms.extent(0) > 0;
  for_each_group(
      space, "growing velocity", n, mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        const density::Mixture<Scalar> mixture = mixtures.at(i, s, lane);
        const Scalar x_i = draws ? density::draw(mixture, uniform(2 * i, s), uniform(2 * i + 1, s)) : x(i, s);
        const Scalar beta_i = beta.at(mixtures, i, s);
        const density::GrowingConditional<Scalar> f =
            density::growing_conditional(mixture, mixtures.at(i, n + s, lane), x_i, beta_i);
        if (!lane.is_first()) return;
        if (draws) x(i, s) = x_i;
        v(i, s) = f.velocity.plain();
        log_density(s) = (i == 0 ? Scalar(0) : log_density(s)) + f.log_f;
        growth(s) = (i == 0 ? Scalar(0) : growth(s)) + beta_i * f.gain;
      });
}

/// Adjoint of growing_velocity of coordinate i and, with a direction, of that of the score.
/// @param x_dot_bar (n_dims, 2 n): row i is the adjoint of v_i
template <class Scalar>
void growing_velocity_adjoint(const ExecutionSpace& space, density::MixtureNetwork<Scalar>& network,
                              const ShareOf<Scalar>& share, int i, const density::Points<Scalar>& points,
                              const FluxBar<Scalar>& bar, const ConstMatrix<Scalar>& x_dot_bar,
                              const Matrix<Scalar>& x_bar) {
  const int n = points.size();
  const bool has_direction = bar.direction.extent(0) > 0, has_growth = bar.growth.extent(0) > 0;
  const density::StateOf state =
      bar.states == StateKind::sampled ? density::StateOf::sample : density::StateOf::point;
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  const Matrix<Scalar> x = points.x, direction = bar.direction, to_x = x_bar;
  const ConstMatrix<Scalar> velocity_bar = x_dot_bar;
  const Vector<Scalar> log_rho_bar = bar.log_rho, growth_bar = bar.growth;
  const ShareOf<Scalar> beta = share;
  const Matrix<Scalar> energy = bar.share_energy;
  const bool has_energy = energy.extent(0) > 0 && mixtures.has_share();
  for_each_group(
      space, "growing velocity adjoint", n, mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        const density::Mixture<Scalar> mixture = mixtures.at(i, s, lane), to = out_bar.at(i, s, lane);
        const density::Mixture<Scalar> to_dot = out_bar.at(i, n + s, lane);
        Scalar to_x_i = to_x(i, s);
        density::set_zero(to);
        density::set_zero(to_dot);
        if (has_direction)
          add_score_direction_adjoint(mixtures, out_bar, {i, s, n, lane}, x(i, s), direction(i, s), to_x_i);
        const Scalar beta_i = beta.at(mixtures, i, s);
        const density::GrowingConditionalBar<Scalar> weight = {
            log_rho_bar(s), {velocity_bar(i, s), Scalar(0)}, has_growth ? growth_bar(s) : Scalar(0)};
        const density::Mixture<Scalar> dot = mixtures.at(i, n + s, lane);
        const density::GrowthShareBar<Scalar> of_share = density::growing_conditional_adjoint(
            mixture, dot, x(i, s), beta_i, weight, state, to, to_dot, to_x_i);
        Scalar beta_bar = of_share.beta;
        if (has_energy)
          beta_bar += energy(i, s) * density::missed_share_pull(mixture, dot, x(i, s), beta_i, of_share,
                                                                weight_of_spread_point<Scalar>(s));
        lane.wait();
        if (!lane.is_first()) return;
        to_x(i, s) = to_x_i;
        if (!mixtures.has_share()) return;
        out_bar.share_logit(i, s) = beta_bar * ShareOf<Scalar>::slope(beta_i);
        out_bar.share_logit(i, n + s) = 0;  // beta moves nothing by its own rate
        if (has_direction) out_bar.share_logit(i, 2 * n + s) = 0;
      });
}

}  // namespace rhoflux::flux
