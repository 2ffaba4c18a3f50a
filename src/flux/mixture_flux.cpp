#include "rhoflux/flux/mixture_flux.hpp"

#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::flux {

template <class Scalar>
MixtureFlux<Scalar>::MixtureFlux(density::Factorised<Scalar>& density)
    : m_density(density), m_ones(make_vector<Scalar>("rate of time", density.capacity().samples)) {
  Kokkos::deep_copy(m_ones, Scalar(1));
  const int samples = density.capacity().samples, components = density.n_components();
  for (Matrix<Scalar>* matrix : {&m_log_f, &m_factor_velocity, &m_slope, &m_head_x_bar})
    *matrix = make_matrix<Scalar>("factors in motion", components * density.n_dims(), samples);
  for (Matrix<Scalar>* matrix : {&m_log_share, &m_share_bar, &m_log_factor_bar, &m_log_factor_prefix})
    *matrix = make_matrix<Scalar>("components in motion", components, samples);
}

namespace {
/// Factor i of component k of sample s, from a flat index over the leading coordinates.
struct Factor {
  int s, k, i, head;
};
KOKKOS_INLINE_FUNCTION Factor factor_of(int item, int n_components, int n_leading, int n_dims) {
  const int i = item % n_leading, k = item / n_leading % n_components;
  return {item / n_leading / n_components, k, i, k * n_dims + i};
}
}  // namespace

template <class Scalar>
void MixtureFlux<Scalar>::velocity(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                   const density::Points<Scalar>& points, const Matrix<double>& uniforms,
                                   const Vector<Scalar>& log_rho, const Matrix<Scalar>& velocity) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n = points.size(), n_dims = m_density.n_dims(), n_leading = m_density.n_leading();
  const int n_components = m_density.n_components();
  const density::MixtureView<Scalar> mixtures = network.mixtures();
  const Matrix<Scalar> x = points.x, log_f = m_log_f, factor_velocity = m_factor_velocity;
  const Matrix<Scalar> log_share = m_log_share;
  network.begin(space, {n, 1}, points.tau.data(), m_ones.data());
  network.evaluate(space, parameters, 0);
  if (uniforms.extent(0) > 0) m_density.sample_states(space, parameters, points, uniforms);
  for_each(
      space, "factors in motion", n * n_components * n_leading, KOKKOS_LAMBDA(int item) {
        const Factor f = factor_of(item, n_components, n_leading, n_dims);
        factor_velocity(f.head, f.s) = density::quantile_velocity(
            mixtures.at(f.head, f.s), mixtures.at(f.head, n + f.s), x(f.i, f.s), log_f(f.head, f.s));
      });
  m_density.mix(space, parameters, n, log_f, log_share, log_rho);
  for_each(
      space, "mixture velocity", n * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        Scalar sum = 0;
        for (int k = 0; k < n_components; ++k)
          sum += math::exp(log_share(k, s)) * factor_velocity(k * n_dims + i, s);
        velocity(i, s) = sum;
      });
}

template <class Scalar>
void MixtureFlux<Scalar>::score(const ExecutionSpace& space, const Vector<Scalar>&,
                                const density::Points<Scalar>& points, const Matrix<Scalar>& score) {
  const int n = points.size(), n_dims = m_density.n_dims(), n_leading = m_density.n_leading();
  const int n_components = m_density.n_components();
  const density::MixtureView<Scalar> mixtures = m_density.network().mixtures();
  const Matrix<Scalar> x = points.x, slope = m_slope, log_share = m_log_share;
  for_each(
      space, "slopes of the factors", n * n_components * n_leading, KOKKOS_LAMBDA(int item) {
        const Factor f = factor_of(item, n_components, n_leading, n_dims);
        slope(f.head, f.s) = density::log_density_slope(mixtures.at(f.head, f.s), x(f.i, f.s));
      });
  for_each(
      space, "score", n * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        Scalar sum = 0;
        for (int k = 0; k < n_components; ++k) sum += math::exp(log_share(k, s)) * slope(k * n_dims + i, s);
        score(i, s) = sum;
      });
}

/// Draws that keep every F_i = sum_k p_k F_i^k, with p_k proportional to P_k = gamma_k prod_{j<i} f_j^k:
///   dx_i f_i = -sum_k p_k ( (F_i^k - F_i) dlog P_k + dF_i^k ),   f_i = sum_k p_k f_i^k,
/// from the last coordinate to the first, for log P_k depends on the x_j before it. F_i^k - F_i is taken on
/// the side that is small. Adds to the adjoint of the network's outputs and to x_bar; leaves the adjoint of
/// log gamma_k in m_share_bar.
template <class Scalar>
void MixtureFlux<Scalar>::move_states(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                      const density::Points<Scalar>& points, const Matrix<Scalar>& x_bar) {
  const int n_dims = m_density.n_dims(), n_leading = m_density.n_leading();
  const int n_components = m_density.n_components();
  const density::MixtureView<Scalar> mixtures = m_density.network().mixtures();
  const density::MixtureView<Scalar> out_bar = m_density.network().mixtures_bar();
  const Matrix<Scalar> x = points.x, log_f = m_log_f;
  const Matrix<Scalar> prefix = m_log_factor_prefix, prefix_bar = m_share_bar;
  const Matrix<Scalar> below = m_slope, above = m_head_x_bar;
  const Scalar* gamma = parameters.data() + m_density.gamma_offset();
  for_each(
      space, "conditional distribution functions", points.size() * n_components * n_leading,
      KOKKOS_LAMBDA(int item) {
        const Factor f = factor_of(item, n_components, n_leading, n_dims);
        density::log_cdf(mixtures.at(f.head, f.s), x(f.i, f.s), below(f.head, f.s), above(f.head, f.s));
      });
  for_each(
      space, "moving states adjoint", points.size(), KOKKOS_LAMBDA(int s) {
        for (int k = 0; k < n_components; ++k) {
          prefix(k, s) = gamma[k];
          for (int i = 0; i < n_leading; ++i) prefix(k, s) += log_f(k * n_dims + i, s);
          prefix_bar(k, s) = 0;
        }
        for (int i = n_leading - 1; i >= 0; --i) {
          Scalar most = prefix(0, s);
          for (int k = 0; k < n_components; ++k) {
            const int head = k * n_dims + i;
            // Later coordinates' adjoint of log P_k reaches x_i and the parameters of f_i^k.
            Scalar slope = 0;
            density::log_density_slope_adjoint(mixtures.at(head, s), x(i, s), Scalar(0),
                                               density::LogDensityBar<Scalar>{prefix_bar(k, s), Scalar(0)},
                                               out_bar.at(head, s), slope);
            x_bar(i, s) += slope;
            if (prefix(k, s) > most) most = prefix(k, s);  // of log P_k + log f_i^k
          }
          Scalar density_sum = 0, mass = 0, mass_below = 0, mass_above = 0;
          Scalar max_mass = prefix(0, s) - log_f(i, s);
          for (int k = 0; k < n_components; ++k) {
            density_sum += math::exp(prefix(k, s) - most);
            prefix(k, s) -= log_f(k * n_dims + i, s);  // now log P_k
            if (prefix(k, s) > max_mass) max_mass = prefix(k, s);
          }
          const Scalar log_density = most + math::log(density_sum);
          for (int k = 0; k < n_components; ++k) {
            const Scalar p = math::exp(prefix(k, s) - max_mass);
            mass += p;
            mass_below += p * math::exp(below(k * n_dims + i, s));
            mass_above += p * math::exp(above(k * n_dims + i, s));
          }
          const bool is_below = mass_below <= mass_above;
          const Scalar side = is_below ? Scalar(1) : Scalar(-1);
          // log of F_i, or of 1 - F_i
          Scalar max_side = prefix(0, s) + (is_below ? below : above)(i, s), side_sum = 0;
          for (int k = 0; k < n_components; ++k) {
            const Scalar term = prefix(k, s) + (is_below ? below : above)(k * n_dims + i, s);
            if (term > max_side) max_side = term;
          }
          for (int k = 0; k < n_components; ++k)
            side_sum += math::exp(prefix(k, s) + (is_below ? below : above)(k * n_dims + i, s) - max_side);
          const Scalar log_side = max_side + math::log(side_sum) - max_mass - math::log(mass);
          const Scalar c = -x_bar(i, s);
          for (int k = 0; k < n_components; ++k) {
            const int head = k * n_dims + i;
            // P_k (F_i^k - F_i) / sum_m P_m f_i^m and P_k f_i^k / sum_m P_m f_i^m
            const Scalar log_p = prefix(k, s) - log_density;
            const Scalar excess =
                side * (math::exp(log_p + (is_below ? below : above)(head, s)) - math::exp(log_p + log_side));
            const Scalar share = math::exp(log_p + log_f(head, s));
            Scalar unused = 0;
            density::cdf_ratio_adjoint(mixtures.at(head, s), x(i, s), c * share, out_bar.at(head, s), unused);
            prefix_bar(k, s) += c * excess;
          }
        }
      });
}

/// With w_k = e^log_share_k and L_k = log gamma_k + sum_i log f_i^k: dw_k = w_k (dL_k - sum_m w_m dL_m).
/// Hence the adjoint of L_k is w_k ( log_rho_bar + sum_i v_bar_i (v_i^k - v_i) + (d_k - sum_m w_m d_m) ),
/// where d_k = sum_i direction_i d log f_i^k / dx.
template <class Scalar>
void MixtureFlux<Scalar>::adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                  const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                                  const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n = points.size(), n_dims = m_density.n_dims(), n_leading = m_density.n_leading();
  const int n_components = m_density.n_components();
  const bool has_direction = bar.direction.extent(0) > 0, drawn = bar.states == StateKind::sampled;
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  const Matrix<Scalar> x = points.x, velocity_bar = bar.velocity, direction = bar.direction;
  const Matrix<Scalar> factor_velocity = m_factor_velocity, head_x_bar = m_head_x_bar;
  const Matrix<Scalar> log_share = m_log_share, share_bar = m_share_bar, log_factor_bar = m_log_factor_bar;
  const Matrix<Scalar> prefix_bar = m_share_bar;  // after move_states
  const Vector<Scalar> log_rho_bar = bar.log_rho;
  if (n_leading < n_dims) {  // the heads of the other coordinates take no part
    Kokkos::deep_copy(space, out_bar.shapes, Scalar(0));
    Kokkos::deep_copy(space, out_bar.logits, Scalar(0));
  }
  for_each(
      space, "gain of the components", n * n_components, KOKKOS_LAMBDA(int item) {
        const int s = item / n_components, k = item % n_components;
        Scalar gain = 0;
        for (int i = 0; i < n_leading; ++i) {
          const int head = k * n_dims + i;
          gain += velocity_bar(i, s) * factor_velocity(head, s);
          if (has_direction)
            gain += direction(i, s) * density::log_density_slope(mixtures.at(head, s), x(i, s));
        }
        share_bar(k, s) = gain;
      });
  for_each(
      space, "component adjoint", n, KOKKOS_LAMBDA(int s) {
        Scalar mean = 0;
        for (int k = 0; k < n_components; ++k) mean += math::exp(log_share(k, s)) * share_bar(k, s);
        for (int k = 0; k < n_components; ++k)
          log_factor_bar(k, s) = math::exp(log_share(k, s)) * (log_rho_bar(s) + share_bar(k, s) - mean);
      });
  for_each(
      space, "factors in motion adjoint", n * n_components * n_leading, KOKKOS_LAMBDA(int item) {
        const Factor f = factor_of(item, n_components, n_leading, n_dims);
        const density::Mixture<Scalar> mixture = mixtures.at(f.head, f.s);
        const density::Mixture<Scalar> to = out_bar.at(f.head, f.s), to_dot = out_bar.at(f.head, n + f.s);
        const Scalar share = math::exp(log_share(f.k, f.s)), position = x(f.i, f.s);
        Scalar to_x = 0;
        density::set_zero(to);
        density::set_zero(to_dot);
        density::log_density_slope_adjoint(
            mixture, position, has_direction ? direction(f.i, f.s) : Scalar(0),
            density::LogDensityBar<Scalar>{log_factor_bar(f.k, f.s), has_direction ? share : Scalar(0)}, to,
            to_x);
        density::quantile_velocity_adjoint(mixture, mixtures.at(f.head, n + f.s), position,
                                           share * velocity_bar(f.i, f.s), to, to_dot, to_x);
        head_x_bar(f.head, f.s) = to_x;
      });
  for_each(
      space, "state adjoint", n * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        for (int k = 0; k < n_components; ++k) x_bar(i, s) += head_x_bar(k * n_dims + i, s);
      });
  if (bar.states == StateKind::sampled) move_states(space, parameters, points, x_bar);
  network.adjoint_stage(space, parameters, parameters_bar, 0, {});
  if (parameters_bar.extent(0) == 0) return;
  const Scalar* gamma = parameters.data() + m_density.gamma_offset();
  Scalar* gamma_bar = parameters_bar.data() + m_density.gamma_offset();
  for_each(
      space, "component weights adjoint", n_components, KOKKOS_LAMBDA(int k) {
        const Scalar prior = math::exp(gamma[k] - log_sum_exp(gamma, n_components));
        Scalar sum = 0;
        for (int s = 0; s < n; ++s)
          sum += log_factor_bar(k, s) - log_rho_bar(s) * prior + (drawn ? prefix_bar(k, s) : Scalar(0));
        gamma_bar[k] += sum;
      });
}

template class MixtureFlux<float>;
template class MixtureFlux<double>;

}  // namespace rhoflux::flux
