#include "fluxes.hpp"
#include "rhoflux/density/conditional_sweep.hpp"
#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"
#include "score_direction.hpp"

namespace rhoflux::flux {
namespace {

/// The reference distribution G at x.
template <class Scalar>
struct Reference {
  Scalar log_below, log_above;  ///< log G, log(1 - G)
  RHOFLUX_FUNCTION Scalar log_density() const { return log_below + log_above; }
  RHOFLUX_FUNCTION Scalar log_density_slope() const { return Scalar(1) - Scalar(2) * math::exp(log_below); }
};

template <class Scalar>
RHOFLUX_FUNCTION Reference<Scalar> reference(Scalar x) {
  return {math::log_sigmoid(x), math::log_sigmoid(-x)};
}

/// G / f = e^log_weight, F / f = c e^log_ratio and the quantile velocity q e^log_velocity, each times the product of the
/// later conditionals.
template <class Scalar>
struct SigmoidTerms {
  Scalar log_weight, log_ratio, log_velocity, c, q;

  /// True if no product of two of them leaves the range of numbers.
  RHOFLUX_FUNCTION bool are_near() const {
    constexpr Scalar most_log = math::detail::Format<Scalar>::exp_high / 2;
    constexpr Scalar most = sizeof(Scalar) == sizeof(double) ? Scalar(1e150) : Scalar(1e15);
    return log_weight < most_log && math::abs(log_ratio) < most_log && log_ratio == log_velocity &&
           math::abs(c) < most && math::abs(q) < most;
  }
  /// Takes the sizes of c and q into their logs.
  RHOFLUX_FUNCTION void normalise() {
    const Scalar size_of_c = math::abs(c), size_of_q = math::abs(q);
    if (size_of_c > Scalar(1)) c /= size_of_c, log_ratio += math::log(size_of_c);
    if (size_of_q > Scalar(1)) q /= size_of_q, log_velocity += math::log(size_of_q);
  }
  RHOFLUX_FUNCTION Scalar largest() const {
    const Scalar larger = log_weight > log_ratio ? log_weight : log_ratio;
    return larger > log_velocity ? larger : log_velocity;
  }
};

/// What the velocity needs of the conditionals of a sample, (n_dims, n) each.
template <class Scalar>
struct Conditionals {
  Matrix<Scalar> x, log_f, log_f_dot, quantile_velocity, cdf_ratio;
  Matrix<Scalar> velocity_log_unit, ratio_log_unit;
  Matrix<Scalar> log_factor;  ///< log prod_{j>i} g_j / f_j
  Matrix<Scalar> growth;      ///< d_t log P_{i-1}
  Matrix<Scalar> excess;      ///< e^log_factor (G_i - F_i) / f_i

  /// Fills the last three of one sample, and its velocity. Where a term may exceed the range of numbers the largest one
  /// is taken out of
  ///   excess_i = e^A - c e^B,   v_i = growth_i excess_i + q e^C,
  /// with A = log (G / f prod_{j>i} g_j / f_j) and so on; right of the median with the complements and opposite signs.
  RHOFLUX_FUNCTION void combine(int n_leading, int s, const Matrix<Scalar>& velocity) const {
    Scalar sum = 0;
    for (int i = 0; i < n_leading; ++i) {
      growth(i, s) = sum;
      sum += log_f_dot(i, s);
    }
    sum = 0;
    for (int i = n_leading - 1; i >= 0; --i) {
      const Reference<Scalar> g = reference(x(i, s));
      const Scalar rate = growth(i, s);
      const bool is_below = cdf_ratio(i, s) > Scalar(0);  // from the side that is small
      SigmoidTerms<Scalar> t = {(is_below ? g.log_below : g.log_above) + (sum - log_f(i, s)),
                                sum + ratio_log_unit(i, s), sum + velocity_log_unit(i, s), cdf_ratio(i, s),
                                quantile_velocity(i, s)};
      if (t.are_near()) {
        const Scalar ratio = t.c * math::exp(t.log_ratio);
        excess(i, s) = is_below ? math::exp(t.log_weight) - ratio : -ratio - math::exp(t.log_weight);
        velocity(i, s) = excess(i, s) * rate + math::exp(t.log_velocity) * t.q;
      } else {
        t.normalise();
        const Scalar largest = t.largest();
        const Scalar of_g = (is_below ? Scalar(1) : Scalar(-1)) * math::exp(t.log_weight - largest);
        const Scalar difference = of_g - t.c * math::exp(t.log_ratio - largest);
        excess(i, s) = math::scaled_by_exp(difference, largest);
        velocity(i, s) =
            math::scaled_by_exp(rate * difference + t.q * math::exp(t.log_velocity - largest), largest);
      }
      log_factor(i, s) = sum;
      sum += g.log_density() - log_f(i, s);
    }
  }
};

/// The flux of [HVC] (6, 7, 12, 24), with G the standard sigmoid and g = G':
///   v_i = [prod_{j>i} g(x_j) / f_j] * ( (G(x_i) - F_i) / f_i * d_t log P_{i-1} - d_t F_i / f_i ).
/// A faithful reference: no flux escapes to infinity, but v is unbounded where some f_j is narrower than g
/// (model.md (2.2)).
template <class Scalar>
class Sigmoid : public Flux<Scalar> {
 public:
  /// @param density outlives the flux; made for 1 tangent, 2 where the adjoint is used with a direction
  explicit Sigmoid(density::Autoregressive<Scalar>& density);

  void velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                const FluxViews<Scalar>& views) override;
  void score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
             const density::Points<Scalar>& points, const Matrix<Scalar>& score) override;
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
               const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) override;

 private:
  Conditionals<Scalar> conditionals(const density::Points<Scalar>& points) const {
    return {points.x,         m_log_f,
            m_log_f_dot,      m_quantile_velocity,
            m_cdf_ratio,      m_velocity_log_unit,
            m_ratio_log_unit, m_log_factor,
            m_growth,         m_excess};
  }

  density::Autoregressive<Scalar>& m_density;
  Vector<Scalar> m_ones;  ///< (n) rate of tau
  /// (n_dims, n) of the conditionals of the last call of `velocity`
  Matrix<Scalar> m_log_f, m_log_f_dot, m_quantile_velocity, m_cdf_ratio, m_velocity_log_unit,
      m_ratio_log_unit, m_log_factor, m_growth, m_excess;
  Matrix<Scalar> m_velocity;  ///< (n_dims, n)
};

template <class Scalar>
Sigmoid<Scalar>::Sigmoid(density::Autoregressive<Scalar>& density)
    : m_density(density), m_ones(make_vector<Scalar>("rate of time", density.capacity().samples)) {
  Kokkos::deep_copy(m_ones, Scalar(1));
  for (Matrix<Scalar>* matrix :
       {&m_log_f, &m_log_f_dot, &m_quantile_velocity, &m_cdf_ratio, &m_velocity_log_unit, &m_ratio_log_unit,
        &m_log_factor, &m_growth, &m_excess, &m_velocity})
    *matrix = make_matrix<Scalar>("sigmoid flux", density.n_dims(), density.capacity().samples);
}

/// Coordinate i: draws it where there are uniforms, then what the velocity needs of its conditional.
template <class Scalar>
void evaluate_conditional(const ExecutionSpace& space, const density::MixtureView<Scalar>& mixtures, int i,
                          int n, const ConstMatrix<double>& uniforms,
                          const Conditionals<Scalar>& conditionals) {
  const Conditionals<Scalar> f = conditionals;
  const ConstMatrix<double> uniform = uniforms;
  const bool draws = uniforms.extent(0) > 0;
  for_each_group(
      space, "conditional in motion", n, mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        const density::Mixture<Scalar> mixture = mixtures.at(i, s, lane);
        const Scalar x = draws ? density::draw(mixture, uniform(2 * i, s), uniform(2 * i + 1, s)) : f.x(i, s);
        const density::MovingConditional<Scalar> found =
            density::moving_conditional(mixture, mixtures.at(i, n + s, lane), x);
        if (!lane.is_first()) return;
        if (draws) f.x(i, s) = x;
        f.log_f(i, s) = found.log_f;
        f.log_f_dot(i, s) = found.log_f_dot;
        f.quantile_velocity(i, s) = found.quantile_velocity;
        f.cdf_ratio(i, s) = found.cdf_ratio;
        f.velocity_log_unit(i, s) = found.velocity_log_unit;
        f.ratio_log_unit(i, s) = found.ratio_log_unit;
      });
}

/// v and log rho from all conditionals. @param[out] velocity, kept (n_dims, n) the same twice
template <class Scalar>
void combine_conditionals(const ExecutionSpace& space, const Conditionals<Scalar>& conditionals,
                          int n_leading, int n, const Matrix<Scalar>& velocity, const Matrix<Scalar>& kept,
                          const Vector<Scalar>& log_rho) {
  const Conditionals<Scalar> f = conditionals;
  const Matrix<Scalar> v = velocity, keep = kept;
  const Vector<Scalar> log_density = log_rho;
  for_each(
      space, "sigmoid velocity", n, KOKKOS_LAMBDA(int s) {
        Scalar sum = 0;
        f.combine(n_leading, s, v);
        for (int i = 0; i < n_leading; ++i) {
          keep(i, s) = v(i, s);
          sum += f.log_f(i, s);
        }
        log_density(s) = sum;
      });
}

template <class Scalar>
void Sigmoid<Scalar>::velocity(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                               const density::Points<Scalar>& points, const ConstMatrix<double>& uniforms,
                               const FluxViews<Scalar>& views) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n = points.size(), n_leading = m_density.n_leading();
  const Conditionals<Scalar> f = conditionals(points);
  const density::SweepInputs<Scalar> inputs = {points, 1, m_ones, {}};
  const auto evaluate = [&](int i) { evaluate_conditional(space, network.mixtures(), i, n, uniforms, f); };
  if (uniforms.extent(0) > 0) {
    density::sweep_conditionals<Scalar>(space, parameters, network, inputs, n_leading, evaluate);
  } else {
    density::evaluate_conditionals<Scalar>(space, parameters, network, inputs, n_leading);
    for (int i = 0; i < n_leading; ++i) evaluate(i);
  }
  combine_conditionals(space, f, n_leading, n, views.velocity, m_velocity, views.log_rho);
}

template <class Scalar>
void Sigmoid<Scalar>::score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                            const density::Points<Scalar>& points, const Matrix<Scalar>& score) {
  m_density.score_of_last_sweep(space, parameters, points, score);
}

/// With P_i = prod_{j>i} g_j / f_j, E_i = P_i (G_i - F_i) / f_i and T_i = d_t log P_{i-1}, v_i = E_i T_i +
/// P_i q_i:
///   d v_i = v_i sum_{j>i} (dlog g_j - dlog f_j) + P_i dq_i + E_i dT_i
///           + P_i T_i ( g_i/f_i dx_i - dF_i/f_i ) - E_i T_i dlog f_i.
template <class Scalar>
void sigmoid_velocity_adjoint(const ExecutionSpace& space, density::MixtureNetwork<Scalar>& network, int i,
                              int n_leading, int n, const Conditionals<Scalar>& conditionals,
                              const ConstMatrix<Scalar>& v, const FluxBar<Scalar>& bar,
                              const Matrix<Scalar>& x_bar) {
  const bool has_direction = bar.direction.extent(0) > 0, is_sampled = bar.states == StateKind::sampled;
  const density::MixtureView<Scalar> mixtures = network.mixtures(), out_bar = network.mixtures_bar();
  const Conditionals<Scalar> f = conditionals;
  const ConstMatrix<Scalar> velocity = v;
  const Matrix<Scalar> velocity_bar = bar.velocity, direction = bar.direction, to_x = x_bar;
  const Vector<Scalar> log_rho_bar = bar.log_rho;
  for_each_group(
      space, "sigmoid velocity adjoint", n, mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        const Scalar x = f.x(i, s), log_factor = f.log_factor(i, s), growth = f.growth(i, s);
        const Scalar factor = math::exp(log_factor), v_bar = velocity_bar(i, s);
        const Reference<Scalar> g = reference(x);
        Scalar before = 0;  // sum_{k<i} v_bar_k v_k
        for (int k = 0; k < i; ++k) before += velocity_bar(k, s) * velocity(k, s);
        Scalar growth_bar = 0;  // adjoint of d_t log f_i
        for (int k = i + 1; k < n_leading; ++k) growth_bar += velocity_bar(k, s) * f.excess(k, s);
        const density::Mixture<Scalar> to = out_bar.at(i, s, lane), to_dot = out_bar.at(i, n + s, lane);
        density::set_zero(to);
        density::set_zero(to_dot);
        Scalar to_x_i = to_x(i, s);
        to_x_i += before * g.log_density_slope() +
                  v_bar * growth * math::exp(g.log_density() - f.log_f(i, s) + log_factor);
        if (has_direction)
          add_score_direction_adjoint(mixtures, out_bar, {i, s, n, lane}, x, direction(i, s), to_x_i);
        density::moving_conditional_adjoint(
            mixtures.at(i, s, lane), mixtures.at(i, n + s, lane), x,
            density::MovingConditional<Scalar>{log_rho_bar(s) - before - v_bar * growth * f.excess(i, s),
                                               growth_bar, v_bar * factor, -v_bar * growth * factor},
            is_sampled, to, to_dot, to_x_i);
        lane.wait();
        if (lane.is_first()) to_x(i, s) = to_x_i;
      });
}

template <class Scalar>
void Sigmoid<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                              const density::Points<Scalar>& points, const FluxBar<Scalar>& bar,
                              const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar) {
  density::MixtureNetwork<Scalar>& network = m_density.network();
  const int n_leading = m_density.n_leading();
  if (bar.direction.extent(0) > 0) network.extend(space, parameters, {}, bar.direction);
  for (int i = n_leading - 1; i >= 0; --i) {
    sigmoid_velocity_adjoint<Scalar>(space, network, i, n_leading, points.size(), conditionals(points),
                                     m_velocity, bar, x_bar);
    network::AdjointScope scope;
    scope.inputs = i > 0;
    network.adjoint_stage(space, parameters, parameters_bar, i, scope);
    if (i > 0) network.coordinate_adjoint(space, i, row_of(x_bar, i - 1), {});
  }
}

}  // namespace

template <class Scalar>
std::unique_ptr<Flux<Scalar>> make_sigmoid(density::Autoregressive<Scalar>& density, const density::Config&) {
  return std::make_unique<Sigmoid<Scalar>>(density);
}

template std::unique_ptr<Flux<float>> make_sigmoid(density::Autoregressive<float>&, const density::Config&);
template std::unique_ptr<Flux<double>> make_sigmoid(density::Autoregressive<double>&, const density::Config&);

}  // namespace rhoflux::flux
