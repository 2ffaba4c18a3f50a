#include "rhoflux/density/autoregressive.hpp"

#include "rhoflux/device/loops.hpp"

namespace rhoflux::density {

template <class Scalar>
Autoregressive<Scalar>::Autoregressive(const Config& config, int n_dims, const Capacity& capacity)
    : Density<Scalar>(n_dims, capacity),
      m_components(config.components),
      m_network(config, {n_dims, 1, capacity.samples * (1 + capacity.tangents), capacity.derivatives},
                this->m_layout),
      m_log_f(make_matrix<Scalar>("log conditionals", n_dims, capacity.samples)),
      m_log_f_dot(
          make_matrix<Scalar>("log conditionals tangent", n_dims, capacity.samples * capacity.tangents)),
      m_x_bar(make_matrix<Scalar>("x adjoint", n_dims, capacity.samples)) {}

template <class Scalar>
std::vector<double> Autoregressive<Scalar>::initialise(const InitialRows& rows, std::uint64_t seed) const {
  std::vector<double> parameters(static_cast<std::size_t>(this->m_layout.size()), 0.0);
  std::vector<double> locations, log_scales;
  place_on_quantiles(rows.x, this->m_n_dims, m_components, locations, log_scales);
  m_network.initialise(parameters, locations, log_scales, seed);
  return parameters;
}

template <class Scalar>
void Autoregressive<Scalar>::forward(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                     const Points<Scalar>& points, int n_tangents, const Scalar* tau_dot,
                                     const Scalar* x_dot) {
  const int n_dims = this->m_n_dims, n_leading = this->m_n_leading;
  m_network.begin(space, {points.size(), n_tangents}, points.tau.data(), tau_dot);
  m_network.evaluate(space, parameters, 0);
  for (int stage = 1; stage < n_leading; ++stage) {
    m_network.feed(space, stage, points.x.data() + stage - 1, x_dot == nullptr ? nullptr : x_dot + stage - 1,
                   n_dims);
    m_network.evaluate(space, parameters, stage);
  }
}

namespace {
/// log_rho_s = sum_i log_f(i, s), i < n_leading.
template <class Scalar>
void sum_conditionals(const ExecutionSpace& space, const Matrix<Scalar>& log_f, int n_leading, int n,
                      const Vector<Scalar>& log_rho) {
  for_each(
      space, "sum of log conditionals", n, KOKKOS_LAMBDA(int s) {
        Scalar sum = 0;
        for (int i = 0; i < n_leading; ++i) sum += log_f(i, s);
        log_rho(s) = sum;
      });
}
}  // namespace

template <class Scalar>
void Autoregressive<Scalar>::log_density(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                         const Points<Scalar>& points, const Vector<Scalar>& log_rho) {
  forward(space, parameters, points, 0, nullptr, nullptr);
  const int n_leading = this->m_n_leading;
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x, log_f = m_log_f;
  for_each(
      space, "log conditionals", points.size() * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        log_f(i, s) = density::log_density(mixtures.at(i, s), x(i, s));
      });
  sum_conditionals(space, log_f, n_leading, points.size(), log_rho);
}

template <class Scalar>
void Autoregressive<Scalar>::log_density_tangent(const ExecutionSpace& space,
                                                 const Vector<Scalar>& parameters,
                                                 const Points<Scalar>& points, int n_tangents,
                                                 const Vector<Scalar>& tau_dot, const Matrix<Scalar>& x_dot,
                                                 const Vector<Scalar>& log_rho,
                                                 const Vector<Scalar>& log_rho_dot) {
  forward(space, parameters, points, n_tangents, tau_dot.data(), x_dot.data());
  const int n_leading = this->m_n_leading, n = points.size();
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x, log_f = m_log_f, log_f_dot = m_log_f_dot;
  for_each(
      space, "log conditionals tangent", n * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        for (int j = 0; j < n_tangents; ++j)
          log_f(i, s) =
              density::log_density_tangent(mixtures.at(i, s), x(i, s), mixtures.at(i, (j + 1) * n + s),
                                           x_dot(i, j * n + s), log_f_dot(i, j * n + s));
      });
  sum_conditionals(space, log_f, n_leading, n, log_rho);
  sum_conditionals(space, log_f_dot, n_leading, n * n_tangents, log_rho_dot);
}

/// Conditionals and the adjoint of the network's outputs in one pass over them.
/// @param weight (n) adjoint of log rho, null: 1
template <class Scalar>
void Autoregressive<Scalar>::head_gradient(const ExecutionSpace& space, const Points<Scalar>& points,
                                           const Scalar* weight, const Vector<Scalar>& log_rho,
                                           const Matrix<Scalar>& x_bar) {
  const int n_leading = this->m_n_leading;
  const MixtureView<Scalar> mixtures = m_network.mixtures(), bar = m_network.mixtures_bar();
  const Matrix<Scalar> x = points.x, log_f = m_log_f;
  for_each(
      space, "log conditionals adjoint", points.size() * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        log_f(i, s) = log_density_adjoint(
            mixtures.at(i, s), x(i, s), weight == nullptr ? Scalar(1) : weight[s], bar.at(i, s), x_bar(i, s));
      });
  sum_conditionals(space, log_f, n_leading, points.size(), log_rho);
}

template <class Scalar>
void Autoregressive<Scalar>::log_density_gradient(const ExecutionSpace& space,
                                                  const Vector<Scalar>& parameters,
                                                  const Points<Scalar>& points, const Vector<Scalar>& weight,
                                                  const Vector<Scalar>& log_rho,
                                                  const Vector<Scalar>& parameters_bar) {
  forward(space, parameters, points, 0, nullptr, nullptr);
  head_gradient(space, points, weight.data(), log_rho, m_x_bar);
  m_network.adjoint(space, parameters, parameters_bar, false);
}

template <class Scalar>
void Autoregressive<Scalar>::log_density_score(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                               const Points<Scalar>& points, const Vector<Scalar>& log_rho,
                                               const Vector<Scalar>& tau_bar, const Matrix<Scalar>& score) {
  forward(space, parameters, points, 0, nullptr, nullptr);
  head_gradient(space, points, nullptr, log_rho, score);
  Kokkos::deep_copy(space, tau_bar, Scalar(0));
  m_network.adjoint(space, parameters, Vector<Scalar>(), true);
  m_network.inputs_adjoint(space, tau_bar.data(), score.data(), this->m_n_dims);
}

template <class Scalar>
void Autoregressive<Scalar>::log_conditional_cdf(const ExecutionSpace& space,
                                                 const Vector<Scalar>& parameters,
                                                 const Points<Scalar>& points,
                                                 const Matrix<Scalar>& log_below,
                                                 const Matrix<Scalar>& log_above) {
  forward(space, parameters, points, 0, nullptr, nullptr);
  const int n_leading = this->m_n_leading;
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x;
  for_each(
      space, "conditional distribution functions", points.size() * n_leading, KOKKOS_LAMBDA(int item) {
        const int s = item / n_leading, i = item % n_leading;
        log_cdf(mixtures.at(i, s), x(i, s), log_below(i, s), log_above(i, s));
      });
}

template <class Scalar>
void Autoregressive<Scalar>::sample(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                    const Points<Scalar>& points, const Matrix<double>& uniforms) {
  const int n_dims = this->m_n_dims, n_leading = this->m_n_leading;
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x;
  m_network.begin(space, {points.size(), 0}, points.tau.data(), nullptr);
  for (int i = 0; i < n_leading; ++i) {
    if (i > 0) m_network.feed(space, i, points.x.data() + i - 1, nullptr, n_dims);
    m_network.evaluate(space, parameters, i);
    for_each(
        space, "draw of a coordinate", points.size(), KOKKOS_LAMBDA(int s) {
          x(i, s) = draw(mixtures.at(i, s), uniforms(2 * i, s), uniforms(2 * i + 1, s));
        });
  }
}

template <class Scalar>
void Autoregressive<Scalar>::complete(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                      const Points<Scalar>& points, const Vector<int>& is_given,
                                      const Matrix<double>& uniforms, const Vector<Scalar>& log_weight) {
  const int n_dims = this->m_n_dims;
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x;
  m_network.begin(space, {points.size(), 0}, points.tau.data(), nullptr);
  for (int i = 0; i < n_dims; ++i) {
    if (i > 0) m_network.feed(space, i, points.x.data() + i - 1, nullptr, n_dims);
    m_network.evaluate(space, parameters, i);
    for_each(
        space, "completion of a coordinate", points.size(), KOKKOS_LAMBDA(int s) {
          if (i == 0) log_weight(s) = 0;
          if (is_given(i) != 0)
            log_weight(s) += density::log_density(mixtures.at(i, s), x(i, s));
          else
            x(i, s) = draw(mixtures.at(i, s), uniforms(2 * i, s), uniforms(2 * i + 1, s));
        });
  }
}

template class Autoregressive<float>;
template class Autoregressive<double>;

}  // namespace rhoflux::density
