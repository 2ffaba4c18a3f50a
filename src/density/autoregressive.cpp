#include "rhoflux/density/autoregressive.hpp"

#include "rhoflux/density/conditional_sweep.hpp"
#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::density {

template <class Scalar>
Autoregressive<Scalar>::Autoregressive(const Config& config, int n_dims, const Capacity& capacity)
    : Density<Scalar>(config, n_dims, capacity),
      m_n_logistics(config.n_logistics),
      m_network(config,
                {n_dims, 1, capacity.samples * (1 + capacity.tangents), capacity.passes, capacity.precision},
                this->m_layout),
      m_log_f(make_matrix<Scalar>("log conditionals", n_dims, capacity.samples)),
      m_log_f_dot(
          make_matrix<Scalar>("log conditionals tangent", n_dims, capacity.samples * capacity.tangents)),
      m_x_bar(make_matrix<Scalar>("x adjoint", n_dims, capacity.samples)) {}

template <class Scalar>
std::vector<double> Autoregressive<Scalar>::initialise(const InitialRows& rows, std::uint64_t seed) const {
  std::vector<double> parameters(static_cast<std::size_t>(this->m_layout.size()), 0.0);
  std::vector<double> locations, log_scales;
  place_on_quantiles(rows.x, this->m_n_dims, m_n_logistics, locations, log_scales);
  m_network.initialise(parameters, locations, log_scales, seed);
  return parameters;
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
/// log f_i at the points, one entry of log_f (n_dims, n) each.
template <class Scalar>
void log_conditionals(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures, int n_leading,
                      const Points<Scalar>& points, const Matrix<Scalar>& log_f) {
  const Matrix<Scalar> x = points.x, out = log_f;
  for_each_group(
      space, "log conditionals", points.size() * n_leading, mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const int s = item / n_leading, i = item % n_leading;
        const Scalar log_f_i = density::log_density(mixtures.at(i, s, lane), x(i, s));
        if (lane.is_first()) out(i, s) = log_f_i;
      });
}

/// log f_i, and weight_s times the adjoint of log f_i by the network's outputs (`bar`) and by x_i (x_bar), in one
/// pass over the conditionals.
/// @param weight (n) adjoint of log rho; empty: 1
template <class Scalar>
void conditionals_adjoint(const ExecutionSpace& space, MixtureNetwork<Scalar>& network, int n_leading,
                          const Points<Scalar>& points, const ConstVector<Scalar>& weight,
                          const Matrix<Scalar>& log_f, const Matrix<Scalar>& x_bar) {
  const MixtureView<Scalar> mixtures = network.mixtures(), bar = network.mixtures_bar();
  const Matrix<Scalar> x = points.x, out = log_f, slope = x_bar;
  const ConstVector<Scalar> factor = weight;
  const bool has_weight = weight.extent(0) > 0;
  for_each_group(
      space, "log conditionals adjoint", points.size() * n_leading, mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const int s = item / n_leading, i = item % n_leading;
        Scalar slope_i = 0;
        const Scalar log_f_i =
            log_density_adjoint(mixtures.at(i, s, lane), x(i, s), has_weight ? factor(s) : Scalar(1),
                                bar.at(i, s, lane), slope_i);
        if (!lane.is_first()) return;
        out(i, s) = log_f_i;
        slope(i, s) = slope_i;
        if (bar.has_share()) bar.share_logit(i, s) = 0;
      });
}

/// Draws coordinate i of all samples from the conditional of the last stage.
/// @param uniforms (2 n_dims, n): two for each coordinate
template <class Scalar>
void draw_coordinate(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures, int i,
                     const Points<Scalar>& points, const ConstMatrix<double>& uniforms) {
  const Matrix<Scalar> x = points.x;
  const ConstMatrix<double> uniform = uniforms;
  for_each_group(
      space, "draw of a coordinate", points.size(), mixtures.n_logistics,
      KOKKOS_LAMBDA(int s, const Lane& lane) {
        const Scalar drawn = draw(mixtures.at(i, s, lane), uniform(2 * i, s), uniform(2 * i + 1, s));
        if (lane.is_first()) x(i, s) = drawn;
      });
}

struct Completion {
  ConstVector<int> is_given;     ///< (n_dims)
  ConstMatrix<double> uniforms;  ///< (2 n_dims, n)
};

/// Coordinate i: counts in the weight where it is given, is drawn where it is not.
template <class Scalar>
void complete_coordinate(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures, int i,
                         const Points<Scalar>& points, const Completion& completion,
                         const Vector<Scalar>& log_weight) {
  const Matrix<Scalar> x = points.x;
  const Vector<Scalar> weight = log_weight;
  const Completion given = completion;
  for_each_group(
      space, "completion of a coordinate", points.size(), mixtures.n_logistics,
      KOKKOS_LAMBDA(int s, const Lane& lane) {
        const Mixture<Scalar> mixture = mixtures.at(i, s, lane);
        if (lane.is_first() && i == 0) weight(s) = 0;
        if (given.is_given(i) != 0) {
          const Scalar log_f = density::log_density(mixture, x(i, s));
          if (lane.is_first()) weight(s) += log_f;
        } else {
          const Scalar drawn = draw(mixture, given.uniforms(2 * i, s), given.uniforms(2 * i + 1, s));
          if (lane.is_first()) x(i, s) = drawn;
        }
      });
}

}  // namespace

template <class Scalar>
void Autoregressive<Scalar>::log_density(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                         const Points<Scalar>& points, const Vector<Scalar>& log_rho) {
  evaluate_conditionals<Scalar>(space, parameters, m_network, SweepInputs<Scalar>(points), this->m_n_leading);
  log_conditionals(space, m_network.mixtures(), this->m_n_leading, points, m_log_f);
  sum_conditionals(space, m_log_f, this->m_n_leading, points.size(), log_rho);
}

template <class Scalar>
void Autoregressive<Scalar>::log_density_tangent(
    const ExecutionSpace& space, const ConstVector<Scalar>& parameters, const Points<Scalar>& points,
    int n_tangents, const ConstVector<Scalar>& tau_dot, const ConstMatrix<Scalar>& x_dot,
    const Vector<Scalar>& log_rho, const Vector<Scalar>& log_rho_dot) {
  const int n_leading = this->m_n_leading, n = points.size();
  evaluate_conditionals<Scalar>(space, parameters, m_network, {points, n_tangents, tau_dot, x_dot},
                                n_leading);
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x, log_f = m_log_f, log_f_dot = m_log_f_dot;
  const ConstMatrix<Scalar> direction = x_dot;
  for_each_group(
      space, "log conditionals tangent", n * n_leading, mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const int s = item / n_leading, i = item % n_leading;
        for (int j = 0; j < n_tangents; ++j) {
          Scalar rate = 0;
          const Scalar log_f_i = density::log_density_tangent(mixtures.at(i, s, lane), x(i, s),
                                                              mixtures.at(i, (j + 1) * n + s, lane),
                                                              direction(i, j * n + s), rate);
          if (!lane.is_first()) continue;
          log_f(i, s) = log_f_i;
          log_f_dot(i, j * n + s) = rate;
        }
      });
  sum_conditionals(space, log_f, n_leading, n, log_rho);
  sum_conditionals(space, log_f_dot, n_leading, n * n_tangents, log_rho_dot);
}

template <class Scalar>
void Autoregressive<Scalar>::log_density_gradient(
    const ExecutionSpace& space, const ConstVector<Scalar>& parameters, const Points<Scalar>& points,
    const ConstVector<Scalar>& weight, const Vector<Scalar>& log_rho, const Vector<Scalar>& parameters_bar) {
  evaluate_conditionals<Scalar>(space, parameters, m_network, SweepInputs<Scalar>(points), this->m_n_leading);
  conditionals_adjoint(space, m_network, this->m_n_leading, points, weight, m_log_f, m_x_bar);
  sum_conditionals(space, m_log_f, this->m_n_leading, points.size(), log_rho);
  m_network.adjoint(space, parameters, parameters_bar, {});
}

template <class Scalar>
void Autoregressive<Scalar>::log_density_score(const ExecutionSpace& space,
                                               const ConstVector<Scalar>& parameters,
                                               const Points<Scalar>& points, const Vector<Scalar>& log_rho,
                                               const Vector<Scalar>& tau_bar, const Matrix<Scalar>& score) {
  evaluate_conditionals<Scalar>(space, parameters, m_network, SweepInputs<Scalar>(points), this->m_n_leading);
  conditionals_adjoint(space, m_network, this->m_n_leading, points, {}, m_log_f, score);
  sum_conditionals(space, m_log_f, this->m_n_leading, points.size(), log_rho);
  Kokkos::deep_copy(space, tau_bar, Scalar(0));
  network::AdjointScope scope;
  scope.inputs = true;
  m_network.adjoint(space, parameters, Vector<Scalar>(), scope);
  m_network.inputs_adjoint(space, tau_bar, score);
}

template <class Scalar>
void Autoregressive<Scalar>::score_of_last_sweep(const ExecutionSpace& space,
                                                 const ConstVector<Scalar>& parameters,
                                                 const Points<Scalar>& points, const Matrix<Scalar>& score) {
  conditionals_adjoint(space, m_network, this->m_n_leading, points, {}, m_log_f, score);
  network::AdjointScope scope;
  scope.inputs = true;
  scope.tangents = false;
  for (int i = this->m_n_leading - 1; i > 0; --i) {  // stage 0 sees time alone
    m_network.adjoint_stage(space, parameters, Vector<Scalar>(), i, scope);
    m_network.coordinate_adjoint(space, i, row_of(score, i - 1), {});
  }
}

template <class Scalar>
void Autoregressive<Scalar>::log_conditional_cdf(const ExecutionSpace& space,
                                                 const ConstVector<Scalar>& parameters,
                                                 const Points<Scalar>& points,
                                                 const Matrix<Scalar>& log_below,
                                                 const Matrix<Scalar>& log_above) {
  const int n_leading = this->m_n_leading;
  evaluate_conditionals<Scalar>(space, parameters, m_network, SweepInputs<Scalar>(points), n_leading);
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> x = points.x, below = log_below, above = log_above;
  for_each_group(
      space, "conditional distribution functions", points.size() * n_leading, mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const int s = item / n_leading, i = item % n_leading;
        Scalar log_below_i = 0, log_above_i = 0;
        log_cdf(mixtures.at(i, s, lane), x(i, s), log_below_i, log_above_i);
        if (!lane.is_first()) return;
        below(i, s) = log_below_i;
        above(i, s) = log_above_i;
      });
}

template <class Scalar>
void Autoregressive<Scalar>::conditional_reach(const ExecutionSpace& space,
                                               const ConstVector<Scalar>& parameters,
                                               const Points<Scalar>& points, Scalar log_mass,
                                               const Matrix<Scalar>& low, const Matrix<Scalar>& high) {
  const int n_leading = this->m_n_leading;
  evaluate_conditionals<Scalar>(space, parameters, m_network, SweepInputs<Scalar>(points), n_leading);
  const MixtureView<Scalar> mixtures = m_network.mixtures();
  const Matrix<Scalar> lowest = low, highest = high;
  for_each_group(
      space, "reach of the conditionals", points.size() * n_leading, mixtures.n_logistics,
      KOKKOS_LAMBDA(int item, const Lane& lane) {
        const int s = item / n_leading, i = item % n_leading;
        Scalar low_i = 0, high_i = 0;
        reach(mixtures.at(i, s, lane), log_mass, low_i, high_i);
        if (!lane.is_first()) return;
        lowest(i, s) = low_i;
        highest(i, s) = high_i;
      });
}

template <class Scalar>
void Autoregressive<Scalar>::sample(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                    const Points<Scalar>& points, const ConstMatrix<double>& uniforms) {
  sweep_conditionals<Scalar>(
      space, parameters, m_network, SweepInputs<Scalar>(points), this->m_n_leading,
      [&](int i) { draw_coordinate(space, m_network.mixtures(), i, points, uniforms); });
}

template <class Scalar>
void Autoregressive<Scalar>::complete(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                      const Points<Scalar>& points, const ConstVector<int>& is_given,
                                      const ConstMatrix<double>& uniforms, const Vector<Scalar>& log_weight) {
  sweep_conditionals<Scalar>(
      space, parameters, m_network, SweepInputs<Scalar>(points), this->m_n_dims, [&](int i) {
        complete_coordinate(space, m_network.mixtures(), i, points, {is_given, uniforms}, log_weight);
      });
}

template class Autoregressive<float>;
template class Autoregressive<double>;

}  // namespace rhoflux::density
