#pragma once

#include "rhoflux/core/log_sum_exp.hpp"
#include "rhoflux/density/factorised.hpp"
#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"

/// The states of model samples of a mixture of products, which move with the parameters (model.md section 4).
namespace rhoflux::flux {

/// Model samples that keep every F_i = sum_k p_k F_i^k, with p_k proportional to P_k = gamma_k prod_{j<i} f_j^k:
///   dx_i f_i = -sum_k p_k ( (F_i^k - F_i) dlog P_k + dF_i^k ),   f_i = sum_k p_k f_i^k.
/// F_i^k - F_i is taken on the side that is small.
template <class Scalar>
struct SampledStates {
  density::MixtureView<Scalar> mixtures, out_bar;
  ConstMatrix<Scalar> x;             ///< (n_dims, n)
  ConstMatrix<Scalar> log_f;         ///< (K D, n)
  ConstMatrix<Scalar> below, above;  ///< (K D, n) log F_i^k, log(1 - F_i^k)
  Matrix<Scalar> prefix;             ///< (K, n) log P_k times f_j^k of the coordinates j >= i still in it
  Matrix<Scalar> prefix_bar;         ///< (K, n) adjoint of log P_k
  Matrix<Scalar> x_bar;              ///< (n_dims, n)
  density::FactorIndex index;

  // All lanes of a group compute the same numbers. The first lane writes them, or each lane those of its products; the
  // other lanes wait before they read.

  /// log P_k of all coordinates; no adjoint yet.
  RHOFLUX_FUNCTION void begin(const Scalar* gamma, int s, const Lane& lane) const {
    for (int k = lane.index(); k < index.n_products; k += lane.count()) {
      prefix(k, s) = gamma[k];
      for (int i = 0; i < index.n_leading; ++i) prefix(k, s) += log_f(k * index.n_dims + i, s);
      prefix_bar(k, s) = 0;
    }
  }

  /// Adds what later coordinates' adjoints of log P_k give to x_i and to the parameters of f_i^k.
  RHOFLUX_FUNCTION void pass_prefix_adjoint(int i, int s, const Lane& lane) const {
    lane.wait();
    Scalar sum = x_bar(i, s);
    for (int k = 0; k < index.n_products; ++k) {
      const int head = k * index.n_dims + i;
      Scalar slope = 0;
      density::log_density_slope_adjoint(mixtures.at(head, s, lane), x(i, s), Scalar(0),
                                         density::LogDensityBar<Scalar>{prefix_bar(k, s), Scalar(0)},
                                         out_bar.at(head, s, lane), slope);
      sum += slope;
    }
    lane.wait();
    if (lane.is_first()) x_bar(i, s) = sum;
  }

  /// The adjoint of x_i goes on to the parameters of the factors F_i^k and to log P_k; leaves log P_k in prefix.
  RHOFLUX_FUNCTION void pass_state_adjoint(int i, int s, const Lane& lane) const {
    lane.wait();
    const int n_products = index.n_products, n_dims = index.n_dims;
    const Scalar log_density =  // log sum_k P_k f_i^k
        log_sum_exp_of<Scalar>(n_products, [&](int k) { return prefix(k, s); });
    lane.wait();
    for (int k = lane.index(); k < n_products; k += lane.count())
      prefix(k, s) -= log_f(k * n_dims + i, s);  // now log P_k
    lane.wait();
    Scalar max_mass = prefix(0, s);
    for (int k = 1; k < n_products; ++k)
      if (prefix(k, s) > max_mass) max_mass = prefix(k, s);
    Scalar mass = 0, mass_below = 0, mass_above = 0;
    for (int k = 0; k < n_products; ++k) {
      const Scalar p = math::exp(prefix(k, s) - max_mass);
      mass += p;
      mass_below += p * math::exp(below(k * n_dims + i, s));
      mass_above += p * math::exp(above(k * n_dims + i, s));
    }
    const bool is_below = mass_below <= mass_above;
    const auto log_side_of = [&](int k) {
      return is_below ? below(k * n_dims + i, s) : above(k * n_dims + i, s);
    };
    const Scalar side = is_below ? Scalar(1) : Scalar(-1);
    const Scalar log_side =  // log of F_i, or of 1 - F_i
        log_sum_exp_of<Scalar>(n_products, [&](int k) { return prefix(k, s) + log_side_of(k); }) - max_mass -
        math::log(mass);
    const Scalar c = -x_bar(i, s);
    for (int k = 0; k < n_products; ++k) {
      const int head = k * n_dims + i;
      // P_k (F_i^k - F_i) / sum_m P_m f_i^m and P_k f_i^k / sum_m P_m f_i^m
      const Scalar log_p = prefix(k, s) - log_density;
      const Scalar excess = side * (math::exp(log_p + log_side_of(k)) - math::exp(log_p + log_side));
      const Scalar share = math::exp(log_p + log_f(head, s));
      Scalar unused = 0;
      density::cdf_ratio_adjoint(mixtures.at(head, s, lane), x(i, s), c * share, out_bar.at(head, s, lane),
                                 unused);
      if (lane.is_first()) prefix_bar(k, s) += c * excess;
    }
  }
};

/// From the last coordinate to the first, for log P_k depends on the x_j before it. Adds to the adjoint of the
/// network's outputs and to x_bar; leaves the adjoint of log gamma_k in prefix_bar.
template <class Scalar>
void sampled_states_adjoint(const ExecutionSpace& space, const density::ProductLogits<Scalar>& logits,
                            const SampledStates<Scalar>& sampled_states, int n) {
  const SampledStates<Scalar> states = sampled_states;
  const density::ProductLogits<Scalar> gamma = logits;
  for_each_group(
      space, "sampled states adjoint", n, sampled_states.mixtures.n_logistics,
      KOKKOS_LAMBDA(int s, const Lane& lane) {
        states.begin(gamma.at(s), s, lane);
        for (int i = states.index.n_leading - 1; i >= 0; --i) {
          states.pass_prefix_adjoint(i, s, lane);
          states.pass_state_adjoint(i, s, lane);
        }
      });
}

}  // namespace rhoflux::flux
