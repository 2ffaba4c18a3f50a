#pragma once

#include "rhoflux/density/growing_conditional.hpp"

namespace rhoflux::density {

namespace detail {

/// Interval between two logistics, on both sides wider by the largest scale length of all.
template <class Scalar>
struct Gap {
  Scalar low, high;
};
template <class Scalar>
RHOFLUX_FUNCTION Gap<Scalar> gap_between(const Mixture<Scalar>& mixture, int l, int m, Scalar width) {
  const Scalar first = mixture.location[l], second = mixture.location[m];
  return first < second ? Gap<Scalar>{first - width, second + width}
                        : Gap<Scalar>{second - width, first + width};
}
template <class Scalar>
RHOFLUX_FUNCTION Scalar largest_scale_length(const Mixture<Scalar>& mixture) {
  Scalar largest = -mixture.log_scale[0];
  for (int l = 1; l < mixture.size; ++l)
    if (-mixture.log_scale[l] > largest) largest = -mixture.log_scale[l];
  return math::exp(largest);
}

/// x' from two numbers in [0, 1): a pair of logistics, each as likely, and a place between them.
template <class Scalar>
RHOFLUX_FUNCTION Scalar spread_point(const Mixture<Scalar>& mixture, Scalar width, Scalar pair,
                                     Scalar place) {
  const int n = mixture.size * mixture.size, chosen = static_cast<int>(pair * static_cast<Scalar>(n));
  const int index = chosen < n ? chosen : n - 1;
  const Gap<Scalar> gap = gap_between(mixture, index / mixture.size, index % mixture.size, width);
  return gap.low + place * (gap.high - gap.low);
}

/// g(x').
template <class Scalar>
RHOFLUX_FUNCTION Scalar spread_density(const Mixture<Scalar>& mixture, Scalar width, Scalar x) {
  Scalar sum = 0;
  RHOFLUX_FOR_LOGISTICS(l, mixture) {
    const Scalar location = mixture.location[l];
    Scalar of_pairs = 0;
    RHOFLUX_SIMD_SUM(of_pairs)
    for (int m = 0; m < mixture.size; ++m) {
      const Scalar other = mixture.location[m], half = Scalar(0.5) * math::abs(location - other) + width;
      const Scalar density = Scalar(0.5) / half;
      of_pairs += math::abs(x - Scalar(0.5) * (location + other)) <= half ? density : Scalar(0);
    }
    sum += of_pairs;
  }
  return mixture.lane.sum(sum) / static_cast<Scalar>(mixture.size * mixture.size);
}

/// log(f / (f + g)) where f is e^log_f.
template <class Scalar>
RHOFLUX_FUNCTION Scalar log_share_of_draws(const Mixture<Scalar>& mixture, Scalar width, Scalar x,
                                           Scalar log_f) {
  return math::log_sigmoid(log_f - math::log(spread_density(mixture, width, x)));
}

/// The pull of what travels through an empty gap may be beyond every number; its direction is all that training needs.
template <class Scalar>
constexpr Scalar most_pull = Scalar(1000);
template <class Scalar>
RHOFLUX_FUNCTION Scalar bounded_pull(Scalar pull) {
  constexpr Scalar most = most_pull<Scalar>;
  return pull > most ? most : pull < -most ? -most : pull;
}

/// v A f / (f + g) at one point, at most most_pull on either side.
template <class Scalar>
RHOFLUX_FUNCTION Scalar weighted_pull(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot, Scalar x,
                                      Scalar kept, Scalar width) {
  ConditionalRates<Scalar> m;
  place(mixture, x, m);
  move(mixture, dot, x, m);
  InUnit<Scalar> change = {Scalar(0), Scalar(0)};
  Scalar others = 0;
  if (m.is_far) {
    const FarParts<Scalar> parts = far_parts(mixture, dot, x, m);
    change = parts.weights;
    others = parts.others;
  } else {
    RHOFLUX_FOR_LOGISTICS(l, mixture) {
      change.value += m.r[l] * m.a[l];
      others += m.w[l] * m.q[l];
    }
    change.value = mixture.lane.sum(change.value);
    others = mixture.lane.sum(others);
  }
  const Scalar velocity = -(kept * change.value + math::scaled_by_exp(others, -change.log_unit));
  const Scalar product = velocity * change.value, size = math::abs(product), most = most_pull<Scalar>;
  if (!(size > Scalar(0))) return Scalar(0);
  const Scalar log_size =
      math::log(size) + Scalar(2) * change.log_unit + log_share_of_draws(mixture, width, x, m.log_f);
  const Scalar bounded = log_size < math::log(most) ? math::exp(log_size) : most;
  return product > Scalar(0) ? bounded : -bounded;
}

/// x', by the digits of the rank of a draw x: the rank is uniform, and they make two numbers that are nearly so.
template <class Scalar>
RHOFLUX_FUNCTION Scalar spread_draw(const Mixture<Scalar>& mixture, Scalar x, Scalar width) {
  Scalar log_below = 0, log_above = 0;
  log_cdf(mixture, x, log_below, log_above);
  const Scalar rank = math::exp(log_below), pair = Scalar(61) * rank, place = Scalar(1009) * rank;
  return spread_point(mixture, width, pair - static_cast<Scalar>(static_cast<int>(pair)),
                      place - static_cast<Scalar>(static_cast<int>(place)));
}

}  // namespace detail

/// What draws from f alone miss of the pull of the kinetic energy E_f[v^2] of a conditional on its growth share beta,
///   d/dbeta E_f[v^2] = 2 E_f[v A],   v = -((1 - beta) A + B),
/// A and B the changes of F / f by the weights and by the rest. Between two clouds f is next to nothing and A is (mass that
/// crosses) / f: no draw falls there, and the average over draws misses most of the integral. With it, it is that of
/// two points, x drawn from f and x' spread evenly between the logistics, density g, each weighted by f / (f + g)
/// (multiple importance sampling, Veach & Guibas 1995), so that gaps count (model.md (10.8d)). Either part is bounded.
///
/// Zero on average unless there is a gap that no draw sees.
/// @param x a draw from f @param share beta @param sample what growing_conditional_adjoint gave at x
/// @param others weight of the part of x', the costly one: 0 leaves it out. A part of the draws will do, with a weight that
///   makes up for the rest.
template <class Scalar>
RHOFLUX_FUNCTION Scalar missed_share_pull(const Mixture<Scalar>& mixture, const Mixture<Scalar>& dot,
                                          Scalar x, Scalar share, const GrowthShareBar<Scalar>& sample,
                                          Scalar others) {
  const Scalar kept = Scalar(1) - share, width = detail::largest_scale_length(mixture);
  Scalar pull = 0;
  if (others != Scalar(0))
    pull = others * detail::weighted_pull(mixture, dot, detail::spread_draw(mixture, x, width), kept, width);
  pull += sample.is_far
              ? detail::weighted_pull(mixture, dot, x, kept, width)
              : detail::bounded_pull(Scalar(0.5) * sample.pull *
                                     math::exp(detail::log_share_of_draws(mixture, width, x, sample.log_f)));
  return Scalar(2) * pull - (sample.is_far ? share_pull_of_sample(mixture, dot, x, share) : sample.pull);
}

}  // namespace rhoflux::density
