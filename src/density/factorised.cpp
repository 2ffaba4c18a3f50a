#include "rhoflux/density/factorised.hpp"

#include <algorithm>
#include <cstddef>

#include "product_start.hpp"
#include "rhoflux/core/draws.hpp"
#include "rhoflux/density/single_logistics.hpp"
#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::density {

template <class Scalar>
Factorised<Scalar>::Factorised(const Config& config, int n_dims, const Capacity& capacity)
    : Density<Scalar>(config, n_dims, capacity),
      m_config(config),
      m_n_products(config.n_products),
      m_weights(config, capacity.samples * (1 + capacity.tangents), capacity.passes, capacity.precision,
                this->m_layout),
      m_network(config,
                {1, config.n_products * n_dims, capacity.samples * (1 + capacity.tangents), capacity.passes,
                 capacity.precision},
                this->m_layout),
      m_log_f(make_matrix<Scalar>("log factors", config.n_products * n_dims, capacity.samples)),
      m_log_share(make_matrix<Scalar>("log shares", config.n_products, capacity.samples)),
      m_log_f_dot(make_matrix<Scalar>("log factors tangent", config.n_products * n_dims,
                                      capacity.samples * capacity.tangents)),
      m_log_norm(make_vector<Scalar>("norm of the product weights", 1)),
      m_x_bar(make_matrix<Scalar>("x adjoint", config.n_products * std::max(2, n_dims), capacity.samples)) {}

template <class Scalar>
std::vector<double> Factorised<Scalar>::initialise(const InitialRows& rows, std::uint64_t seed) const {
  std::vector<double> parameters(static_cast<std::size_t>(this->m_layout.size()), 0.0);
  const ProductStart start = start_of_products(rows, m_n_products, m_config.n_logistics, seed);
  m_network.initialise(parameters, start.locations, start.log_scales, seed);
  if (start.narrower != 1) m_network.scale_location_weights(parameters, start.narrower);
  m_weights.initialise(parameters, seed);
  return parameters;
}

template <class Scalar>
void Factorised<Scalar>::evaluate_networks(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                           const Points<Scalar>& points, int n_tangents,
                                           const ConstStridedVector<Scalar>& tau_dot) {
  const network::Columns columns = {points.size(), n_tangents};
  m_network.begin(space, columns, points.tau, tau_dot, points.conditions);
  m_network.evaluate(space, parameters, 0);
  m_weights.evaluate(space, parameters, columns, points.tau, tau_dot, points.conditions);
}

template <class Scalar>
void Factorised<Scalar>::forward(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                 const Points<Scalar>& points) {
  evaluate_networks(space, parameters, points, 0, {});
}

namespace {

/// log f_i^k of every product k and leading coordinate i.
template <class Scalar>
void factor_densities(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures,
                      const FactorIndex& index, const Points<Scalar>& points, const Matrix<Scalar>& log_f) {
  if (mixtures.n_logistics == 1)
    return single_logistic_densities<Scalar>(space, mixtures, index, points, log_f);
  const ConstMatrix<Scalar> x = points.x;
  const Matrix<Scalar> out = log_f;
  const FactorIndex factors = index;
  for_each_group(
      space, "log factors", factors.count(points.size()), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const FactorIndex::Factor f = factors.at(item);
        const Scalar log_factor = density::log_density(mixtures.at(f.head, f.s, lane), x(f.i, f.s));
        if (lane.is_first()) out(f.head, f.s) = log_factor;
      });
}

/// log f_i^k, and its derivatives along tangents.
/// @param x_dot (n_dims, n n_tangents) @param[out] log_f (K D, n) @param[out] log_f_dot (K D, n n_tangents)
template <class Scalar>
void factor_densities_tangent(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures,
                              const FactorIndex& index, const Points<Scalar>& points, int n_tangents,
                              const ConstMatrix<Scalar>& x_dot, const Matrix<Scalar>& log_f,
                              const Matrix<Scalar>& log_f_dot) {
  if (mixtures.n_logistics == 1)
    return single_logistic_tangents<Scalar>(space, mixtures, index, points, n_tangents, x_dot, log_f,
                                            log_f_dot);
  const ConstMatrix<Scalar> x = points.x, moved = x_dot;
  const Matrix<Scalar> out = log_f, out_dot = log_f_dot;
  const FactorIndex factors = index;
  const int n = points.size();
  for_each_group(
      space, "log factors tangent", factors.count(n), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const FactorIndex::Factor f = factors.at(item);
        for (int j = 0; j < n_tangents; ++j) {
          Scalar rate = 0;
          const Scalar log_factor = density::log_density_tangent(mixtures.at(f.head, f.s, lane), x(f.i, f.s),
                                                                 mixtures.at(f.head, (j + 1) * n + f.s, lane),
                                                                 moved(f.i, j * n + f.s), rate);
          if (!lane.is_first()) continue;
          out(f.head, f.s) = log_factor;
          out_dot(f.head, j * n + f.s) = rate;
        }
      });
}

/// Adjoint of the network's outputs and of x by head, weight_s times the share of each product.
/// @param weight (n) adjoint of log rho; empty: 1
/// @param log_share (K, n) @param[out] head_x_bar (K D, n)
template <class Scalar>
void factor_densities_adjoint(const ExecutionSpace& space, MixtureNetwork<Scalar>& network,
                              const FactorIndex& index, const Points<Scalar>& points,
                              const ConstVector<Scalar>& weight, const ConstMatrix<Scalar>& log_share,
                              const Matrix<Scalar>& head_x_bar) {
  const MixtureView<Scalar> mixtures = network.mixtures(), bar = network.mixtures_bar();
  const ConstMatrix<Scalar> x = points.x, shares = log_share;
  const Matrix<Scalar> x_bar = head_x_bar;
  const ConstVector<Scalar> factor = weight;
  const bool has_weight = weight.extent(0) > 0;
  const FactorIndex factors = index;
  if (index.n_leading < index.n_dims) {  // the heads of the other coordinates take no part
    Kokkos::deep_copy(space, bar.shapes, Scalar(0));
    Kokkos::deep_copy(space, bar.logits, Scalar(0));
  }
  if (mixtures.n_logistics == 1 && !bar.has_share())
    return single_logistic_adjoint<Scalar>(space, mixtures, bar, index, points, weight, log_share,
                                           head_x_bar);
  for_each_group(
      space, "log factors adjoint", factors.count(points.size()), mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const FactorIndex::Factor f = factors.at(item);
        const Scalar share = math::exp(shares(f.k, f.s));
        Scalar slope = 0;
        log_density_adjoint(mixtures.at(f.head, f.s, lane), x(f.i, f.s),
                            has_weight ? factor(f.s) * share : share, bar.at(f.head, f.s, lane), slope);
        if (!lane.is_first()) return;
        x_bar(f.head, f.s) = slope;
        if (bar.has_share() && f.head == 0) bar.share_logit(0, f.s) = 0;
      });
}

/// Adjoint of the logits of gamma of each sample, where they come from a network: weight_s (share_k - gamma_k).
/// @param weight (n); empty: 1 @param log_share (K, n) @param[out] logits_bar (K, n)
template <class Scalar>
void product_logits_adjoint(const ExecutionSpace& space, const ProductLogits<Scalar>& logits, int n_products,
                            const ConstVector<Scalar>& weight, const ConstMatrix<Scalar>& log_share, int n,
                            const Matrix<Scalar>& logits_bar) {
  const ProductLogits<Scalar> gamma = logits;
  const ConstVector<Scalar> factor = weight;
  const ConstMatrix<Scalar> shares = log_share;
  const Matrix<Scalar> bar = logits_bar;
  const bool has_weight = weight.extent(0) > 0;
  for_each(
      space, "product logits adjoint", n, KOKKOS_LAMBDA(int s) {
        const Scalar norm = log_sum_exp(gamma.at(s), n_products);
        for (int k = 0; k < n_products; ++k)
          bar(k, s) = (has_weight ? factor(s) : Scalar(1)) *
                      (math::exp(shares(k, s)) - math::exp(gamma.at(s)[k] - norm));
      });
}

}  // namespace

template <class Scalar>
ConstVector<Scalar> Factorised<Scalar>::log_norm(const ExecutionSpace& space,
                                                 const ConstVector<Scalar>& parameters) const {
  const Scalar* gamma = parameters.data() + m_weights.offset();
  const Vector<Scalar> norm = m_log_norm;
  const int n_products = m_n_products;
  for_each(
      space, "norm of the product weights", 1,
      KOKKOS_LAMBDA(int) { norm(0) = log_sum_exp(gamma, n_products); });
  return m_log_norm;
}

template <class Scalar>
void Factorised<Scalar>::mix(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, int n,
                             const ConstMatrix<Scalar>& log_f, const Matrix<Scalar>& log_share,
                             const Vector<Scalar>& log_rho) const {
  const int n_dims = this->m_n_dims, n_leading = this->m_n_leading, n_products = m_n_products;
  const ProductLogits<Scalar> logits = m_weights.logits(parameters);
  const bool is_constant = m_weights.is_constant();
  const Vector<Scalar> constant_norm = m_log_norm;
  if (is_constant) log_norm(space, parameters);
  for_each(
      space, "mixture of products", n, KOKKOS_LAMBDA(int s) {
        const Scalar* gamma = logits.at(s);
        Scalar* share = &log_share(0, s);
        for (int k = 0; k < n_products; ++k) {
          Scalar sum = gamma[k];
          for (int i = 0; i < n_leading; ++i) sum += log_f(k * n_dims + i, s);
          share[k] = sum;
        }
        const Scalar total = log_sum_exp(static_cast<const Scalar*>(share), n_products);
        for (int k = 0; k < n_products; ++k) share[k] -= total;
        log_rho(s) = total - (is_constant ? constant_norm(0) : log_sum_exp(gamma, n_products));
      });
}

template <class Scalar>
void Factorised<Scalar>::log_density(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                     const Points<Scalar>& points, const Vector<Scalar>& log_rho) {
  forward(space, parameters, points);
  factor_densities(space, m_network.mixtures(), index(), points, m_log_f);
  mix(space, parameters, points.size(), m_log_f, m_log_share, log_rho);
}

template <class Scalar>
void Factorised<Scalar>::log_density_tangent(const ExecutionSpace& space,
                                             const ConstVector<Scalar>& parameters,
                                             const Points<Scalar>& points, int n_tangents,
                                             const ConstVector<Scalar>& tau_dot,
                                             const ConstMatrix<Scalar>& x_dot, const Vector<Scalar>& log_rho,
                                             const Vector<Scalar>& log_rho_dot) {
  evaluate_networks(space, parameters, points, n_tangents, tau_dot);
  const int n_dims = this->m_n_dims, n_leading = this->m_n_leading, n = points.size();
  const int n_products = m_n_products;
  const Matrix<Scalar> log_f_dot = m_log_f_dot, log_share = m_log_share;
  factor_densities_tangent<Scalar>(space, m_network.mixtures(), index(), points, n_tangents, x_dot, m_log_f,
                                   m_log_f_dot);
  mix(space, parameters, n, m_log_f, m_log_share, log_rho);
  for_each(
      space, "mixture of products tangent", n * n_tangents, KOKKOS_LAMBDA(int column) {
        Scalar sum = 0;
        for (int k = 0; k < n_products; ++k) {
          Scalar product_dot = 0;
          for (int i = 0; i < n_leading; ++i) product_dot += log_f_dot(k * n_dims + i, column);
          sum += math::exp(log_share(k, column % n)) * product_dot;
        }
        log_rho_dot(column) = sum;
      });
  if (m_weights.is_constant()) return;
  const ProductLogits<Scalar> logits = m_weights.logits(parameters);
  for_each(
      space, "product weights tangent", n * n_tangents, KOKKOS_LAMBDA(int column) {
        const int s = column % n;
        const Scalar *gamma = logits.at(s), *rate = logits.at(n + column);
        const Scalar norm = log_sum_exp(gamma, n_products);
        Scalar sum = 0;
        for (int k = 0; k < n_products; ++k)
          sum += (math::exp(log_share(k, s)) - math::exp(gamma[k] - norm)) * rate[k];
        log_rho_dot(column) += sum;
      });
}

template <class Scalar>
void Factorised<Scalar>::log_density_gradient(const ExecutionSpace& space,
                                              const ConstVector<Scalar>& parameters,
                                              const Points<Scalar>& points, const ConstVector<Scalar>& weight,
                                              const Vector<Scalar>& log_rho,
                                              const Vector<Scalar>& parameters_bar) {
  log_density(space, parameters, points, log_rho);
  factor_densities_adjoint<Scalar>(space, m_network, index(), points, weight, m_log_share, m_x_bar);
  const int n_products = m_n_products, n = points.size();
  const Matrix<Scalar> log_share = m_log_share;
  if (!m_weights.is_constant()) {
    product_logits_adjoint<Scalar>(space, m_weights.logits(parameters), n_products, weight, log_share, n,
                                   m_weights.logits_bar());
    m_weights.adjoint(space, parameters, parameters_bar, {});
    m_network.adjoint(space, parameters, parameters_bar, {});
    return;
  }
  const Scalar* gamma = parameters.data() + m_weights.offset();
  Scalar* gamma_bar = parameters_bar.data() + m_weights.offset();
  const ConstVector<Scalar> norm = m_log_norm;  // of log_density
  for_each(
      space, "product weights adjoint", n_products, KOKKOS_LAMBDA(int k) {
        const Scalar prior = math::exp(gamma[k] - norm(0));
        Scalar sum = 0;
        for (int s = 0; s < n; ++s) sum += weight(s) * (math::exp(log_share(k, s)) - prior);
        gamma_bar[k] += sum;
      });
  m_network.adjoint(space, parameters, parameters_bar, {});
}

template <class Scalar>
void Factorised<Scalar>::log_density_score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                           const Points<Scalar>& points, const Vector<Scalar>& log_rho,
                                           const Vector<Scalar>& tau_bar, const Matrix<Scalar>& score) {
  log_density(space, parameters, points, log_rho);
  factor_densities_adjoint<Scalar>(space, m_network, index(), points, {}, m_log_share, m_x_bar);
  Kokkos::deep_copy(space, tau_bar, Scalar(0));
  network::AdjointScope scope;
  scope.inputs = true;
  m_network.adjoint(space, parameters, Vector<Scalar>(), scope);
  m_network.inputs_adjoint(space, tau_bar, {});
  if (!m_weights.is_constant()) {
    product_logits_adjoint<Scalar>(space, m_weights.logits(parameters), m_n_products, {}, m_log_share,
                                   points.size(), m_weights.logits_bar());
    m_weights.adjoint(space, parameters, Vector<Scalar>(), scope);
    m_weights.time_adjoint(space, tau_bar);
  }
  const int n_dims = this->m_n_dims, n_leading = this->m_n_leading, n_products = m_n_products;
  const Matrix<Scalar> x_bar = m_x_bar;
  for_each(
      space, "score", points.size() * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        Scalar sum = 0;
        for (int k = 0; k < n_products; ++k) sum += x_bar(k * n_dims + i, s);
        score(i, s) = sum;
      });
}

/// F_i(x_i | x_{<i}) = sum_k v_k F_i^k(x_i), v_k proportional to gamma_k prod_{j<i} f_j^k(x_j).
template <class Scalar>
void Factorised<Scalar>::log_conditional_cdf(const ExecutionSpace& space,
                                             const ConstVector<Scalar>& parameters,
                                             const Points<Scalar>& points, const Matrix<Scalar>& log_below,
                                             const Matrix<Scalar>& log_above) {
  forward(space, parameters, points);
  factor_densities(space, m_network.mixtures(), index(), points, m_log_f);
  const int n_dims = this->m_n_dims, n_leading = this->m_n_leading, n_products = m_n_products;
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x, log_f = m_log_f, prefix = m_log_share, scratch = m_x_bar;
  const ProductLogits<Scalar> logits = m_weights.logits(parameters);
  if (mixtures.n_logistics == 1)
    return for_each(space, "conditional distribution functions", points.size(),
                    SingleLogisticCdf<Scalar>{
                        {mixtures}, x, log_f, logits, prefix, scratch, log_below, log_above, index()});
  for_each_group(
      space, "conditional distribution functions", points.size(), mixtures.n_logistics,
      KOKKOS_LAMBDA(int s, const Lane& lane) {
        const Scalar* gamma = logits.at(s);
        Scalar* below = &scratch(0, s);
        Scalar* above = below + n_products;
        for (int k = lane.index(); k < n_products; k += lane.count()) prefix(k, s) = gamma[k];
        for (int i = 0; i < n_leading; ++i) {
          lane.wait();
          const Scalar norm = log_sum_exp(static_cast<const Scalar*>(&prefix(0, s)), n_products);
          for (int k = 0; k < n_products; ++k) {
            Scalar log_below_k = 0, log_above_k = 0;
            log_cdf(mixtures.at(k * n_dims + i, s, lane), x(i, s), log_below_k, log_above_k);
            if (!lane.is_first()) continue;
            below[k] = log_below_k + (prefix(k, s) - norm);
            above[k] = log_above_k + (prefix(k, s) - norm);
          }
          lane.wait();
          const Scalar log_below_i = log_sum_exp(static_cast<const Scalar*>(below), n_products);
          const Scalar log_above_i = log_sum_exp(static_cast<const Scalar*>(above), n_products);
          if (lane.is_first()) {
            log_below(i, s) = log_below_i;
            log_above(i, s) = log_above_i;
          }
          lane.wait();
          for (int k = lane.index(); k < n_products; k += lane.count())
            prefix(k, s) += log_f(k * n_dims + i, s);
        }
      });
}

/// Of every product, whatever the coordinates before.
template <class Scalar>
void Factorised<Scalar>::conditional_reach(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                           const Points<Scalar>& points, Scalar log_mass,
                                           const Matrix<Scalar>& low, const Matrix<Scalar>& high) {
  forward(space, parameters, points);
  const int n_dims = this->m_n_dims, n_leading = this->m_n_leading, n_products = m_n_products;
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> lowest = low, highest = high;
  for_each_group(
      space, "reach of the conditionals", points.size() * n_leading, mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const int s = item / n_leading, i = item % n_leading;
        for (int k = 0; k < n_products; ++k) {
          Scalar low_k = 0, high_k = 0;
          reach(mixtures.at(k * n_dims + i, s, lane), log_mass, low_k, high_k);
          if (!lane.is_first()) continue;
          lowest(i, s) = k == 0 || low_k < lowest(i, s) ? low_k : lowest(i, s);
          highest(i, s) = k == 0 || high_k > highest(i, s) ? high_k : highest(i, s);
        }
      });
}

template <class Scalar>
void Factorised<Scalar>::sample(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                const Points<Scalar>& points, const ConstMatrix<double>& uniforms) {
  forward(space, parameters, points);
  sample_states(space, parameters, points, uniforms);
}

template <class Scalar>
void Factorised<Scalar>::sample_states(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                       const Points<Scalar>& points, const ConstMatrix<double>& uniforms) {
  const int n_dims = this->m_n_dims, n_leading = this->m_n_leading, n_products = m_n_products;
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x;
  const ProductLogits<Scalar> logits = m_weights.logits(parameters);
  for_each_group(
      space, "draw", points.size(), mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        const Scalar* gamma = logits.at(s);
        const double log_norm = static_cast<double>(log_sum_exp(gamma, n_products));
        const int k = choose_index(uniforms(0, s), n_products, [&](int m) {
          return math::exp(static_cast<double>(gamma[m]) - log_norm);
        });
        for (int i = 0; i < n_leading; ++i) {
          const Scalar drawn =
              draw(mixtures.at(k * n_dims + i, s, lane), uniforms(1 + 2 * i, s), uniforms(2 + 2 * i, s));
          if (lane.is_first()) x(i, s) = drawn;
        }
      });
}

/// The given coordinates choose the product, k with probability gamma_k prod_{i given} f_i^k / sum; the sum
/// is their marginal density.
template <class Scalar>
void Factorised<Scalar>::complete(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                  const Points<Scalar>& points, const ConstVector<int>& is_given,
                                  const ConstMatrix<double>& uniforms, const Vector<Scalar>& log_weight) {
  forward(space, parameters, points);
  const int n_dims = this->m_n_dims, n_products = m_n_products;
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x, log_share = m_log_share;
  const ProductLogits<Scalar> logits = m_weights.logits(parameters);
  for_each_group(
      space, "completion", points.size(), mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        const Scalar* gamma = logits.at(s);
        Scalar* share = &log_share(0, s);
        for (int k = 0; k < n_products; ++k) {
          Scalar sum = gamma[k];
          for (int i = 0; i < n_dims; ++i)
            if (is_given(i) != 0) sum += density::log_density(mixtures.at(k * n_dims + i, s, lane), x(i, s));
          if (lane.is_first()) share[k] = sum;
        }
        lane.wait();
        const Scalar total = log_sum_exp(static_cast<const Scalar*>(share), n_products);
        if (lane.is_first()) log_weight(s) = total - log_sum_exp(gamma, n_products);
        const int k = choose_index(uniforms(0, s), n_products,
                                   [&](int m) { return math::exp(static_cast<double>(share[m] - total)); });
        for (int i = 0; i < n_dims; ++i) {
          if (is_given(i) != 0) continue;
          const Scalar drawn =
              draw(mixtures.at(k * n_dims + i, s, lane), uniforms(1 + 2 * i, s), uniforms(2 + 2 * i, s));
          if (lane.is_first()) x(i, s) = drawn;
        }
      });
}

template class Factorised<float>;
template class Factorised<double>;

}  // namespace rhoflux::density
