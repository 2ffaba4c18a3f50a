#pragma once

#include <limits>

#include "rhoflux/core/log_sum_exp.hpp"
#include "rhoflux/core/math.hpp"
#include "rhoflux/density/config.hpp"
#include "rhoflux/device/lanes.hpp"

namespace rhoflux::density {

/// Parameters of one conditional, a mixture of L logistics as the network gives them (unconstrained):
/// weights alpha = softmax(logit), locations mu, inverse scales s = e^{log_s}.
///   F = sum_l alpha_l sigmoid(z_l),  f = dF/dx = sum_l alpha_l s_l sigmoid(z_l) sigmoid(-z_l),  z_l = s_l (x
///   - mu_l)
/// Everything below stays in log space, so that both tails keep their relative accuracy (model.md section 1).
/// The lanes of a group share the logistics. All of them call the functions below, with the same numbers, and get the
/// same numbers; each writes the adjoints of its own logistics.
template <class Scalar>
struct Mixture {
  Scalar* logit = nullptr;
  Scalar* location = nullptr;
  Scalar* log_scale = nullptr;  ///< log s, s = 1 / scale
  int size = 0;                 ///< L
  Lane lane = {};               ///< the one that calls
};

/// Loop over the logistics l of a mixture that belong to its lane.
#define RHOFLUX_FOR_LOGISTICS(l, mixture) \
  RHOFLUX_FOR_LANE_ENTRIES(l, (mixture).lane, (mixture).size, max_logistics)

/// One number for each of them.
template <class Scalar>
using PerLogistic = LaneArray<Scalar, max_logistics>;

template <class Scalar>
RHOFLUX_FUNCTION void set_zero(const Mixture<Scalar>& mixture) {
  RHOFLUX_FOR_LOGISTICS(l, mixture) mixture.logit[l] = mixture.location[l] = mixture.log_scale[l] = 0;
}

namespace detail {

/// Largest of one number for each logistic.
template <class Scalar, class Values>
RHOFLUX_FUNCTION Scalar maximum_over(const Mixture<Scalar>& mixture, const Values& values) {
  if constexpr (Lane::most == 1) {
    return maximum<Scalar>(values, mixture.size);
  } else {
    constexpr Scalar lowest = std::numeric_limits<Scalar>::lowest();
    Scalar largest = lowest;
    RHOFLUX_FOR_LOGISTICS(l, mixture) largest = values[l] > largest ? values[l] : largest;
    return mixture.lane.maximum(largest);
  }
}

/// Beyond this size the two parts of a LogTotal stay apart: their sum would round away what the shares need.
template <class Scalar>
constexpr Scalar far_log = 128;

/// T = log sum_l e^{values_l}, with the shares e^{values_l} / sum. Far out in the tails T is large and a share is a
/// ratio of two numbers that are both tiny; from the largest value and the log of the rest it keeps its relative accuracy
/// (model.md (1.8)).
template <class Scalar>
struct LogTotal {
  Scalar value;      ///< T
  Scalar high, low;  ///< T = high + low: the largest value and the rest where T is far, else T and 0
  bool is_far;       ///< |T| > far_log; the same in all lanes
  RHOFLUX_FUNCTION Scalar log_share(Scalar of) const { return (of - high) - low; }
};

/// T of one number for each logistic.
template <class Scalar, class Values>
RHOFLUX_FUNCTION LogTotal<Scalar> log_total_over(const Mixture<Scalar>& mixture, const Values& values) {
  Scalar largest = 0, rest = 0;  // rest: log of the sum relative to the largest
  if (mixture.size == 1) {       // as below, to the bit
    RHOFLUX_FOR_LOGISTICS(l, mixture) largest += values[l];
    largest = mixture.lane.sum(largest);
  } else {
    Scalar sum = 0;
    largest = maximum_over(mixture, values);
    RHOFLUX_SIMD_SUM(sum)
    RHOFLUX_FOR_LOGISTICS(l, mixture) sum += math::exp(values[l] - largest);
    rest = math::log(mixture.lane.sum(sum));
  }
  const Scalar value = largest + rest;
  const bool is_far = math::abs(value) > far_log<Scalar>;
  return {value, is_far ? largest : value, is_far ? rest : Scalar(0), is_far};
}

/// log f from its total and that of the logits.
template <class Scalar>
RHOFLUX_FUNCTION Scalar log_ratio(const LogTotal<Scalar>& total, const LogTotal<Scalar>& norm) {
  return (total.high - norm.high) + (total.low - norm.low);
}

/// Per logistic: log of its unnormalised share of the density, and tanh(z/2) = sigmoid(z) - sigmoid(-z).
template <class Scalar>
struct Shares {
  PerLogistic<Scalar> log_share;  ///< logit + log s + log sigmoid(z) + log sigmoid(-z)
  PerLogistic<Scalar> tanh_half;
  PerLogistic<Scalar> z;
  PerLogistic<Scalar> scale;     ///< s
  PerLogistic<Scalar> softplus;  ///< log(1 + e^{-|z|})
};

template <class Scalar>
RHOFLUX_FUNCTION void shares(const Mixture<Scalar>& mixture, Scalar x, Shares<Scalar>& out) {
  RHOFLUX_SIMD
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar s = math::exp(mixture.log_scale[l]);
    const Scalar z = s * (x - mixture.location[l]);
    const Scalar e = math::exp(-math::abs(z));
    const Scalar tanh_abs = (Scalar(1) - e) / (Scalar(1) + e);
    out.scale[l] = s;
    out.z[l] = z;
    out.tanh_half[l] = z < Scalar(0) ? -tanh_abs : tanh_abs;
    out.softplus[l] = math::log1p_unit(e);
    out.log_share[l] = mixture.logit[l] + mixture.log_scale[l] - math::abs(z) - Scalar(2) * out.softplus[l];
  }
}

/// A number of a logistic whose share of the density is `share`, which it will be multiplied with. Far out s and z of a
/// logistic may leave the range of numbers; its share is 0 there, and so is the product.
template <class Scalar>
RHOFLUX_FUNCTION Scalar where_shared(Scalar share, Scalar number) {
  return share == Scalar(0) ? Scalar(0) : number;
}

}  // namespace detail

/// log f(x), model.md (1.6).
template <class Scalar>
RHOFLUX_FUNCTION Scalar log_density(const Mixture<Scalar>& mixture, Scalar x) {
  detail::Shares<Scalar> share;
  detail::shares(mixture, x, share);
  return detail::log_ratio(detail::log_total_over(mixture, share.log_share),
                           detail::log_total_over(mixture, mixture.logit));
}

/// log f(x) and, in `bar`, weight times its derivatives with respect to the parameters:
///   d/dlogit = w - alpha,  d/dmu = w s tanh(z/2),  d/dlog_s = w (1 - z tanh(z/2)),  w_l the share of
///   logistic l in f.
/// @return log f; x_bar receives weight times d log f / dx = -weight sum_l w_l s_l tanh(z_l/2)
template <class Scalar>
RHOFLUX_FUNCTION Scalar log_density_adjoint(const Mixture<Scalar>& mixture, Scalar x, Scalar weight,
                                            const Mixture<Scalar>& bar, Scalar& x_bar) {
  detail::Shares<Scalar> share;
  detail::shares(mixture, x, share);
  const detail::LogTotal<Scalar> total = detail::log_total_over(mixture, share.log_share);
  const detail::LogTotal<Scalar> norm = detail::log_total_over(mixture, mixture.logit);
  Scalar slope = 0;
  RHOFLUX_SIMD_SUM(slope)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar w = math::exp(total.log_share(share.log_share[l]));
    const Scalar alpha = math::exp(norm.log_share(mixture.logit[l]));
    const Scalar scale = detail::where_shared(w, share.scale[l]), z = detail::where_shared(w, share.z[l]);
    const Scalar pull = w * scale * share.tanh_half[l];
    bar.logit[l] = weight * (w - alpha);
    bar.location[l] = weight * pull;
    bar.log_scale[l] = weight * w * (Scalar(1) - z * share.tanh_half[l]);
    slope += pull;
  }
  x_bar = -weight * mixture.lane.sum(slope);
  return detail::log_ratio(total, norm);
}

/// log f(x) and its derivative along (mixture_dot, x_dot).
template <class Scalar>
RHOFLUX_FUNCTION Scalar log_density_tangent(const Mixture<Scalar>& mixture, Scalar x,
                                            const Mixture<Scalar>& dot, Scalar x_dot, Scalar& log_f_dot) {
  detail::Shares<Scalar> share;
  detail::shares(mixture, x, share);
  const detail::LogTotal<Scalar> total = detail::log_total_over(mixture, share.log_share);
  const detail::LogTotal<Scalar> norm = detail::log_total_over(mixture, mixture.logit);
  Scalar sum = 0;
  RHOFLUX_SIMD_SUM(sum)
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar w = math::exp(total.log_share(share.log_share[l]));
    const Scalar alpha = math::exp(norm.log_share(mixture.logit[l]));
    const Scalar scale = detail::where_shared(w, share.scale[l]), z = detail::where_shared(w, share.z[l]);
    const Scalar z_dot = dot.log_scale[l] * z + scale * (x_dot - dot.location[l]);
    sum += (w - alpha) * dot.logit[l] + w * (dot.log_scale[l] - z_dot * share.tanh_half[l]);
  }
  log_f_dot = mixture.lane.sum(sum);
  return detail::log_ratio(total, norm);
}

/// log F(x) and log(1 - F(x)), each accurate where it is small.
template <class Scalar>
RHOFLUX_FUNCTION void log_cdf(const Mixture<Scalar>& mixture, Scalar x, Scalar& log_below,
                              Scalar& log_above) {
  PerLogistic<Scalar> below, above;
  RHOFLUX_SIMD
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar z = math::exp(mixture.log_scale[l]) * (x - mixture.location[l]);
    below[l] = mixture.logit[l] + math::log_sigmoid(z);
    above[l] = mixture.logit[l] + math::log_sigmoid(-z);
  }
  const detail::LogTotal<Scalar> norm = detail::log_total_over(mixture, mixture.logit);
  log_below = detail::log_ratio(detail::log_total_over(mixture, below), norm);
  log_above = detail::log_ratio(detail::log_total_over(mixture, above), norm);
}

/// The interval outside of which no logistic has more than the mass e^log_mass on either side: that of logistic l beyond
/// mu + z / s is less than alpha_l e^{-z}, which is e^log_mass at z = log alpha_l - log_mass. A logistic whose weight is
/// less than e^log_mass does not count. Of the whole mixture less than L e^log_mass is outside on a side.
/// @param log_mass less than -log L
template <class Scalar>
RHOFLUX_FUNCTION void reach(const Mixture<Scalar>& mixture, Scalar log_mass, Scalar& low, Scalar& high) {
  const Scalar log_norm = detail::log_total_over(mixture, mixture.logit).value;
  Scalar most_below = std::numeric_limits<Scalar>::lowest(), most_above = most_below;
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar z = mixture.logit[l] - log_norm - log_mass;
    if (z < Scalar(0)) continue;
    const Scalar distance = z * math::exp(-mixture.log_scale[l]);
    const Scalar below = distance - mixture.location[l], above = distance + mixture.location[l];
    most_below = below > most_below ? below : most_below;
    most_above = above > most_above ? above : most_above;
  }
  low = -mixture.lane.maximum(most_below);
  high = mixture.lane.maximum(most_above);
}

/// A draw: logistic by its weight with the first uniform, then the inverse logistic CDF of the second.
template <class Scalar>
RHOFLUX_FUNCTION Scalar draw(const Mixture<Scalar>& mixture, double choice, double level) {
  const Scalar largest = detail::maximum_over(mixture, mixture.logit);
  PerLogistic<double> weight;
  RHOFLUX_FOR_LOGISTICS(l, mixture) weight[l] = static_cast<double>(math::exp(mixture.logit[l] - largest));
  double rest = 0;
  for_each_in_order<max_logistics>(mixture.lane, weight, mixture.size, [&](double w) { rest += w; });
  rest *= choice;
  int chosen = 0;  // the logistics before it are those whose weights fit into choice times the sum
  for_each_in_order<max_logistics>(mixture.lane, weight, mixture.size - 1, [&](double w) {
    rest -= w;
    chosen += rest < 0 ? 0 : 1;
  });
  const double z = math::log(level) - math::log(1.0 - level);
  return mixture.location[chosen] + static_cast<Scalar>(z) * math::exp(-mixture.log_scale[chosen]);
}

}  // namespace rhoflux::density
