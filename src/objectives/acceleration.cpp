#include <type_traits>

#include "drift_stencil.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// int E_rho sum_i c_i a_i^2 dt with a = d_t u + (grad u) u, the change of the drift along itself: 0 where all move straight and
/// at constant speed. c_i = 1, or 1 / scale_i^2 (Metric::standardised). a is the central difference of the drift between t +- h,
/// x +- h u, of which the gradient is exact; g is that at t.
template <class Scalar>
class Acceleration final : public ExpectationTerm<Scalar> {
 public:
  explicit Acceleration(const TermContext<Scalar>& context);
  bool evaluates_dynamics() const override { return true; }
  void add_unevaluated(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples, double weight,
                       const UnevaluatedSamplesBar<Scalar>& bar, const TermTotals& totals) override;

  // Steps of add_unevaluated; public, because nvcc allows kernels in public functions alone.
  /// h from the drifts of points 1 and 2, and in m_drift_bar its derivative by that of point 2.
  void add_values(const ExecutionSpace& space, int n, double weight, const Vector<Scalar>& score_weight,
                  const TermTotals& totals) const;
  /// The adjoints of the two shifted states go to the state, and times +-h to the drift of point 0.
  void gather_adjoints(const ExecutionSpace& space, int n, const Matrix<Scalar>& x_bar) const;

 private:
  /// Step of tau: truncation and rounding both stay small.
  static constexpr double tau_step = std::is_same_v<Scalar, float> ? 5e-3 : 5e-4;
  /// Point 0 is the sample, 1 and 2 are those at tau +- tau_step.
  StencilShift<Scalar> shift_of(int k) const {
    if (k == 0) return {};
    const auto step = static_cast<Scalar>(k == 1 ? tau_step : -tau_step);
    return {m_stencil.drift(0), step, {}, step};
  }

  int m_n_dims;
  Scalar m_limit;
  Vector<Scalar> m_factor;  ///< (n_dims) of a difference of drifts: the root of c_i times the acceleration
  DriftStencil<Scalar> m_stencil;
  Matrix<Scalar> m_drift_bar, m_x_bar_after, m_x_bar_before;
};

template <class Scalar>
Acceleration<Scalar>::Acceleration(const TermContext<Scalar>& context)
    : m_n_dims(context.dynamics->n_dims()),
      m_limit(static_cast<Scalar>(context.schedule.saturation)),
      m_stencil(context, 3) {
  const double span = context.units.time_span();
  std::vector<double> factor;
  for (const double scale : context.units.scale)
    factor.push_back((context.config.kinetic_metric == Metric::standardised ? 1.0 : scale) /
                     (span * span * 2 * tau_step));
  m_factor = on_device<Scalar>(factor, "factor of the acceleration");
  const auto matrix = [&](const char* label) {
    return make_matrix<Scalar>(label, m_n_dims, context.max_samples);
  };
  m_drift_bar = matrix("drift adjoint");
  m_x_bar_after = matrix("adjoint of the state after");
  m_x_bar_before = matrix("adjoint of the state before");
}

template <class Scalar>
void Acceleration<Scalar>::add_values(const ExecutionSpace& space, int n, double weight,
                                      const Vector<Scalar>& score_weight, const TermTotals& totals) const {
  const int n_dims = m_n_dims;
  const Matrix<Scalar> after = m_stencil.drift(1), before = m_stencil.drift(2), drift_bar = m_drift_bar;
  const Vector<Scalar> factor = m_factor;
  const Scalar term_weight = static_cast<Scalar>(weight), limit = m_limit;
  add_sums(
      space, "acceleration", n,
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        Scalar square = 0;
        for (int i = 0; i < n_dims; ++i) {
          const Scalar change = factor(i) * (after(i, s) - before(i, s));
          drift_bar(i, s) = -change;
          square += change * change;
        }
        const Saturated<Scalar> h = saturate(square, limit);
        for (int i = 0; i < n_dims; ++i) drift_bar(i, s) *= Scalar(2) * term_weight * h.slope * factor(i);
        add_sample_cost(h, term_weight, score_weight(s), total, saturated);
      },
      totals);
}

template <class Scalar>
void Acceleration<Scalar>::gather_adjoints(const ExecutionSpace& space, int n,
                                           const Matrix<Scalar>& x_bar) const {
  const Matrix<Scalar> after = m_x_bar_after, before = m_x_bar_before, drift_bar = m_drift_bar, to_x = x_bar;
  const auto step = static_cast<Scalar>(tau_step);
  for_each_entry(
      space, "adjoint of the shifted states", m_n_dims, n, KOKKOS_LAMBDA(int i, int s) {
        to_x(i, s) += after(i, s) + before(i, s);
        drift_bar(i, s) = step * (after(i, s) - before(i, s));
      });
}

template <class Scalar>
void Acceleration<Scalar>::add_unevaluated(const ExecutionSpace& space,
                                           const UnevaluatedSamples<Scalar>& samples, double weight,
                                           const UnevaluatedSamplesBar<Scalar>& bar,
                                           const TermTotals& totals) {
  const int n = samples.points.size();
  for (int k = 0; k < 3; ++k) m_stencil.evaluate(space, samples, k, shift_of(k));
  add_values(space, n, weight, bar.score_weight, totals);
  if (bar.parameters.extent(0) == 0) return;
  Kokkos::deep_copy(space, m_x_bar_before, Scalar(0));
  Kokkos::deep_copy(space, m_x_bar_after, Scalar(0));
  m_stencil.add_adjoint(space, samples, m_drift_bar, bar.parameters,
                        m_x_bar_before);  // point 2, the last one
  turn_sign(space, m_drift_bar, n);
  m_stencil.evaluate(space, samples, 1, shift_of(1));
  m_stencil.add_adjoint(space, samples, m_drift_bar, bar.parameters, m_x_bar_after);
  gather_adjoints(space, n, bar.x);
  m_stencil.evaluate(space, samples, 0, shift_of(0));
  m_stencil.add_adjoint(space, samples, m_drift_bar, bar.parameters, bar.x);
}

}  // namespace

TermFactory acceleration_term() {
  return make_factory<Acceleration>();
}

}  // namespace rhoflux::objectives
