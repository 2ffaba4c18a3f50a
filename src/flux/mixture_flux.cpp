#include "fluxes.hpp"
#include "growing_products.hpp"
#include "rhoflux/core/log_sum_exp.hpp"
#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"

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
  Matrix<Scalar> m_log_unit;                           ///< (K D, n) of m_factor_velocity
  Matrix<Scalar> m_log_share;                          ///< (K, n) log w_k
  Matrix<Scalar> m_share_bar;       ///< (K, n) adjoint of w_k; after sampled_states_adjoint, of log gamma_k
  Matrix<Scalar> m_far_gain;        ///< (K, n) of product_gains
  Matrix<Scalar> m_log_factor_bar;  ///< (K, n) adjoint of L_k
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

/// mean_i = sum_k w_k by_factor_i^k. @param log_share (K, n) @param by_factor (K D, n) @param[out] mean (n_dims, n)
template <class Scalar>
void mean_over_products(const ExecutionSpace& space, const char* label, const FactorIndex& index, int n,
                        const ConstMatrix<Scalar>& log_share, const ConstMatrix<Scalar>& by_factor,
                        const Matrix<Scalar>& mean) {
  const ConstMatrix<Scalar> share = log_share, value = by_factor;
  const Matrix<Scalar> out = mean;
  const FactorIndex factors = index;
  for_each(
      space, label, n * index.n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / factors.n_leading, i = item % factors.n_leading;
        Scalar sum = 0;
        for (int k = 0; k < factors.n_products; ++k)
          sum += math::exp(share(k, s)) * value(k * factors.n_dims + i, s);
        out(i, s) = sum;
      });
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
  if (m_grows)
    growing_factor_velocities<Scalar>(space, mixtures, m_share, index(), points,
                                      {m_factor_velocity, m_log_unit, m_log_f, m_gain});
  else
    factor_velocities(space, mixtures, index(), points, m_factor_velocity, m_log_unit, m_log_f);
  m_density.mix(space, parameters, n, m_log_f, m_log_share, views.log_rho);
  mixture_velocity<Scalar>(space, index(), n, m_log_share, m_factor_velocity, m_log_unit, views.velocity);
  if (m_grows) mixture_growth<Scalar>(space, product_growth(parameters, n), m_log_share, views.growth);
}

/// d log f_i^k / dx of every factor, (K D, n).
template <class Scalar>
void factor_slopes(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures,
                   const FactorIndex& index, const density::Points<Scalar>& points,
                   const Matrix<Scalar>& slopes) {
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
  FactorIndex index;

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

/// The adjoint of the logits of gamma. @param prefix_bar (K, n) of sampled_states_adjoint; empty: none
template <class Scalar>
void product_weights_adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& logits, int n,
                             const ConstMatrix<Scalar>& log_factor_bar,
                             const ConstVector<Scalar>& log_rho_bar, const ConstMatrix<Scalar>& prefix_bar,
                             const Vector<Scalar>& logits_bar) {
  const ConstVector<Scalar> gamma = logits, to_log_rho = log_rho_bar;
  const ConstMatrix<Scalar> factor_bar = log_factor_bar, sampled_bar = prefix_bar;
  const Vector<Scalar> gamma_bar = logits_bar;
  const bool is_sampled = prefix_bar.extent(0) > 0;
  const int n_products = static_cast<int>(gamma.extent(0));
  for_each(
      space, "product weights adjoint", n_products, KOKKOS_LAMBDA(int k) {
        const Scalar prior = math::exp(gamma(k) - log_sum_exp(gamma.data(), n_products));
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
  growing_factor_adjoint<Scalar>(space, network, m_share, index(), points,
                                 {bar.velocity, bar.direction, bar.growth, m_log_share, m_log_factor_bar},
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
    return product_weights_adjoint<Scalar>(space, gamma, n, m_log_factor_bar, bar.log_rho, sampled_bar,
                                           gamma_bar);
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
