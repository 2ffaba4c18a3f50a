#pragma once

#include <limits>

#include "rhoflux/density/logistic_mixture.hpp"

namespace rhoflux::density {

/// What the velocity of the quantiles of one conditional is made of, also where it exceeds the range of numbers.

/// value e^log_unit; log_unit is 0 unless that may exceed the range of numbers.
template <class Scalar>
struct InUnit {
  Scalar value, log_unit;
  RHOFLUX_FUNCTION Scalar plain() const {
    return log_unit == Scalar(0) ? value : math::scaled_by_exp(value, log_unit);
  }
  /// Times e^log_weight.
  RHOFLUX_FUNCTION Scalar weighted(Scalar log_weight) const {
    return math::scaled_by_exp(value, log_weight + log_unit);
  }
};

namespace detail {

/// Larger F / f are kept in a unit, so that rates of up to 10^9 do not take the velocity out of the range of numbers.
template <class Scalar>
constexpr Scalar largest_ratio = Scalar(1e-9) * math::largest_exp<Scalar>;

/// Terms of the velocity of the quantiles. With s_l = e^{log_s_l}, z_l = s_l (x - mu_l):
///   F_dot / f = sum_l r_l a_l + w_l q_l
///   w_l = alpha_l s_l sigmoid'(z_l) / f           share of logistic l in the density
///   r_l = alpha_l sigmoid(z_l) / f                left of the median, -alpha_l sigmoid(-z_l) / f right of it
///   a_l = logit_dot_l - sum_k alpha_k logit_dot_k
///   q_l = z_dot_l / s_l = log_s_dot_l (x - mu_l) - mu_dot_l
/// Both forms of r give the same sum, for sum_l alpha_l a_l = 0; the one of the small side keeps its relative
/// accuracy in the tail (model.md (1.7)). Between modes, or where all logistics are wide, r may exceed every
/// number: it is kept divided by e^log_unit then.
template <class Scalar>
struct ConditionalRates {
  Shares<Scalar> share;
  PerLogistic<Scalar> w, r, a, q, alpha;
  Scalar log_f;        ///< log of the density
  Scalar sum_r;        ///< sum_l r_l: F / f or -(1 - F) / f
  Scalar log_unit;     ///< 0, or of the unit in which r and sum_r are given
  bool is_far;         ///< the velocity is that of far_ratio; the same in all lanes
  Scalar f_dot_ratio;  ///< F_dot / f at fixed x, unless there is a unit
};

/// log |r_l|. Where the total, log f, is far and x on the small side of the logistic (towards = -|z|), this is
///   log w_l - log s_l + log(1 + e^{-|z|}),
/// in which two numbers as large as log f have cancelled: r keeps its relative accuracy (model.md (1.8)).
template <class Scalar, class Entry>
RHOFLUX_INLINED_FUNCTION Scalar log_tail_ratio(const Mixture<Scalar>& mixture, const Shares<Scalar>& share,
                                               const LogTotal<Scalar>& total, Scalar side, const Entry& l) {
  const Scalar towards = side * share.z[l], softplus = share.softplus[l];
  const Scalar log_sigmoid = (towards < Scalar(0) ? towards : Scalar(0)) - softplus;
  const Scalar near = total.log_share(mixture.logit[l] + log_sigmoid);
  const Scalar far = total.log_share(share.log_share[l]) - mixture.log_scale[l] + softplus;
  return total.is_far && towards < Scalar(0) ? far : near;
}

/// Fills w and alpha. @return F - (1 - F)
template <class Scalar>
RHOFLUX_FUNCTION Scalar place_shares(const Mixture<Scalar>& mixture, const LogTotal<Scalar>& total,
                                     const LogTotal<Scalar>& norm, ConditionalRates<Scalar>& m) {
  Scalar balance = 0;
  if (mixture.size == 1) {  // as below, to the bit, without exponentials of zero
    RHOFLUX_FOR_LOGISTICS(l, mixture) {
      m.alpha[l] = m.w[l] = Scalar(1);
      balance += m.share.tanh_half[l];
    }
  } else {
    RHOFLUX_SIMD_SUM(balance)
    RHOFLUX_FOR_LOGISTICS(l, mixture) {
      m.alpha[l] = math::exp(norm.log_share(mixture.logit[l]));
      m.w[l] = math::exp(total.log_share(m.share.log_share[l]));
      balance += m.alpha[l] * m.share.tanh_half[l];
    }
  }
  return mixture.lane.sum(balance);
}

/// Everything that does not need the rates: w, r, alpha, log_f, sum_r.
template <class Scalar>
RHOFLUX_FUNCTION void place(const Mixture<Scalar>& mixture, Scalar x, ConditionalRates<Scalar>& m) {
  shares(mixture, x, m.share);
  const LogTotal<Scalar> norm = log_total_over(mixture, mixture.logit);
  const LogTotal<Scalar> total = log_total_over(mixture, m.share.log_share);
  const Scalar side = place_shares(mixture, total, norm, m) <= Scalar(0) ? Scalar(1) : Scalar(-1);
  PerLogistic<Scalar> log_r;
  Scalar sum_r = 0;
  RHOFLUX_SIMD_SUM(sum_r)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    log_r[l] = log_tail_ratio(mixture, m.share, total, side, l);
    m.r[l] = side * math::exp(log_r[l]);
    sum_r += m.r[l];
  }
  m.sum_r = mixture.lane.sum(sum_r);
  m.log_unit = 0;
  m.is_far = total.is_far;
  if (math::abs(m.sum_r) >= largest_ratio<Scalar>) {  // the same in all lanes; all r have one sign
    m.is_far = true;
    m.log_unit = maximum_over(mixture, log_r);
    sum_r = 0;
    RHOFLUX_FOR_LOGISTICS(l, mixture) sum_r += m.r[l] = side * math::exp(log_r[l] - m.log_unit);
    m.sum_r = mixture.lane.sum(sum_r);
  }
  RHOFLUX_SIMD
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    m.share.scale[l] = where_shared(m.w[l], m.share.scale[l]);
    m.share.z[l] = where_shared(m.w[l], m.share.z[l]);
  }
  m.log_f = log_ratio(total, norm);
}

/// a, q and, where r has no unit, F_dot / f.
template <class Scalar>
RHOFLUX_FUNCTION void move(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot, Scalar x,
                           ConditionalRates<Scalar>& m) {
  Scalar mean = 0;
  RHOFLUX_SIMD_SUM(mean)
  RHOFLUX_FOR_LOGISTICS(l, mixture) mean += m.alpha[l] * dot.logit[l];
  mean = mixture.lane.sum(mean);
  Scalar ratio = 0;
  RHOFLUX_SIMD_SUM(ratio)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    m.a[l] = dot.logit[l] - mean;
    m.q[l] = dot.log_scale[l] * (x - mixture.location[l]) - dot.location[l];
    ratio += m.r[l] * m.a[l] + m.w[l] * m.q[l];
  }
  m.f_dot_ratio = mixture.lane.sum(ratio);
}

/// Change of F / f by the weights,
///   sum_l r_l a_l = sum_l (r_l - alpha_l R) (logit_dot_l - logit_dot_k),   R = sum_l r_l,
/// k the logistic of the largest weight. Where that has nearly all of it, a_k is what is left of two rates that cancel,
/// and r_k may be as large as numbers get; the sum on the right is without it (model.md (1.9)).
template <class Scalar>
RHOFLUX_FUNCTION InUnit<Scalar> far_change(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                           const LogTotal<Scalar>& norm, const PerLogistic<Scalar>& log_r,
                                           Scalar side) {
  constexpr Scalar lowest = std::numeric_limits<Scalar>::lowest();
  const Scalar log_sum = log_total_over(mixture, log_r).value, largest = maximum_over(mixture, mixture.logit);
  Scalar reference = lowest, unit = lowest;
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    if (mixture.logit[l] == largest && dot.logit[l] > reference) reference = dot.logit[l];
  }
  reference = mixture.lane.maximum(reference);
  const auto log_mean = [&](Scalar logit) { return norm.log_share(logit) + log_sum; };
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    if (dot.logit[l] == reference) continue;
    const Scalar mean = log_mean(mixture.logit[l]), larger = log_r[l] > mean ? log_r[l] : mean;
    unit = larger > unit ? larger : unit;
  }
  unit = mixture.lane.maximum(unit);
  if (unit == lowest) return {Scalar(0), Scalar(0)};  // no rates but the one
  Scalar change = 0;
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    change += (math::exp(log_r[l] - unit) - math::exp(log_mean(mixture.logit[l]) - unit)) *
              (dot.logit[l] - reference);
  }
  return {side * mixture.lane.sum(change), unit};
}

/// Changes of F / f by the weights, and by locations and scales.
template <class Scalar>
struct FarParts {
  InUnit<Scalar> weights;
  Scalar others;
};

/// Both where log f or F / f is far from the range in which ConditionalRates gives them. From the beginning, so that what
/// is only needed here is not kept on the way.
template <class Scalar>
RHOFLUX_FUNCTION FarParts<Scalar> far_parts(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                            Scalar x, const ConditionalRates<Scalar>& m) {
  Shares<Scalar> share;
  shares(mixture, x, share);
  const LogTotal<Scalar> norm = log_total_over(mixture, mixture.logit);
  const LogTotal<Scalar> total = log_total_over(mixture, share.log_share);
  const Scalar side = m.sum_r < Scalar(0) ? Scalar(-1) : Scalar(1);
  PerLogistic<Scalar> log_r;
  Scalar shift = 0;
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    log_r[l] = log_tail_ratio(mixture, share, total, side, l);
    shift += m.w[l] * m.q[l];
  }
  shift = mixture.lane.sum(shift);
  return {far_change(mixture, dot, norm, log_r, side), shift};
}

/// F_dot / f out there.
/// @param kept factor of the rates of the weights
template <class Scalar>
RHOFLUX_FUNCTION InUnit<Scalar> far_ratio(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                          Scalar x, const ConditionalRates<Scalar>& m, Scalar kept) {
  const FarParts<Scalar> parts = far_parts(mixture, dot, x, m);
  const InUnit<Scalar> change = {parts.weights.value * kept, parts.weights.log_unit};
  const Scalar shift = parts.others;
  if (change.log_unit < math::detail::Format<Scalar>::exp_high / 2)
    return {math::scaled_by_exp(change.value, change.log_unit) + shift, Scalar(0)};
  if (change.value == Scalar(0)) return {shift, Scalar(0)};
  return {change.value + math::scaled_by_exp(shift, -change.log_unit), change.log_unit};
}

/// -F_dot / f after place and move.
/// @param kept factor of the rates of the weights
template <class Scalar>
RHOFLUX_FUNCTION InUnit<Scalar> velocity_of(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                            Scalar x, const ConditionalRates<Scalar>& m,
                                            Scalar kept = Scalar(1)) {
  if (!m.is_far) return {-m.f_dot_ratio, Scalar(0)};
  const InUnit<Scalar> ratio = far_ratio(mixture, dot, x, m, kept);
  return {-ratio.value, ratio.log_unit};
}

/// Takes the unit out of r and sum_r, times e^log_weight; what exceeds the range is set to its end.
template <class Scalar>
RHOFLUX_FUNCTION void saturate(const Mixture<Scalar>& mixture, Scalar log_weight,
                               ConditionalRates<Scalar>& m) {
  const Scalar log_factor = m.log_unit + log_weight;
  const auto plain = [&](Scalar value) {
    const Scalar scaled = math::scaled_by_exp(value, log_factor), most = math::largest_exp<Scalar>;
    return scaled > most ? most : scaled < -most ? -most : scaled;
  };
  RHOFLUX_FOR_LOGISTICS(l, mixture) m.r[l] = plain(m.r[l]);
  m.sum_r = plain(m.sum_r);
  m.log_unit = 0;
}

}  // namespace detail

}  // namespace rhoflux::density
