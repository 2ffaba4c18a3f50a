#pragma once

#include "rhoflux/density/conditional_rates.hpp"

namespace rhoflux::density {

/// Derivatives of one conditional whose parameters move: the velocity of its quantiles, and the adjoints that
/// the objectives of density and drift need. `dot` are the rates of the parameters. The adjoints add to
/// `bar`, `dot_bar` and `x_bar`; pointers are valid for all L logistics.

/// -F_dot / f: the velocity of the point of fixed F, its parameters moving at the rates `dot`.
/// @return the velocity; log_f receives log f(x)
template <class Scalar>
RHOFLUX_FUNCTION InUnit<Scalar> quantile_velocity_in_unit(const Mixture<Scalar>& mixture,
                                                          const Mixture<Scalar>& dot, Scalar x,
                                                          Scalar& log_f) {
  detail::ConditionalRates<Scalar> m;
  detail::place(mixture, x, m);
  detail::move(mixture, dot, x, m);
  log_f = m.log_f;
  return detail::velocity_of(mixture, dot, x, m);
}

/// The same as one number, infinite where it exceeds the range.
template <class Scalar>
RHOFLUX_FUNCTION Scalar quantile_velocity(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                          Scalar x, Scalar& log_f) {
  return quantile_velocity_in_unit(mixture, dot, x, log_f).plain();
}

/// Adjoint e^log_weight value of a velocity, whose product with the velocity may be in range where the velocity is not.
template <class Scalar>
struct VelocityBar {
  Scalar value, log_weight;
};

/// Adjoint of quantile_velocity: adds velocity_bar d velocity / d(parameters, rates, x). With V = F_dot / f,
/// A_l = r_l a_l, W_l = w_l q_l, T_l = tanh(z_l / 2) and e_l = d log|r_l| / dz_l,
///   dV/dlogit_l = A_l + W_l - V w_l - R alpha_l a_l          dV/dlogit_dot_l = r_l - alpha_l R
///   s_l dV/dz_l at fixed x - mu = c_l = w_l a_l + s_l (V w_l - W_l) T_l        (A_l e_l = w_l a_l / s_l)
///   dV/dlog_s_l = W_l - V w_l + c_l (x - mu_l)               dV/dlog_s_dot_l = w_l (x - mu_l)
///   dV/dmu_l = -c_l - w_l log_s_dot_l                        dV/dmu_dot_l = -w_l
///   dV/dx = sum_l c_l + w_l log_s_dot_l
template <class Scalar>
RHOFLUX_FUNCTION void quantile_velocity_adjoint(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                                Scalar x, VelocityBar<Scalar> velocity_bar,
                                                const Mixture<Scalar>& bar, const Mixture<Scalar>& dot_bar,
                                                Scalar& x_bar) {
  detail::ConditionalRates<Scalar> m;
  detail::place(mixture, x, m);
  Scalar weight = math::exp(velocity_bar.log_weight), b = -(weight * velocity_bar.value);
  if (m.log_unit == Scalar(0)) {
    weight = 1;
  } else {  // the weight goes into r, and into all else
    detail::saturate(mixture, velocity_bar.log_weight, m);
    b = -velocity_bar.value;
  }
  detail::move(mixture, dot, x, m);
  if (weight != Scalar(1)) {
    Scalar ratio = 0;
    RHOFLUX_FOR_LOGISTICS(l, mixture) ratio += m.r[l] * m.a[l] + weight * m.w[l] * m.q[l];
    m.f_dot_ratio = mixture.lane.sum(ratio);
  }
  const Scalar v = m.f_dot_ratio;
  Scalar slope = 0;
  RHOFLUX_SIMD_SUM(slope)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar w = weight * m.w[l], distance = x - mixture.location[l];
    const Scalar first = m.r[l] * m.a[l], second = w * m.q[l];
    const Scalar c = w * m.a[l] + m.share.scale[l] * (v * m.w[l] - second) * m.share.tanh_half[l];
    const Scalar pull = c + w * dot.log_scale[l];
    bar.logit[l] += b * (first + second - v * m.w[l] - m.sum_r * m.alpha[l] * m.a[l]);
    bar.location[l] -= b * pull;
    bar.log_scale[l] += b * (second - v * m.w[l] + c * distance);
    dot_bar.logit[l] += b * (m.r[l] - m.alpha[l] * m.sum_r);
    dot_bar.location[l] -= b * w;
    dot_bar.log_scale[l] += b * w * distance;
    slope += pull;
  }
  x_bar += b * mixture.lane.sum(slope);
}

/// Adds ratio_bar dF/f, the adjoint of F divided by f: by parameters r_l - alpha_l R, w_l (x - mu_l), -w_l;
/// by x one. (F enters the flux over f only, so this is what stays finite in the tails.)
template <class Scalar>
RHOFLUX_FUNCTION void cdf_ratio_adjoint(const Mixture<Scalar>& mixture, Scalar x, Scalar ratio_bar,
                                        const Mixture<Scalar>& bar, Scalar& x_bar) {
  detail::ConditionalRates<Scalar> m;
  detail::place(mixture, x, m);
  if (m.log_unit != Scalar(0)) detail::saturate(mixture, Scalar(0), m);
  RHOFLUX_SIMD
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    bar.logit[l] += ratio_bar * (m.r[l] - m.alpha[l] * m.sum_r);
    bar.location[l] -= ratio_bar * m.w[l];
    bar.log_scale[l] += ratio_bar * m.w[l] * (x - mixture.location[l]);
  }
  x_bar += ratio_bar;
}

/// Weights of log f and of its tangent in an adjoint.
template <class Scalar>
struct LogDensityBar {
  Scalar value, dot;
};

/// Derivative of log f by x: -sum_l w_l s_l tanh(z_l / 2).
template <class Scalar>
RHOFLUX_FUNCTION Scalar log_density_slope(const Mixture<Scalar>& mixture, Scalar x) {
  detail::Shares<Scalar> share;
  detail::shares(mixture, x, share);
  const detail::LogTotal<Scalar> total = detail::log_total_over(mixture, share.log_share);
  Scalar slope = 0;
  RHOFLUX_SIMD_SUM(slope)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar w = math::exp(total.log_share(share.log_share[l]));
    slope -= w * detail::where_shared(w, share.scale[l]) * share.tanh_half[l];
  }
  return mixture.lane.sum(slope);
}

/// Adds weight.value d log f + weight.dot d(x_dot d log f / dx) by the parameters and x: the tangent along x
/// of a mixture that does not move (the first terms of log_density_tangent_adjoint).
template <class Scalar>
RHOFLUX_FUNCTION void log_density_slope_adjoint(const Mixture<Scalar>& mixture, Scalar x, Scalar x_dot,
                                                LogDensityBar<Scalar> weight, const Mixture<Scalar>& bar,
                                                Scalar& x_bar) {
  detail::Shares<Scalar> share;
  detail::shares(mixture, x, share);
  const detail::LogTotal<Scalar> total = detail::log_total_over(mixture, share.log_share);
  const detail::LogTotal<Scalar> norm = detail::log_total_over(mixture, mixture.logit);
  PerLogistic<Scalar> w, growth;
  Scalar mean_growth = 0;
  RHOFLUX_SIMD_SUM(mean_growth)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    w[l] = math::exp(total.log_share(share.log_share[l]));
    share.scale[l] = detail::where_shared(w[l], share.scale[l]);
    share.z[l] = detail::where_shared(w[l], share.z[l]);
    growth[l] = -share.scale[l] * x_dot * share.tanh_half[l];
    mean_growth += w[l] * growth[l];
  }
  mean_growth = mixture.lane.sum(mean_growth);
  Scalar slope = 0;
  RHOFLUX_SIMD_SUM(slope)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar alpha = math::exp(norm.log_share(mixture.logit[l])), tanh_half = share.tanh_half[l];
    const Scalar scale = share.scale[l], h = w[l] * (growth[l] - mean_growth);
    const Scalar tanh_slope = Scalar(0.5) * (Scalar(1) - tanh_half * tanh_half);
    const Scalar z_bar =
        -weight.value * w[l] * tanh_half - weight.dot * (h * tanh_half + w[l] * scale * x_dot * tanh_slope);
    bar.logit[l] += weight.value * (w[l] - alpha) + weight.dot * h;
    bar.location[l] -= scale * z_bar;
    bar.log_scale[l] += weight.value * w[l] + weight.dot * (h + w[l] * growth[l]) + z_bar * share.z[l];
    slope += scale * z_bar;
  }
  x_bar += mixture.lane.sum(slope);
}

/// Adjoint of log_density_tangent: adds weight.value d log f + weight.dot d log_f_dot by parameters, their
/// rates, x and x_dot. With G_l = logit_dot_l + log_s_dot_l - z_dot_l T_l and H_l = w_l (G_l - sum_k w_k
/// G_k),
///   dlog_f_dot/dlogit_l = H_l - alpha_l a_l                     dlog_f_dot/dlogit_dot_l = w_l - alpha_l
///   dlog_f_dot/dz_l = -H_l T_l - w_l (z_dot_l T'_l + T_l log_s_dot_l)
template <class Scalar>
RHOFLUX_FUNCTION void log_density_tangent_adjoint(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                                  Scalar x, Scalar x_dot, LogDensityBar<Scalar> weight,
                                                  const Mixture<Scalar>& bar, const Mixture<Scalar>& dot_bar,
                                                  Scalar& x_bar, Scalar& x_dot_bar) {
  detail::Shares<Scalar> share;
  detail::shares(mixture, x, share);
  const detail::LogTotal<Scalar> total = detail::log_total_over(mixture, share.log_share);
  const detail::LogTotal<Scalar> norm = detail::log_total_over(mixture, mixture.logit);
  PerLogistic<Scalar> w, growth, z_dot;
  Scalar mean_growth = 0, mean_logit = 0;
  RHOFLUX_SIMD_SUM(mean_growth, mean_logit)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    w[l] = math::exp(total.log_share(share.log_share[l]));
    share.scale[l] = detail::where_shared(w[l], share.scale[l]);
    share.z[l] = detail::where_shared(w[l], share.z[l]);
    z_dot[l] = dot.log_scale[l] * share.z[l] + share.scale[l] * (x_dot - dot.location[l]);
    growth[l] = dot.logit[l] + dot.log_scale[l] - z_dot[l] * share.tanh_half[l];
    mean_growth += w[l] * growth[l];
    mean_logit += math::exp(norm.log_share(mixture.logit[l])) * dot.logit[l];
  }
  mean_growth = mixture.lane.sum(mean_growth);
  mean_logit = mixture.lane.sum(mean_logit);
  Scalar slope = 0, slope_dot = 0;
  RHOFLUX_SIMD_SUM(slope, slope_dot)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar alpha = math::exp(norm.log_share(mixture.logit[l])), tanh_half = share.tanh_half[l];
    const Scalar scale = share.scale[l], h = w[l] * (growth[l] - mean_growth);
    const Scalar tanh_slope = Scalar(0.5) * (Scalar(1) - tanh_half * tanh_half);
    const Scalar pull = w[l] * tanh_half * scale;
    const Scalar z_bar =
        -weight.value * w[l] * tanh_half -
        weight.dot * (h * tanh_half + w[l] * (z_dot[l] * tanh_slope + tanh_half * dot.log_scale[l]));
    bar.logit[l] += weight.value * (w[l] - alpha) + weight.dot * (h - alpha * (dot.logit[l] - mean_logit));
    bar.location[l] -= scale * z_bar;
    bar.log_scale[l] +=
        weight.value * w[l] + weight.dot * (h - pull * (x_dot - dot.location[l])) + z_bar * share.z[l];
    dot_bar.logit[l] += weight.dot * (w[l] - alpha);
    dot_bar.location[l] += weight.dot * pull;
    dot_bar.log_scale[l] += weight.dot * w[l] * (Scalar(1) - tanh_half * share.z[l]);
    slope += scale * z_bar;
    slope_dot -= weight.dot * pull;
  }
  x_bar += mixture.lane.sum(slope);
  x_dot_bar += mixture.lane.sum(slope_dot);
}

/// What a flux needs of one conditional whose parameters move, at a fixed x.
template <class Scalar>
struct MovingConditional {
  Scalar log_f;              ///< log f(x)
  Scalar log_f_dot;          ///< its rate
  Scalar quantile_velocity;  ///< -F_dot / f, divided by e^velocity_log_unit
  Scalar cdf_ratio;  ///< F / f left of the median, -(1 - F) / f right of it, divided by e^ratio_log_unit
  Scalar velocity_log_unit = 0, ratio_log_unit = 0;  ///< 0 unless the value may exceed the range of numbers
};

/// One pass over the logistics for all four. With the notation of detail::ConditionalRates,
///   log_f_dot = sum_l w_l (a_l + log_s_dot_l - s_l q_l T_l),  T_l = tanh(z_l / 2).
template <class Scalar>
RHOFLUX_FUNCTION MovingConditional<Scalar> moving_conditional(const Mixture<Scalar>& mixture,
                                                              const Mixture<Scalar>& dot, Scalar x) {
  detail::ConditionalRates<Scalar> m;
  detail::place(mixture, x, m);
  detail::move(mixture, dot, x, m);
  Scalar log_f_dot = 0;
  RHOFLUX_SIMD_SUM(log_f_dot)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    log_f_dot += m.w[l] * (m.a[l] + dot.log_scale[l] - m.share.scale[l] * m.q[l] * m.share.tanh_half[l]);
  }
  const InUnit<Scalar> velocity = detail::velocity_of(mixture, dot, x, m);
  return {m.log_f, mixture.lane.sum(log_f_dot), velocity.value, m.sum_r, velocity.log_unit, m.log_unit};
}

/// Adjoint of moving_conditional in one pass: adds weight.log_f d log_f + .. by parameters, their rates and x
/// (log_density_tangent_adjoint with x_dot = 0, quantile_velocity_adjoint and cdf_ratio_adjoint together).
/// @param is_drawn x is a draw, held at its quantile: dx = -dF / f by the parameters, and what x_bar holds at
/// the end goes on to them
template <class Scalar>
RHOFLUX_FUNCTION void moving_conditional_adjoint(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                                 Scalar x, const MovingConditional<Scalar>& weight,
                                                 bool is_drawn, const Mixture<Scalar>& bar,
                                                 const Mixture<Scalar>& dot_bar, Scalar& x_bar) {
  detail::ConditionalRates<Scalar> m;
  detail::place(mixture, x, m);
  if (m.log_unit != Scalar(0)) detail::saturate(mixture, Scalar(0), m);
  detail::move(mixture, dot, x, m);
  PerLogistic<Scalar> growth;
  Scalar mean_growth = 0;
  RHOFLUX_SIMD_SUM(mean_growth)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    growth[l] = m.a[l] + dot.log_scale[l] - m.share.scale[l] * m.q[l] * m.share.tanh_half[l];
    mean_growth += m.w[l] * growth[l];
  }
  mean_growth = mixture.lane.sum(mean_growth);
  const Scalar v = m.f_dot_ratio, b = -weight.quantile_velocity;
  Scalar slope = mixture.lane.is_first() ? weight.cdf_ratio : Scalar(0);
  RHOFLUX_SIMD_SUM(slope)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar tanh_half = m.share.tanh_half[l], scale = m.share.scale[l], w = m.w[l];
    const Scalar second = w * m.q[l], distance = x - mixture.location[l];
    const Scalar h = w * (growth[l] - mean_growth);
    const Scalar tanh_slope = Scalar(0.5) * (Scalar(1) - tanh_half * tanh_half);
    const Scalar z_bar =
        -weight.log_f * w * tanh_half -
        weight.log_f_dot * (h * tanh_half + w * (scale * m.q[l] * tanh_slope + tanh_half * dot.log_scale[l]));
    const Scalar c = w * m.a[l] + scale * (v * w - second) * tanh_half;
    const Scalar pull = c + w * dot.log_scale[l], stretch = w * tanh_half * scale;
    bar.logit[l] += weight.log_f * (w - m.alpha[l]) + weight.log_f_dot * (h - m.alpha[l] * m.a[l]) +
                    b * (m.r[l] * m.a[l] + second - v * w - m.sum_r * m.alpha[l] * m.a[l]);
    bar.location[l] -= scale * z_bar + b * pull;
    bar.log_scale[l] += weight.log_f * w + weight.log_f_dot * (h + stretch * dot.location[l]) +
                        z_bar * m.share.z[l] + b * (second - v * w + c * distance);
    dot_bar.logit[l] += weight.log_f_dot * (w - m.alpha[l]) + b * (m.r[l] - m.alpha[l] * m.sum_r);
    dot_bar.location[l] += weight.log_f_dot * stretch - b * w;
    dot_bar.log_scale[l] += weight.log_f_dot * w * (Scalar(1) - tanh_half * m.share.z[l]) + b * w * distance;
    slope += scale * z_bar + b * pull;
  }
  x_bar += mixture.lane.sum(slope);
  const Scalar ratio_bar = weight.cdf_ratio - (is_drawn ? x_bar : Scalar(0));
  RHOFLUX_SIMD
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    bar.logit[l] += ratio_bar * (m.r[l] - m.alpha[l] * m.sum_r);
    bar.location[l] -= ratio_bar * m.w[l];
    bar.log_scale[l] += ratio_bar * m.w[l] * (x - mixture.location[l]);
  }
}

}  // namespace rhoflux::density
