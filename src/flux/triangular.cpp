#include "fluxes.hpp"
#include "growing_velocity.hpp"
#include "rhoflux/density/conditional_sweep.hpp"
#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"
#include "score_direction.hpp"

namespace rhoflux::flux {
namespace {

/// Knothe-Rosenblatt flux: every conditional quantile is kept,
///   v_i = -( d_t F_i + sum_{k<i} v_k d_{x_k} F_i ) / f_i,   i = 1..D in order,
/// the velocity of a quantile of f_i whose parameters change along (1, v_1, .., v_{i-1}). Stage i of the
/// masked network needs v_1..v_i only, so v is the tangent that is fed to the network while it is being
/// computed: one tangent pass for all of v (model.md (2.3)). Where the density grows, a share of what the weights do is
/// growth instead (10.4).
template <class Scalar>
class Triangular : public Flux<Scalar> {
 public:
  /// @param density outlives the flux; made for 1 tangent, 2 where the adjoint is used with a direction
  Triangular(density::Autoregressive<Scalar>& density, const density::Config& config);

  void velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                const FluxViews<Scalar>& views) override;
  void score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
             const density::Points<Scalar>& points, const Matrix<Scalar>& score) override;
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) override;

 private:
  density::Autoregressive<Scalar>& m_density;
  bool m_grows;
  ShareOf<Scalar> m_share;
  Vector<Scalar> m_ones;       ///< (n) rate of tau
  Matrix<Scalar> m_x_dot_bar;  ///< (n_dims, 2 n): adjoint of the tangents fed, v first
};

template <class Scalar>
Triangular<Scalar>::Triangular(density::Autoregressive<Scalar>& density, const density::Config& config)
    : m_density(density),
      m_grows(config.grows()),
      m_share{static_cast<Scalar>(config.growth_share.value)},
      m_ones(make_vector<Scalar>("rate of time", density.capacity().samples)),
      m_x_dot_bar(make_matrix<Scalar>("tangents adjoint", density.n_dims(), 2 * density.capacity().samples)) {
  Kokkos::deep_copy(m_ones, Scalar(1));
}

/// Coordinate i: draws it where there are uniforms, then v_i and log rho of the first i.
template <class Scalar>
void triangular_velocity(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures, int i,
                         const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                         const Vector<Scalar>& log_rho, const Matrix<Scalar>& velocity) {
  const int n = points.size();
  const Matrix<Scalar> x = points.x, v = velocity;
  const Vector<Scalar> log_density = log_rho;
  const ConstMatrix<double> uniform = uniforms;
  const bool draws = uniforms.extent(0) > 0;
  for_each_group(
      space, "triangular velocity", n, mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        const density::Mixture<Scalar> mixture = mixtures.at(i, s, lane);
        const Scalar x_i = draws ? density::draw(mixture, uniform(2 * i, s), uniform(2 * i + 1, s)) : x(i, s);
        Scalar log_f = 0;
        const Scalar v_i = density::quantile_velocity(mixture, mixtures.at(i, n + s, lane), x_i, log_f);
        if (!lane.is_first()) return;
        if (draws) x(i, s) = x_i;
        v(i, s) = v_i;
        log_density(s) = (i == 0 ? Scalar(0) : log_density(s)) + log_f;
      });
}

template <class Scalar>
void Triangular<Scalar>::velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                  const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                                  const FluxViews<Scalar>& views) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  density::sweep_conditionals<Scalar>(
      space, parameters, network, {points, 1, m_ones, views.velocity}, m_density.n_leading(), [&](int i) {
        if (m_grows)
          growing_velocity(space, network.mixtures(), m_share, i, points, uniforms, views);
        else
          triangular_velocity(space, network.mixtures(), i, points, uniforms, views.log_rho, views.velocity);
      });
}

template <class Scalar>
void Triangular<Scalar>::score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                               const density::Points<Scalar>& points, const Matrix<Scalar>& score) {
  m_density.score_of_last_sweep(space, parameters, points, score);
}

/// Adjoint of triangular_velocity of coordinate i and, with a direction, of that of the score.
/// @param x_dot_bar (n_dims, 2 n): row i is the adjoint of v_i
template <class Scalar>
void triangular_velocity_adjoint(const ExecutionSpace& space, density::MixtureNetwork<Scalar>& network, int i,
                                 const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                                 const ConstMatrix<Scalar>& x_dot_bar, const Matrix<Scalar>& x_bar) {
  const int n = points.size();
  const bool has_direction = bar.direction.extent(0) > 0, is_sampled = bar.states == StateKind::sampled;
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  const Matrix<Scalar> x = points.x, direction = bar.direction, to_x = x_bar;
  const ConstMatrix<Scalar> velocity_bar = x_dot_bar;
  const Vector<Scalar> log_rho_bar = bar.log_rho;
  for_each_group(
      space, "triangular velocity adjoint", n, mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        const density::Mixture<Scalar> mixture = mixtures.at(i, s, lane), to = out_bar.at(i, s, lane);
        const density::Mixture<Scalar> to_dot = out_bar.at(i, n + s, lane);
        Scalar to_x_i = to_x(i, s);
        density::set_zero(to);
        density::set_zero(to_dot);
        if (has_direction)
          add_score_direction_adjoint(mixtures, out_bar, {i, s, n, lane}, x(i, s), direction(i, s), to_x_i);
        density::moving_conditional_adjoint(
            mixture, mixtures.at(i, n + s, lane), x(i, s),
            density::MovingConditional<Scalar>{log_rho_bar(s), Scalar(0), velocity_bar(i, s), Scalar(0)},
            is_sampled, to, to_dot, to_x_i);
        lane.wait();
        if (lane.is_first()) to_x(i, s) = to_x_i;
      });
}

template <class Scalar>
void copy_velocity_adjoint(const ExecutionSpace& space, const ConstMatrix<Scalar>& velocity_bar,
                           const Matrix<Scalar>& x_dot_bar, int n) {
  const ConstMatrix<Scalar> from = velocity_bar;
  const Matrix<Scalar> to = x_dot_bar;
  for_each_entry(
      space, "velocity adjoint", static_cast<int>(to.extent(0)), n,
      KOKKOS_LAMBDA(int i, int s) { to(i, s) = from(i, s); });
}

/// From the last coordinate to the first: what head i gives to the tangents of x_k, k < i, is adjoint of v_k.
template <class Scalar>
void Triangular<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                 const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                                 const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  if (bar.direction.extent(0) > 0) network.extend(space, parameters, {}, bar.direction);
  copy_velocity_adjoint<Scalar>(space, bar.velocity, m_x_dot_bar, points.size());
  for (int i = m_density.n_leading() - 1; i >= 0; --i) {
    if (m_grows)
      growing_velocity_adjoint<Scalar>(space, network, m_share, i, points, bar, m_x_dot_bar, x_bar);
    else
      triangular_velocity_adjoint<Scalar>(space, network, i, points, bar, m_x_dot_bar, x_bar);
    network::AdjointScope scope;
    scope.inputs = i > 0;
    network.adjoint_stage(space, parameters, parameters_bar, i, scope);
    if (i > 0) network.coordinate_adjoint(space, i, row_of(x_bar, i - 1), row_of(m_x_dot_bar, i - 1));
  }
}

}  // namespace

template <class Scalar>
std::unique_ptr<Flux<Scalar>> make_triangular(density::Autoregressive<Scalar>& density,
                                              const density::Config& config) {
  return std::make_unique<Triangular<Scalar>>(density, config);
}

template std::unique_ptr<Flux<float>> make_triangular(density::Autoregressive<float>&,
                                                      const density::Config&);
template std::unique_ptr<Flux<double>> make_triangular(density::Autoregressive<double>&,
                                                       const density::Config&);

}  // namespace rhoflux::flux
