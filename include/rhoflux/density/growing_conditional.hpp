#pragma once

#include "rhoflux/density/logistic_motion.hpp"

namespace rhoflux::density {

/// A conditional whose parameters move, a share beta of what its weights do counting as growth (model.md section 10).
/// With r_l, w_l, a_l and q_l of detail::ConditionalRates,
///   velocity  v = -( (1 - beta) A + sum_l w_l q_l ),   A = sum_l r_l a_l,
///   gain      B = sum_l w_l a_l,
/// and the conditional contributes beta B to the growth rate. E_f[B] = sum_l alpha_l a_l = 0.
template <class Scalar>
struct GrowingConditional {
  Scalar log_f;             ///< log f(x)
  InUnit<Scalar> velocity;  ///< v
  Scalar gain;              ///< B
};

namespace detail {

/// A and B, and the velocity that goes with them: m.a stays as it is, m.f_dot_ratio is -v unless r has a unit.
template <class Scalar>
struct WeightChange {
  Scalar shift;  ///< A, in the unit of r
  Scalar gain;   ///< B
};

/// @param kept 1 - beta
template <class Scalar>
RHOFLUX_FUNCTION WeightChange<Scalar> move_growing(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                                   Scalar x, Scalar kept, ConditionalRates<Scalar>& m) {
  move(mixture, dot, x, m);
  Scalar shift = 0, gain = 0, carried = 0;
  RHOFLUX_SIMD_SUM(shift, gain, carried)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    shift += m.r[l] * m.a[l];
    gain += m.w[l] * m.a[l];
    carried += m.w[l] * m.q[l];
  }
  shift = mixture.lane.sum(shift);
  m.f_dot_ratio = kept * shift + mixture.lane.sum(carried);
  return {shift, mixture.lane.sum(gain)};
}

}  // namespace detail

/// @param share beta in [0, 1]
template <class Scalar>
RHOFLUX_FUNCTION GrowingConditional<Scalar> growing_conditional(const Mixture<Scalar>& mixture,
                                                                const Mixture<Scalar>& dot, Scalar x,
                                                                Scalar share) {
  const Scalar kept = Scalar(1) - share;
  detail::ConditionalRates<Scalar> m;
  detail::place(mixture, x, m);
  const detail::WeightChange<Scalar> change = detail::move_growing(mixture, dot, x, kept, m);
  return {m.log_f, detail::velocity_of(mixture, dot, x, m, kept), change.gain};
}

/// Adjoints that growing_conditional_adjoint starts from.
template <class Scalar>
struct GrowingConditionalBar {
  Scalar log_f;
  VelocityBar<Scalar> velocity;  ///< with log_weight = 0 unless the velocity is in a unit
  Scalar gain;                   ///< of beta B, what the growth rate gets
};

namespace detail {

/// 2 v A of -v and A, where it exceeds the range of numbers nearly its end.
template <class Scalar>
RHOFLUX_FUNCTION Scalar doubled_product(Scalar minus_v, Scalar shift) {
  constexpr Scalar most = sizeof(Scalar) == sizeof(float) ? Scalar(1e18) : Scalar(1e150);
  const auto bounded = [](Scalar value) { return value > most ? most : value < -most ? -most : value; };
  return Scalar(-2) * bounded(minus_v) * bounded(shift);
}

}  // namespace detail

/// 2 v A at x, what growing_conditional_adjoint gives for the velocity adjoint 2 v.
template <class Scalar>
RHOFLUX_FUNCTION Scalar share_pull_of_sample(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                             Scalar x, Scalar share) {
  detail::ConditionalRates<Scalar> m;
  detail::place(mixture, x, m);
  if (m.log_unit != Scalar(0)) detail::saturate(mixture, Scalar(0), m);
  const detail::WeightChange<Scalar> change = detail::move_growing(mixture, dot, x, Scalar(1) - share, m);
  return detail::doubled_product(m.f_dot_ratio, change.shift);
}

/// What growing_conditional_adjoint gives for the share.
template <class Scalar>
struct GrowthShareBar {
  Scalar beta;   ///< adjoint of beta
  Scalar log_f;  ///< log f(x)
  bool is_far;   ///< far out or in a gap: no pull is given
  Scalar pull;   ///< 2 v A at x, that adjoint for the velocity adjoint 2 v; 0 where is_far
};

/// What the caller holds fixed while the parameters change.
enum class StateOf {
  point,  ///< x
  sample  ///< F(x): dx = -dF / f by the parameters, and what x_bar holds at the end goes on to them
};

/// Adjoint of growing_conditional: adds to bar, dot_bar and x_bar.
/// With kappa = 1 - beta, V = kappa A + sum_l w_l q_l and c_l as in quantile_velocity_adjoint with kappa a_l in place of
/// a_l, the velocity is that of a mixture whose weights move kappa times as fast; and
///   dB/dlogit_l = w_l (a_l - B) - alpha_l a_l     dB/dlogit_dot_l = w_l - alpha_l     dB/dz_l = -w_l T_l (a_l - B)
///   dv/dbeta = A                                  d(beta B)/dbeta = B
template <class Scalar>
RHOFLUX_FUNCTION GrowthShareBar<Scalar> growing_conditional_adjoint(
    const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot, Scalar x, Scalar share,
    const GrowingConditionalBar<Scalar>& weight, StateOf state, const Mixture<Scalar>& bar,
    const Mixture<Scalar>& dot_bar, Scalar& x_bar) {
  const Scalar kept = Scalar(1) - share, gain_bar = share * weight.gain;
  detail::ConditionalRates<Scalar> m;
  detail::place(mixture, x, m);
  // A weight e^log_weight of the velocity goes into b, or where r has a unit into r and into all else.
  Scalar other = math::exp(weight.velocity.log_weight), b = -(other * weight.velocity.value);
  if (m.log_unit == Scalar(0)) {
    other = 1;
  } else {
    detail::saturate(mixture, weight.velocity.log_weight, m);
    b = -weight.velocity.value;
  }
  const detail::WeightChange<Scalar> change = detail::move_growing(mixture, dot, x, kept, m);
  const Scalar own_pull = m.is_far ? Scalar(0) : detail::doubled_product(m.f_dot_ratio, change.shift);
  Scalar v = m.f_dot_ratio;
  if (other != Scalar(1)) {
    Scalar carried = 0;
    RHOFLUX_FOR_LOGISTICS(l, mixture) carried += other * m.w[l] * m.q[l];
    v = kept * change.shift + mixture.lane.sum(carried);
  }
  Scalar slope = 0;
  RHOFLUX_SIMD_SUM(slope)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar tanh_half = m.share.tanh_half[l], scale = m.share.scale[l], w = m.w[l];
    const Scalar carried = other * w, a = kept * m.a[l], second = carried * m.q[l];
    const Scalar distance = x - mixture.location[l], excess = w * (m.a[l] - change.gain);
    const Scalar z_bar = -tanh_half * (weight.log_f * w + gain_bar * excess);
    const Scalar c = carried * a + scale * (v * w - second) * tanh_half;
    const Scalar pull = c + carried * dot.log_scale[l];
    bar.logit[l] += weight.log_f * (w - m.alpha[l]) + gain_bar * (excess - m.alpha[l] * m.a[l]) +
                    b * (m.r[l] * a + second - v * w - m.sum_r * m.alpha[l] * a);
    bar.location[l] -= scale * z_bar + b * pull;
    bar.log_scale[l] +=
        weight.log_f * w + gain_bar * excess + z_bar * m.share.z[l] + b * (second - v * w + c * distance);
    dot_bar.logit[l] += gain_bar * (w - m.alpha[l]) + b * kept * (m.r[l] - m.alpha[l] * m.sum_r);
    dot_bar.location[l] -= b * carried;
    dot_bar.log_scale[l] += b * carried * distance;
    slope += scale * z_bar + b * pull;
  }
  x_bar += mixture.lane.sum(slope);
  if (state == StateOf::sample) {
    const Scalar ratio_bar = -x_bar;
    RHOFLUX_SIMD
    RHOFLUX_FOR_LOGISTICS(l, mixture) {
      bar.logit[l] += ratio_bar * (m.r[l] - m.alpha[l] * m.sum_r);
      bar.location[l] -= ratio_bar * m.w[l];
      bar.log_scale[l] += ratio_bar * m.w[l] * (x - mixture.location[l]);
    }
  }
  return {weight.gain * change.gain - b * change.shift, m.log_f, m.is_far, own_pull};
}

}  // namespace rhoflux::density
