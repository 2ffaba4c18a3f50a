#pragma once

#include "growing_velocity.hpp"
#include "rhoflux/core/log_sum_exp.hpp"
#include "rhoflux/density/factorised.hpp"

/// Growth of a mixture of products (model.md (10.6b)): with w_k = gamma_k rho^k / rho,
///   G = sum_k w_k ( c_k + sum_i beta B_i^k ),   c_k = d_t log gamma_k.
namespace rhoflux::flux {

/// v_i^k in units of e^log_unit, log f_i^k and beta B_i^k of every factor.
template <class Scalar>
struct GrowingFactors {
  Matrix<Scalar> velocity, log_unit, log_f, gain;  ///< (K D, n)
};

template <class Scalar>
void growing_factor_velocities(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures,
                               const ShareOf<Scalar>& share, const density::FactorIndex& index,
                               const density::Points<Scalar>& points, const GrowingFactors<Scalar>& factors) {
  const int n = points.size();
  const ConstMatrix<Scalar> x = points.x;
  const GrowingFactors<Scalar> out = factors;
  const density::FactorIndex all = index;
  const ShareOf<Scalar> beta = share;
  for_each_group(
      space, "growing factors", all.count(n), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const density::FactorIndex::Factor f = all.at(item);
        const Scalar beta_k = beta.at(mixtures, f.head, f.s);
        const density::GrowingConditional<Scalar> factor = density::growing_conditional(
            mixtures.at(f.head, f.s, lane), mixtures.at(f.head, n + f.s, lane), x(f.i, f.s), beta_k);
        if (!lane.is_first()) return;
        out.velocity(f.head, f.s) = factor.velocity.value;
        out.log_unit(f.head, f.s) = factor.velocity.log_unit;
        out.log_f(f.head, f.s) = factor.log_f;
        out.gain(f.head, f.s) = beta_k * factor.gain;
      });
}

/// What product k contributes to G: c_k + sum_i beta B_i^k.
template <class Scalar>
struct ProductGrowth {
  density::ProductLogits<Scalar> logits;  ///< values and rates
  ConstMatrix<Scalar> gain;               ///< (K D, n) beta B_i^k
  density::FactorIndex index;
  int n;

  /// sum_m gamma_m d_t logit_m of a sample.
  RHOFLUX_FUNCTION Scalar mean_rate(int s) const {
    const Scalar *gamma = logits.at(s), *rate = logits.at(n + s);
    const Scalar norm = log_sum_exp(gamma, index.n_products);
    Scalar sum = 0;
    for (int k = 0; k < index.n_products; ++k) sum += math::exp(gamma[k] - norm) * rate[k];
    return sum;
  }
  RHOFLUX_FUNCTION Scalar at(int k, int s, Scalar mean) const {
    Scalar sum = logits.at(n + s)[k] - mean;
    for (int i = 0; i < index.n_leading; ++i) sum += gain(k * index.n_dims + i, s);
    return sum;
  }
};

/// G (n). @param log_share (K, n) log w_k
template <class Scalar>
void mixture_growth(const ExecutionSpace& space, const ProductGrowth<Scalar>& products,
                    const ConstMatrix<Scalar>& log_share, const Vector<Scalar>& growth) {
  const ProductGrowth<Scalar> of = products;
  const ConstMatrix<Scalar> share = log_share;
  const Vector<Scalar> out = growth;
  for_each(
      space, "mixture growth", products.n, KOKKOS_LAMBDA(int s) {
        const Scalar mean = of.mean_rate(s);
        Scalar sum = 0;
        for (int k = 0; k < of.index.n_products; ++k) sum += math::exp(share(k, s)) * of.at(k, s, mean);
        out(s) = sum;
      });
}

/// Adds to the adjoint of w_k, gain_bar (K, n), what G gives it.
template <class Scalar>
void add_growth_gains(const ExecutionSpace& space, const ProductGrowth<Scalar>& products,
                      const ConstVector<Scalar>& growth_bar, const Matrix<Scalar>& gain_bar) {
  const ProductGrowth<Scalar> of = products;
  const ConstVector<Scalar> bar = growth_bar;
  const Matrix<Scalar> out = gain_bar;
  for_each(
      space, "growth of the products adjoint", products.n, KOKKOS_LAMBDA(int s) {
        const Scalar mean = of.mean_rate(s);
        for (int k = 0; k < of.index.n_products; ++k) out(k, s) += bar(s) * of.at(k, s, mean);
      });
}

/// What the adjoint of the factors starts from.
template <class Scalar>
struct GrowingFactorsBar {
  ConstMatrix<Scalar> velocity, direction;  ///< (n_dims, n) of FluxBar
  ConstVector<Scalar> growth;               ///< (n); empty: zero
  ConstMatrix<Scalar> log_share;            ///< (K, n)
  ConstMatrix<Scalar> log_factor;           ///< (K, n) adjoint of L_k
  ConstMatrix<Scalar> energy;               ///< (n_dims, n) FluxBar::share_energy; empty: none
};

/// The adjoint of the network's outputs but for the growth shares, and by factor that of x and of beta.
/// @param[out] x_bar, share_bar (K D, n)
template <class Scalar>
void growing_factor_adjoint(const ExecutionSpace& space, density::MixtureNetwork<Scalar>& network,
                            const ShareOf<Scalar>& share, const density::FactorIndex& index,
                            const density::Points<Scalar>& points, const GrowingFactorsBar<Scalar>& bar,
                            const Matrix<Scalar>& x_bar, const Matrix<Scalar>& share_bar) {
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  const ConstMatrix<Scalar> x = points.x;
  const GrowingFactorsBar<Scalar> from = bar;
  const Matrix<Scalar> to_x_bar = x_bar, to_share = share_bar;
  const bool has_direction = bar.direction.extent(0) > 0, has_growth = bar.growth.extent(0) > 0;
  const bool has_energy = bar.energy.extent(0) > 0 && mixtures.has_share();
  const int n = points.size();
  const density::FactorIndex factors = index;
  const ShareOf<Scalar> beta = share;
  for_each_group(
      space, "growing factors adjoint", factors.count(n), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const density::FactorIndex::Factor f = factors.at(item);
        const density::Mixture<Scalar> mixture = mixtures.at(f.head, f.s, lane);
        const density::Mixture<Scalar> to = out_bar.at(f.head, f.s, lane);
        const density::Mixture<Scalar> to_dot = out_bar.at(f.head, n + f.s, lane);
        const density::Mixture<Scalar> dot = mixtures.at(f.head, n + f.s, lane);
        const Scalar beta_k = beta.at(mixtures, f.head, f.s);
        const Scalar log_share = from.log_share(f.k, f.s), w = math::exp(log_share), position = x(f.i, f.s);
        Scalar to_x = 0;
        density::set_zero(to);
        density::set_zero(to_dot);
        density::log_density_slope_adjoint(
            mixture, position, has_direction ? from.direction(f.i, f.s) : Scalar(0),
            density::LogDensityBar<Scalar>{from.log_factor(f.k, f.s), has_direction ? w : Scalar(0)}, to,
            to_x);
        const density::GrowingConditionalBar<Scalar> weight = {
            Scalar(0), {from.velocity(f.i, f.s), log_share}, has_growth ? w * from.growth(f.s) : Scalar(0)};
        const density::GrowthShareBar<Scalar> of_share = density::growing_conditional_adjoint(
            mixture, dot, position, beta_k, weight, density::StateOf::point, to, to_dot, to_x);
        Scalar beta_bar = of_share.beta;
        // Where the sample is next to none of product k, its velocity may exceed every number.
        if (has_energy && w > Scalar(1e-4))
          beta_bar += w * from.energy(f.i, f.s) *
                      density::missed_share_pull(mixture, dot, position, beta_k, of_share,
                                                 weight_of_spread_point<Scalar>(f.s));
        if (!lane.is_first()) return;
        to_x_bar(f.head, f.s) = to_x;
        to_share(f.head, f.s) = beta_bar;
      });
}

/// The adjoint of the logit of a learned beta, one for all factors of a sample. @param share_bar (K D, n) by factor
template <class Scalar>
void growth_share_adjoint(const ExecutionSpace& space, density::MixtureNetwork<Scalar>& network,
                          const ShareOf<Scalar>& share, const density::FactorIndex& index, int n,
                          const ConstMatrix<Scalar>& share_bar) {
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  if (!mixtures.has_share()) return;
  const ConstMatrix<Scalar> by_factor = share_bar;
  const density::FactorIndex factors = index;
  const ShareOf<Scalar> beta = share;
  for_each(
      space, "growth share adjoint", n, KOKKOS_LAMBDA(int s) {
        Scalar sum = 0;
        for (int k = 0; k < factors.n_products; ++k)
          for (int i = 0; i < factors.n_leading; ++i) sum += by_factor(k * factors.n_dims + i, s);
        out_bar.share_logit(0, s) = sum * ShareOf<Scalar>::slope(beta.at(mixtures, 0, s));
        out_bar.share_logit(0, n + s) = 0;
      });
}

/// The adjoint of the logits of gamma and of their rates, (K, 2 n): that of L_k and of log rho, and through c_k
///   dG/dlogit_dot_k = w_k - gamma_k,   dG/dlogit_k = -gamma_k c_k at fixed w.
template <class Scalar>
struct ProductLogitsBar {
  ConstMatrix<Scalar> log_factor;  ///< (K, n) adjoint of L_k
  ConstVector<Scalar> log_rho;     ///< (n)
  ConstVector<Scalar> growth;      ///< (n); empty: zero
  ConstMatrix<Scalar> log_share;   ///< (K, n)
  ConstMatrix<Scalar> sampled;     ///< (K, n) through the states of model samples; empty: none
  Matrix<Scalar> logits;           ///< (K, 2 n) the result
};

template <class Scalar>
void growing_weights_adjoint(const ExecutionSpace& space, const density::ProductLogits<Scalar>& logits,
                             int n_products, int n, const ProductLogitsBar<Scalar>& bar) {
  const density::ProductLogits<Scalar> of = logits;
  const ProductLogitsBar<Scalar> from = bar;
  const bool has_growth = bar.growth.extent(0) > 0, is_sampled = bar.sampled.extent(0) > 0;
  for_each(
      space, "growing weights adjoint", n, KOKKOS_LAMBDA(int s) {
        const Scalar *gamma = of.at(s), *rate = of.at(n + s);
        const Scalar norm = log_sum_exp(gamma, n_products), r = has_growth ? from.growth(s) : Scalar(0);
        Scalar mean = 0;
        for (int k = 0; k < n_products; ++k) mean += math::exp(gamma[k] - norm) * rate[k];
        for (int k = 0; k < n_products; ++k) {
          const Scalar prior = math::exp(gamma[k] - norm);
          from.logits(k, s) = from.log_factor(k, s) - prior * (from.log_rho(s) + r * (rate[k] - mean)) +
                              (is_sampled ? from.sampled(k, s) : Scalar(0));
          from.logits(k, n + s) = r * (math::exp(from.log_share(k, s)) - prior);
        }
      });
}

}  // namespace rhoflux::flux
