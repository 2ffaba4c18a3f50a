#include "rhoflux/flux/sigmoid.hpp"

#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/device/loops.hpp"
#include "score_of_conditionals.hpp"

namespace rhoflux::flux {
namespace {

/// The reference distribution G at x.
template <class Scalar>
struct Reference {
  Scalar log_below, log_above;  ///< log G, log(1 - G)
  KOKKOS_INLINE_FUNCTION Scalar log_density() const { return log_below + log_above; }
  KOKKOS_INLINE_FUNCTION Scalar log_density_slope() const {
    return Scalar(1) - Scalar(2) * math::exp(log_below);
  }
};

template <class Scalar>
KOKKOS_INLINE_FUNCTION Reference<Scalar> reference(Scalar x) {
  return {math::log_sigmoid(x), math::log_sigmoid(-x)};
}

/// What the velocity needs of the conditionals of a sample, (n_dims, n) each.
template <class Scalar>
struct Conditionals {
  Matrix<Scalar> x, log_f, log_f_dot, quantile_velocity, cdf_ratio;
  Matrix<Scalar> log_factor;  ///< log prod_{j>i} g_j / f_j
  Matrix<Scalar> growth;      ///< d_t log P_{i-1}
  Matrix<Scalar> excess;      ///< e^log_factor (G_i - F_i) / f_i

  /// Fills the last three of one sample.
  KOKKOS_INLINE_FUNCTION void combine(int n_leading, int s) const {
    Scalar sum = 0;
    for (int i = 0; i < n_leading; ++i) {
      growth(i, s) = sum;
      sum += log_f_dot(i, s);
    }
    sum = 0;
    for (int i = n_leading - 1; i >= 0; --i) {
      const Reference<Scalar> g = reference(x(i, s));
      const Scalar shift = sum - log_f(i, s), ratio = cdf_ratio(i, s) * math::exp(sum);
      // From the side that is small.
      excess(i, s) = cdf_ratio(i, s) > Scalar(0) ? math::exp(g.log_below + shift) - ratio
                                                 : -ratio - math::exp(g.log_above + shift);
      log_factor(i, s) = sum;
      sum += g.log_density() - log_f(i, s);
    }
  }
};

}  // namespace

template <class Scalar>
Sigmoid<Scalar>::Sigmoid(density::Autoregressive<Scalar>& density)
    : m_density(density), m_ones(make_vector<Scalar>("rate of time", density.capacity().samples)) {
  Kokkos::deep_copy(m_ones, Scalar(1));
  for (Matrix<Scalar>* matrix : {&m_log_f, &m_log_f_dot, &m_quantile_velocity, &m_cdf_ratio, &m_log_factor,
                                 &m_growth, &m_excess, &m_velocity})
    *matrix = make_matrix<Scalar>("sigmoid flux", density.n_dims(), density.capacity().samples);
}

template <class Scalar>
void Sigmoid<Scalar>::velocity(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                               const density::Points<Scalar>& points, const Matrix<double>& uniforms,
                               const Vector<Scalar>& log_rho, const Matrix<Scalar>& velocity) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n = points.size(), n_leading = m_density.n_leading();
  const density::MixtureView<Scalar> mixtures = network.mixtures();
  const Conditionals<Scalar> f = {points.x,    m_log_f,      m_log_f_dot, m_quantile_velocity,
                                  m_cdf_ratio, m_log_factor, m_growth,    m_excess};
  const Matrix<Scalar> keep = m_velocity;
  const bool draws = uniforms.extent(0) > 0;
  network.begin(space, {n, 1}, points.tau.data(), m_ones.data());
  for (int i = 0; i < n_leading; ++i) {
    if (i > 0) network.feed(space, i, points.x.data() + i - 1, nullptr, m_density.n_dims());
    network.evaluate(space, parameters, i);
    for_each(
        space, "conditional in motion", n, KOKKOS_LAMBDA(int s) {
          if (draws) f.x(i, s) = density::draw(mixtures.at(i, s), uniforms(2 * i, s), uniforms(2 * i + 1, s));
          const density::MovingConditional<Scalar> found =
              density::moving_conditional(mixtures.at(i, s), mixtures.at(i, n + s), f.x(i, s));
          f.log_f(i, s) = found.log_f;
          f.log_f_dot(i, s) = found.log_f_dot;
          f.quantile_velocity(i, s) = found.quantile_velocity;
          f.cdf_ratio(i, s) = found.cdf_ratio;
        });
  }
  for_each(
      space, "sigmoid velocity", n, KOKKOS_LAMBDA(int s) {
        Scalar sum = 0;
        f.combine(n_leading, s);
        for (int i = 0; i < n_leading; ++i) {
          velocity(i, s) =
              f.excess(i, s) * f.growth(i, s) + math::exp(f.log_factor(i, s)) * f.quantile_velocity(i, s);
          keep(i, s) = velocity(i, s);
          sum += f.log_f(i, s);
        }
        log_rho(s) = sum;
      });
}

template <class Scalar>
void Sigmoid<Scalar>::score(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                            const density::Points<Scalar>& points, const Matrix<Scalar>& score) {
  score_of_conditionals(space, parameters, points, m_density, score);
}

/// With P_i = prod_{j>i} g_j / f_j, E_i = P_i (G_i - F_i) / f_i and T_i = d_t log P_{i-1}, v_i = E_i T_i +
/// P_i q_i:
///   d v_i = v_i sum_{j>i} (dlog g_j - dlog f_j) + P_i dq_i + E_i dT_i
///           + P_i T_i ( g_i/f_i dx_i - dF_i/f_i ) - E_i T_i dlog f_i.
template <class Scalar>
void Sigmoid<Scalar>::adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                              const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                              const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n = points.size(), n_leading = m_density.n_leading(), n_dims = m_density.n_dims();
  const bool has_direction = bar.direction.extent(0) > 0;
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  const Conditionals<Scalar> f = {points.x,    m_log_f,      m_log_f_dot, m_quantile_velocity,
                                  m_cdf_ratio, m_log_factor, m_growth,    m_excess};
  const Matrix<Scalar> velocity = m_velocity, velocity_bar = bar.velocity, direction = bar.direction;
  const Vector<Scalar> log_rho_bar = bar.log_rho;
  const bool is_drawn = bar.states == StateKind::sampled;
  if (has_direction) network.extend(space, parameters, nullptr, direction.data(), n_dims);
  for (int i = n_leading - 1; i >= 0; --i) {
    for_each(
        space, "sigmoid velocity adjoint", n, KOKKOS_LAMBDA(int s) {
          const Scalar x = f.x(i, s), log_factor = f.log_factor(i, s), growth = f.growth(i, s);
          const Scalar factor = math::exp(log_factor), v_bar = velocity_bar(i, s);
          const Reference<Scalar> g = reference(x);
          Scalar before = 0;  // sum_{k<i} v_bar_k v_k
          for (int k = 0; k < i; ++k) before += velocity_bar(k, s) * velocity(k, s);
          Scalar growth_bar = 0;  // adjoint of d_t log f_i
          for (int k = i + 1; k < n_leading; ++k) growth_bar += velocity_bar(k, s) * f.excess(k, s);
          const density::Mixture<Scalar> mixture = mixtures.at(i, s), dot = mixtures.at(i, n + s);
          const density::Mixture<Scalar> to = out_bar.at(i, s), to_dot = out_bar.at(i, n + s);
          density::set_zero(to);
          density::set_zero(to_dot);
          x_bar(i, s) += before * g.log_density_slope() +
                         v_bar * growth * math::exp(g.log_density() - f.log_f(i, s) + log_factor);
          if (has_direction) {
            const density::Mixture<Scalar> to_second = out_bar.at(i, 2 * n + s);
            Scalar unused = 0;
            density::set_zero(to_second);
            density::log_density_tangent_adjoint(mixture, mixtures.at(i, 2 * n + s), x, direction(i, s),
                                                 density::LogDensityBar<Scalar>{Scalar(0), Scalar(1)}, to,
                                                 to_second, x_bar(i, s), unused);
          }
          density::moving_conditional_adjoint(
              mixture, dot, x,
              density::MovingConditional<Scalar>{log_rho_bar(s) - before - v_bar * growth * f.excess(i, s),
                                                 growth_bar, v_bar * factor, -v_bar * growth * factor},
              is_drawn, to, to_dot, x_bar(i, s));
        });
    network.adjoint_stage(space, parameters, parameters_bar, i, {i > 0, true});
    if (i > 0) network.coordinate_adjoint(space, i, x_bar.data() + i - 1, nullptr, n_dims);
  }
}

template class Sigmoid<float>;
template class Sigmoid<double>;

}  // namespace rhoflux::flux
