#include "rhoflux/flux/triangular.hpp"

#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/device/loops.hpp"
#include "score_of_conditionals.hpp"

namespace rhoflux::flux {

template <class Scalar>
Triangular<Scalar>::Triangular(density::Autoregressive<Scalar>& density)
    : m_density(density),
      m_ones(make_vector<Scalar>("rate of time", density.capacity().samples)),
      m_x_dot_bar(make_matrix<Scalar>("tangents adjoint", density.n_dims(), 2 * density.capacity().samples)) {
  Kokkos::deep_copy(m_ones, Scalar(1));
}

template <class Scalar>
void Triangular<Scalar>::velocity(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                  const density::Points<Scalar>& points, const Matrix<double>& uniforms,
                                  const Vector<Scalar>& log_rho, const Matrix<Scalar>& velocity) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n = points.size(), n_dims = m_density.n_dims();
  const density::MixtureView<Scalar> mixtures = network.mixtures();
  const Matrix<Scalar> x = points.x, v = velocity;
  const bool draws = uniforms.extent(0) > 0;
  network.begin(space, {n, 1}, points.tau.data(), m_ones.data());
  for (int i = 0; i < m_density.n_leading(); ++i) {
    if (i > 0) network.feed(space, i, x.data() + i - 1, v.data() + i - 1, n_dims);
    network.evaluate(space, parameters, i);
    for_each(
        space, "triangular velocity", n, KOKKOS_LAMBDA(int s) {
          if (draws) x(i, s) = density::draw(mixtures.at(i, s), uniforms(2 * i, s), uniforms(2 * i + 1, s));
          Scalar log_f = 0;
          v(i, s) = density::quantile_velocity(mixtures.at(i, s), mixtures.at(i, n + s), x(i, s), log_f);
          log_rho(s) = (i == 0 ? Scalar(0) : log_rho(s)) + log_f;
        });
  }
}

template <class Scalar>
void Triangular<Scalar>::score(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                               const density::Points<Scalar>& points, const Matrix<Scalar>& score) {
  score_of_conditionals(space, parameters, points, m_density, score);
}

/// From the last coordinate to the first: what head i gives to the tangents of x_k, k < i, is adjoint of v_k.
template <class Scalar>
void Triangular<Scalar>::adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                 const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                                 const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n = points.size(), n_dims = m_density.n_dims(), n_leading = m_density.n_leading();
  const bool has_direction = bar.direction.extent(0) > 0, drawn = bar.states == StateKind::sampled;
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  const Matrix<Scalar> x = points.x, velocity_bar = bar.velocity, direction = bar.direction;
  const Matrix<Scalar> x_dot_bar = m_x_dot_bar;
  const Vector<Scalar> log_rho_bar = bar.log_rho;
  if (has_direction) network.extend(space, parameters, nullptr, direction.data(), n_dims);
  for_each_entry(
      space, "velocity adjoint", n_dims, n,
      KOKKOS_LAMBDA(int i, int s) { x_dot_bar(i, s) = velocity_bar(i, s); });
  for (int i = n_leading - 1; i >= 0; --i) {
    for_each(
        space, "triangular velocity adjoint", n, KOKKOS_LAMBDA(int s) {
          const density::Mixture<Scalar> mixture = mixtures.at(i, s), to = out_bar.at(i, s);
          const density::Mixture<Scalar> to_dot = out_bar.at(i, n + s);
          density::set_zero(to);
          density::set_zero(to_dot);
          if (has_direction) {
            const density::Mixture<Scalar> to_second = out_bar.at(i, 2 * n + s);
            Scalar unused = 0;
            density::set_zero(to_second);
            density::log_density_tangent_adjoint(mixture, mixtures.at(i, 2 * n + s), x(i, s), direction(i, s),
                                                 density::LogDensityBar<Scalar>{Scalar(0), Scalar(1)}, to,
                                                 to_second, x_bar(i, s), unused);
          }
          density::moving_conditional_adjoint(
              mixture, mixtures.at(i, n + s), x(i, s),
              density::MovingConditional<Scalar>{log_rho_bar(s), Scalar(0), x_dot_bar(i, s), Scalar(0)},
              drawn, to, to_dot, x_bar(i, s));
        });
    network.adjoint_stage(space, parameters, parameters_bar, i, {i > 0, true});
    if (i > 0) network.coordinate_adjoint(space, i, x_bar.data() + i - 1, x_dot_bar.data() + i - 1, n_dims);
  }
}

template class Triangular<float>;
template class Triangular<double>;

}  // namespace rhoflux::flux
