#include "fluxes.hpp"
#include "growing_products.hpp"
#include "rhoflux/core/log_sum_exp.hpp"
#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/density/single_logistics.hpp"
#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"
#include "sampled_products.hpp"

namespace rhoflux::flux {
namespace {

using density::FactorIndex;

/// Flux of a mixture of products ([HVC] 26, 27; model.md (2.4)): each factor keeps its quantiles,
///   v_i = sum_k w_k v_i^k,   v_i^k = -d_t F_i^k / f_i^k,   w_k = gamma_k rho^k / rho.
/// Where the density grows, what gamma does is growth, and a share of what the weights of the logistics do (10.6b).
template <class Scalar>
class MixtureFlux : public Flux<Scalar> {
 public:
  /// @param density outlives the flux; made for 1 tangent
  MixtureFlux(density::Factorised<Scalar>& density, const density::Config& config);

  void velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                const FluxViews<Scalar>& views) override;
  void score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
             const density::Points<Scalar>& points, const Matrix<Scalar>& score) override;
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) override;

 private:
  density::FactorIndex index() const {
    return {m_density.n_products(), m_density.n_leading(), m_density.n_dims()};
  }
  ProductGrowth<Scalar> product_growth(const ConstVector<Scalar>& parameters, int n) const {
    return {m_density.weights().logits(parameters), m_gain, index(), n};
  }
  void factors_adjoint(const ExecutionSpace& space, const density::Points<Scalar>& points,
                       const FluxBar<Scalar>& bar);
  void weights_adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, int n,
                       const FluxBar<Scalar>& bar, const Vector<Scalar>& parameters_bar);

  density::Factorised<Scalar>& m_density;
  bool m_grows;
  ShareOf<Scalar> m_share;
  Vector<Scalar> m_ones;                               ///< (n) rate of tau
  Matrix<Scalar> m_log_f, m_factor_velocity, m_slope;  ///< (K D, n)
  Matrix<Scalar> m_log_unit;   ///< (K D, n) of m_factor_velocity; stays 0 where each factor is one logistic
  Matrix<Scalar> m_log_share;  ///< (K, n) log w_k
  Matrix<Scalar> m_share_bar;  ///< (K, n) adjoint of w_k; after sampled_states_adjoint, of log gamma_k
  Matrix<Scalar> m_far_gain;   ///< (K, n) of product_gains
  Matrix<Scalar> m_log_factor_bar;     ///< (K, n) adjoint of L_k
  Matrix<Scalar> m_log_factor_prefix;  ///< (K, n) log P_k
  Matrix<Scalar> m_head_x_bar;         ///< (K D, n)
  Matrix<Scalar> m_gain;  ///< (K D, n) beta B_i^k, then the adjoint of beta; where the density grows
};

template <class Scalar>
MixtureFlux<Scalar>::MixtureFlux(density::Factorised<Scalar>& density, const density::Config& config)
    : m_density(density),
      m_grows(config.grows()),
      m_share{static_cast<Scalar>(config.growth_share.value)},
      m_ones(make_vector<Scalar>("rate of time", density.capacity().samples)) {
  Kokkos::deep_copy(m_ones, Scalar(1));
  const int samples = density.capacity().samples, products = density.n_products();
  for (Matrix<Scalar>* matrix : {&m_log_f, &m_factor_velocity, &m_log_unit, &m_slope, &m_head_x_bar})
    *matrix = make_matrix<Scalar>("factors in motion", products * density.n_dims(), samples);
  for (Matrix<Scalar>* matrix :
       {&m_log_share, &m_share_bar, &m_far_gain, &m_log_factor_bar, &m_log_factor_prefix})
    *matrix = make_matrix<Scalar>("products in motion", products, samples);
  m_gain = make_matrix<Scalar>("gain of the factors", m_grows ? products * density.n_dims() : 0, samples);
}

/// v_i^k, in units of e^log_unit, and log f_i^k of every factor, (K D, n).
template <class Scalar>
void factor_velocities(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures,
                       const FactorIndex& index, const density::Points<Scalar>& points,
                       const Matrix<Scalar>& factor_velocity, const Matrix<Scalar>& log_units,
                       const Matrix<Scalar>& log_factor) {
  const int n = points.size();
  const ConstMatrix<Scalar> x = points.x;
  const Matrix<Scalar> v = factor_velocity, unit = log_units, log_f = log_factor;
  const FactorIndex factors = index;
  for_each_group(
      space, "factors in motion", factors.count(n), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const FactorIndex::Factor f = factors.at(item);
        Scalar log_f_k = 0;
        const density::InUnit<Scalar> v_k = density::quantile_velocity_in_unit(
            mixtures.at(f.head, f.s, lane), mixtures.at(f.head, n + f.s, lane), x(f.i, f.s), log_f_k);
        if (!lane.is_first()) return;
        v(f.head, f.s) = v_k.value;
        unit(f.head, f.s) = v_k.log_unit;
        log_f(f.head, f.s) = log_f_k;
      });
}

/// sum_k w_k by_factor_i^k: an item is a coordinate of a sample.
template <class Scalar>
struct MeanOverProducts {
  ConstMatrix<Scalar> log_share, by_factor;
  Matrix<Scalar> mean;
  FactorIndex index;

  /// On a CPU the shares of a block of products wait in an array, so that the loops become vector instructions.
  static constexpr int length = runs_on_host<ExecutionSpace> ? 64 : 1;

  RHOFLUX_FUNCTION void operator()(int item) const {
    const int s = item / index.n_leading, i = item % index.n_leading;
    Scalar whole = 0, share[length];
    for (int begin = 0; begin < index.n_products; begin += length) {
      const int count = index.n_products - begin < length ? index.n_products - begin : length;
      RHOFLUX_SIMD
      for (int k = 0; k < count; ++k) share[k] = math::exp(log_share(begin + k, s));
      Scalar sum = 0;
      RHOFLUX_SIMD_SUM(sum)
      for (int k = 0; k < count; ++k) sum += share[k] * by_factor((begin + k) * index.n_dims + i, s);
      whole += sum;
    }
    mean(i, s) = whole;
  }
};

/// mean_i = sum_k w_k by_factor_i^k. @param log_share (K, n) @param by_factor (K D, n) @param[out] mean (n_dims, n)
template <class Scalar>
void mean_over_products(const ExecutionSpace& space, const char* label, const FactorIndex& index, int n,
                        const ConstMatrix<Scalar>& log_share, const ConstMatrix<Scalar>& by_factor,
                        const Matrix<Scalar>& mean) {
  for_each(space, label, n * index.n_leading, MeanOverProducts<Scalar>{log_share, by_factor, mean, index});
}

/// v_i = sum_k w_k v_i^k. A product between whose modes x lies has a velocity beyond every number there; what it adds,
/// gamma_k d_t F_i^k times the other factors over rho, need not be large.
template <class Scalar>
void mixture_velocity(const ExecutionSpace& space, const FactorIndex& index, int n,
                      const ConstMatrix<Scalar>& log_share, const ConstMatrix<Scalar>& factor_velocity,
                      const ConstMatrix<Scalar>& log_units, const Matrix<Scalar>& velocity) {
  const ConstMatrix<Scalar> share = log_share, v = factor_velocity, unit = log_units;
  const Matrix<Scalar> out = velocity;
  const FactorIndex factors = index;
  for_each(
      space, "mixture velocity", n * index.n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / factors.n_leading, i = item % factors.n_leading;
        Scalar sum = 0;
        for (int k = 0; k < factors.n_products; ++k) {
          const int head = k * factors.n_dims + i;
          sum += density::InUnit<Scalar>{v(head, s), unit(head, s)}.weighted(share(k, s));
        }
        out(i, s) = sum;
      });
}

template <class Scalar>
void MixtureFlux<Scalar>::velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                   const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                                   const FluxViews<Scalar>& views) {
  const int n = points.size();
  m_density.evaluate_networks(space, parameters, points, 1, m_ones);
  const density::MixtureView<Scalar> mixtures = m_density.network().mixtures();
  if (uniforms.extent(0) > 0) m_density.sample_states(space, parameters, points, uniforms);
  const bool is_single = mixtures.n_logistics == 1 && !m_grows;
  if (m_grows)
    growing_factor_velocities<Scalar>(space, mixtures, m_share, index(), points,
                                      {m_factor_velocity, m_log_unit, m_log_f, m_gain});
  else if (is_single)
    density::single_logistic_velocities<Scalar>(space, mixtures, index(), points, m_factor_velocity, m_log_f);
  else
    factor_velocities(space, mixtures, index(), points, m_factor_velocity, m_log_unit, m_log_f);
  m_density.mix(space, parameters, n, m_log_f, m_log_share, views.log_rho);
  if (is_single)
    mean_over_products<Scalar>(space, "mixture velocity", index(), n, m_log_share, m_factor_velocity,
                               views.velocity);
  else
    mixture_velocity<Scalar>(space, index(), n, m_log_share, m_factor_velocity, m_log_unit, views.velocity);
  if (m_grows) mixture_growth<Scalar>(space, product_growth(parameters, n), m_log_share, views.growth);
}

/// d log f_i^k / dx of every factor, (K D, n).
template <class Scalar>
void factor_slopes(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures,
                   const FactorIndex& index, const density::Points<Scalar>& points,
                   const Matrix<Scalar>& slopes) {
  if (mixtures.n_logistics == 1)
    return density::single_logistic_slopes<Scalar>(space, mixtures, index, points, slopes);
  const ConstMatrix<Scalar> x = points.x;
  const Matrix<Scalar> slope = slopes;
  const FactorIndex factors = index;
  for_each_group(
      space, "slopes of the factors", factors.count(points.size()), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const FactorIndex::Factor f = factors.at(item);
        const Scalar slope_k = density::log_density_slope(mixtures.at(f.head, f.s, lane), x(f.i, f.s));
        if (lane.is_first()) slope(f.head, f.s) = slope_k;
      });
}

template <class Scalar>
void MixtureFlux<Scalar>::score(const ExecutionSpace& space, const ConstVector<Scalar>&,
                                const density::Points<Scalar>& points, const Matrix<Scalar>& score) {
  factor_slopes(space, m_density.network().mixtures(), index(), points, m_slope);
  mean_over_products<Scalar>(space, "score", index(), points.size(), m_log_share, m_slope, score);
}

/// log F_i^k and log(1 - F_i^k) of every factor, (K D, n).
template <class Scalar>
void factor_cdfs(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures,
                 const FactorIndex& index, const density::Points<Scalar>& points,
                 const Matrix<Scalar>& log_below, const Matrix<Scalar>& log_above) {
  const ConstMatrix<Scalar> x = points.x;
  const Matrix<Scalar> below = log_below, above = log_above;
  const FactorIndex factors = index;
  for_each_group(
      space, "conditional distribution functions", factors.count(points.size()), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const FactorIndex::Factor f = factors.at(item);
        Scalar log_below_k = 0, log_above_k = 0;
        density::log_cdf(mixtures.at(f.head, f.s, lane), x(f.i, f.s), log_below_k, log_above_k);
        if (!lane.is_first()) return;
        below(f.head, f.s) = log_below_k;
        above(f.head, f.s) = log_above_k;
      });
}

/// The adjoint of w_k: sum_i v_bar_i v_i^k + direction_i d log f_i^k / dx. @param[out] gain (K, n)
/// @param[out] far_gain (K, n) w_k v_bar_i v_i^k of those i whose v_i^k alone may exceed the range; not in `gain`
template <class Scalar>
void product_gains(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures,
                   const FactorIndex& index, const density::Points<Scalar>& points,
                   const FluxBar<Scalar>& bar, const ConstMatrix<Scalar>& factor_velocity,
                   const ConstMatrix<Scalar>& log_units, const ConstMatrix<Scalar>& log_share,
                   const Matrix<Scalar>& gain, const Matrix<Scalar>& far_gain) {
  const ConstMatrix<Scalar> x = points.x, v = factor_velocity, unit = log_units, velocity_bar = bar.velocity,
                            direction = bar.direction, share = log_share;
  const Matrix<Scalar> out = gain, far_out = far_gain;
  const bool has_direction = bar.direction.extent(0) > 0;
  const FactorIndex factors = index;
  for_each_group(
      space, "gain of the products", points.size() * index.n_products, mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const int s = item / factors.n_products, k = item % factors.n_products;
        Scalar sum = 0, far_sum = 0;
        for (int i = 0; i < factors.n_leading; ++i) {
          const int head = k * factors.n_dims + i;
          const density::InUnit<Scalar> v_k = {v(head, s), unit(head, s)};
          if (v_k.log_unit == Scalar(0))
            sum += velocity_bar(i, s) * v_k.value;
          else
            far_sum += velocity_bar(i, s) * v_k.weighted(share(k, s));
          if (has_direction)
            sum += direction(i, s) * density::log_density_slope(mixtures.at(head, s, lane), x(i, s));
        }
        if (!lane.is_first()) return;
        out(k, s) = sum;
        far_out(k, s) = far_sum;
      });
}

/// With w_k = e^log_share_k and L_k = log gamma_k + sum_i log f_i^k: dw_k = w_k (dL_k - sum_m w_m dL_m).
/// Hence the adjoint of L_k is w_k ( log_rho_bar + sum_i v_bar_i (v_i^k - v_i) + (d_k - sum_m w_m d_m) ),
/// where d_k = sum_i direction_i d log f_i^k / dx.
/// @param gain, far_gain (K, n) of product_gains @param[out] log_factor_bar (K, n)
template <class Scalar>
void product_adjoint(const ExecutionSpace& space, int n_products, int n, const ConstMatrix<Scalar>& log_share,
                     const ConstMatrix<Scalar>& gain, const ConstMatrix<Scalar>& far_gain,
                     const ConstVector<Scalar>& log_rho_bar, const Matrix<Scalar>& log_factor_bar) {
  const ConstMatrix<Scalar> share = log_share, share_bar = gain, far_bar = far_gain;
  const ConstVector<Scalar> to_log_rho = log_rho_bar;
  const Matrix<Scalar> out = log_factor_bar;
  for_each(
      space, "product adjoint", n, KOKKOS_LAMBDA(int s) {
        Scalar mean = 0;
        for (int k = 0; k < n_products; ++k) mean += math::exp(share(k, s)) * share_bar(k, s) + far_bar(k, s);
        for (int k = 0; k < n_products; ++k)
          out(k, s) = math::exp(share(k, s)) * (to_log_rho(s) + share_bar(k, s) - mean) + far_bar(k, s);
      });
}

/// The adjoint of the network's outputs, and of x by factor. @param[out] head_x_bar (K D, n)
template <class Scalar>
void factor_adjoint(const ExecutionSpace& space, density::MixtureNetwork<Scalar>& network,
                    const FactorIndex& index, const density::Points<Scalar>& points,
                    const FluxBar<Scalar>& bar, const ConstMatrix<Scalar>& log_share,
                    const ConstMatrix<Scalar>& log_factor_bar, const Matrix<Scalar>& head_x_bar) {
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  const ConstMatrix<Scalar> x = points.x, velocity_bar = bar.velocity, direction = bar.direction;
  const ConstMatrix<Scalar> shares = log_share, factor_bar = log_factor_bar;
  const Matrix<Scalar> to_x_bar = head_x_bar;
  const bool has_direction = bar.direction.extent(0) > 0;
  const int n = points.size();
  const FactorIndex factors = index;
  for_each_group(
      space, "factors in motion adjoint", factors.count(n), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const FactorIndex::Factor f = factors.at(item);
        const density::Mixture<Scalar> mixture = mixtures.at(f.head, f.s, lane);
        const density::Mixture<Scalar> to = out_bar.at(f.head, f.s, lane);
        const density::Mixture<Scalar> to_dot = out_bar.at(f.head, n + f.s, lane);
        const Scalar log_share = shares(f.k, f.s), share = math::exp(log_share), position = x(f.i, f.s);
        Scalar to_x = 0;
        density::set_zero(to);
        density::set_zero(to_dot);
        density::log_density_slope_adjoint(
            mixture, position, has_direction ? direction(f.i, f.s) : Scalar(0),
            density::LogDensityBar<Scalar>{factor_bar(f.k, f.s), has_direction ? share : Scalar(0)}, to,
            to_x);
        density::quantile_velocity_adjoint(mixture, mixtures.at(f.head, n + f.s, lane), position,
                                           density::VelocityBar<Scalar>{velocity_bar(f.i, f.s), log_share},
                                           to, to_dot, to_x);
        if (lane.is_first()) to_x_bar(f.head, f.s) = to_x;
      });
}

/// x_bar_i += sum_k head_x_bar_i^k.
template <class Scalar>
void add_state_adjoint(const ExecutionSpace& space, const FactorIndex& index, int n,
                       const ConstMatrix<Scalar>& head_x_bar, const Matrix<Scalar>& x_bar) {
  const ConstMatrix<Scalar> by_head = head_x_bar;
  const Matrix<Scalar> sum = x_bar;
  const FactorIndex factors = index;
  for_each(
      space, "state adjoint", n * index.n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / factors.n_leading, i = item % factors.n_leading;
        for (int k = 0; k < factors.n_products; ++k) sum(i, s) += by_head(k * factors.n_dims + i, s);
      });
}

/// The adjoint of the logits of gamma. @param log_norm (1) log sum_k e^logit_k
/// @param prefix_bar (K, n) of sampled_states_adjoint; empty: none
template <class Scalar>
void product_weights_adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& logits,
                             const ConstVector<Scalar>& log_norm, int n,
                             const ConstMatrix<Scalar>& log_factor_bar,
                             const ConstVector<Scalar>& log_rho_bar, const ConstMatrix<Scalar>& prefix_bar,
                             const Vector<Scalar>& logits_bar) {
  const ConstVector<Scalar> gamma = logits, norm = log_norm, to_log_rho = log_rho_bar;
  const ConstMatrix<Scalar> factor_bar = log_factor_bar, sampled_bar = prefix_bar;
  const Vector<Scalar> gamma_bar = logits_bar;
  const bool is_sampled = prefix_bar.extent(0) > 0;
  const int n_products = static_cast<int>(gamma.extent(0));
  for_each(
      space, "product weights adjoint", n_products, KOKKOS_LAMBDA(int k) {
        const Scalar prior = math::exp(gamma(k) - norm(0));
        Scalar sum = 0;
        for (int s = 0; s < n; ++s)
          sum += factor_bar(k, s) - to_log_rho(s) * prior + (is_sampled ? sampled_bar(k, s) : Scalar(0));
        gamma_bar(k) += sum;
      });
}

/// The adjoint of the network's outputs, and of x by factor.
template <class Scalar>
void MixtureFlux<Scalar>::factors_adjoint(const ExecutionSpace& space, const density::Points<Scalar>& points,
                                          const FluxBar<Scalar>& bar) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  if (!m_grows)
    return factor_adjoint<Scalar>(space, network, index(), points, bar, m_log_share, m_log_factor_bar,
                                  m_head_x_bar);
  growing_factor_adjoint<Scalar>(
      space, network, m_share, index(), points,
      {bar.velocity, bar.direction, bar.growth, m_log_share, m_log_factor_bar, bar.share_energy},
      m_head_x_bar, m_gain);
  growth_share_adjoint<Scalar>(space, network, m_share, index(), points.size(), m_gain);
}

/// The adjoint of the logits of gamma, whether parameters or outputs of a network.
template <class Scalar>
void MixtureFlux<Scalar>::weights_adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                          int n, const FluxBar<Scalar>& bar,
                                          const Vector<Scalar>& parameters_bar) {
  const Matrix<Scalar> sampled_bar = bar.states == StateKind::sampled ? m_share_bar : Matrix<Scalar>();
  if (parameters_bar.extent(0) == 0) return;
  density::ProductWeights<Scalar>& weights = m_density.weights();
  if (weights.is_constant()) {
    const auto logits = Kokkos::make_pair(weights.offset(), weights.offset() + weights.n_products());
    const ConstVector<Scalar> gamma = Kokkos::subview(parameters, logits);
    const Vector<Scalar> gamma_bar = Kokkos::subview(parameters_bar, logits);
    return product_weights_adjoint<Scalar>(space, gamma, m_density.log_norm(space, parameters), n,
                                           m_log_factor_bar, bar.log_rho, sampled_bar, gamma_bar);
  }
  growing_weights_adjoint<Scalar>(
      space, weights.logits(parameters), weights.n_products(), n,
      {m_log_factor_bar, bar.log_rho, bar.growth, m_log_share, sampled_bar, weights.logits_bar()});
  weights.adjoint(space, parameters, parameters_bar, {});
}

template <class Scalar>
void MixtureFlux<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                  const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                                  const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n = points.size(), n_products = m_density.n_products();
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  if (m_density.n_leading() < m_density.n_dims()) {  // the heads of the other coordinates take no part
    Kokkos::deep_copy(space, out_bar.shapes, Scalar(0));
    Kokkos::deep_copy(space, out_bar.logits, Scalar(0));
  }
  product_gains<Scalar>(space, mixtures, index(), points, bar, m_factor_velocity, m_log_unit, m_log_share,
                        m_share_bar, m_far_gain);
  if (bar.growth.extent(0) > 0)
    add_growth_gains<Scalar>(space, product_growth(parameters, n), bar.growth, m_share_bar);
  product_adjoint<Scalar>(space, n_products, n, m_log_share, m_share_bar, m_far_gain, bar.log_rho,
                          m_log_factor_bar);
  factors_adjoint(space, points, bar);
  add_state_adjoint<Scalar>(space, index(), n, m_head_x_bar, x_bar);
  if (bar.states == StateKind::sampled) {
    factor_cdfs(space, mixtures, index(), points, m_slope, m_head_x_bar);
    sampled_states_adjoint<Scalar>(space, m_density.weights().logits(parameters),
                                   {mixtures, out_bar, points.x, m_log_f, m_slope, m_head_x_bar,
                                    m_log_factor_prefix, m_share_bar, x_bar, index()},
                                   n);
  }
  network.adjoint_stage(space, parameters, parameters_bar, 0, {});
  weights_adjoint(space, parameters, n, bar, parameters_bar);
}

}  // namespace

template <class Scalar>
std::unique_ptr<Flux<Scalar>> make_mixture_flux(density::Factorised<Scalar>& density,
                                                const density::Config& config) {
  return std::make_unique<MixtureFlux<Scalar>>(density, config);
}

template std::unique_ptr<Flux<float>> make_mixture_flux(density::Factorised<float>&, const density::Config&);
template std::unique_ptr<Flux<double>> make_mixture_flux(density::Factorised<double>&,
                                                         const density::Config&);

}  // namespace rhoflux::flux
