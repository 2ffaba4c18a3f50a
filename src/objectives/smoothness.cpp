#include "drift_stencil.hpp"
#include "random_signs.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// int E_rho |J|_F^2 dt with J = du/dx: neighbours move alike where it is small. With random signs v (Hutchinson 1989) the
/// expectation of |J v|^2 is the squared norm; J v is a central difference of the drift, of which the gradient is exact.
template <class Scalar>
class Smoothness final : public ExpectationTerm<Scalar> {
 public:
  explicit Smoothness(const TermContext<Scalar>& context);
  bool evaluates_dynamics() const override { return true; }
  void add_unevaluated(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples, double weight,
                       const UnevaluatedSamplesBar<Scalar>& bar, const TermTotals& totals) override;

  /// h from the drifts of the stencil, and in m_drift_bar its derivative by the first one. Public, because nvcc allows kernels in
  /// public functions alone.
  void add_values(const ExecutionSpace& space, int n, double weight, const Vector<Scalar>& score_weight,
                  const TermTotals& totals) const;

 private:
  /// The samples shifted by +-step along v are points 0 and 1.
  StencilShift<Scalar> shift_of(int k) const {
    return {m_v, static_cast<Scalar>(k == 0 ? m_step : -m_step), m_scale};
  }

  int m_n_dims;
  double m_step, m_time_span;  ///< step in units of the data
  Scalar m_limit;
  Vector<Scalar> m_scale;
  DriftStencil<Scalar> m_stencil;
  Matrix<Scalar> m_v, m_drift_bar;
};

template <class Scalar>
Smoothness<Scalar>::Smoothness(const TermContext<Scalar>& context)
    : m_n_dims(context.dynamics->n_dims()),
      m_step(jacobian_step<Scalar>(context.units)),
      m_time_span(context.units.time_span()),
      m_limit(static_cast<Scalar>(context.schedule.saturation)),
      m_scale(on_device<Scalar>(context.units.scale, "scale")),
      m_stencil(context, 2),
      m_v(make_matrix<Scalar>("direction", m_n_dims, context.max_samples)),
      m_drift_bar(make_matrix<Scalar>("drift adjoint", m_n_dims, context.max_samples)) {}

template <class Scalar>
void Smoothness<Scalar>::add_values(const ExecutionSpace& space, int n, double weight,
                                    const Vector<Scalar>& score_weight, const TermTotals& totals) const {
  const int n_dims = m_n_dims;
  const Matrix<Scalar> along = m_stencil.drift(0), against = m_stencil.drift(1), drift_bar = m_drift_bar;
  const Vector<Scalar> scale = m_scale;
  const auto rate = static_cast<Scalar>(1 / (2 * m_step * m_time_span));
  const Scalar term_weight = static_cast<Scalar>(weight), limit = m_limit;
  add_sums(
      space, "smoothness", n,
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        Scalar square = 0;
        for (int i = 0; i < n_dims; ++i) {
          const Scalar change = rate * scale(i) * (along(i, s) - against(i, s));
          drift_bar(i, s) = change;
          square += change * change;
        }
        const Saturated<Scalar> h = saturate(square, limit);
        for (int i = 0; i < n_dims; ++i)
          drift_bar(i, s) *= Scalar(2) * term_weight * h.slope * rate * scale(i);
        add_sample_cost(h, term_weight, score_weight(s), total, saturated);
      },
      totals);
}

template <class Scalar>
void Smoothness<Scalar>::add_unevaluated(const ExecutionSpace& space,
                                         const UnevaluatedSamples<Scalar>& samples, double weight,
                                         const UnevaluatedSamplesBar<Scalar>& bar, const TermTotals& totals) {
  const int n = samples.points.size();
  draw_signs(space, samples, m_v, Matrix<Scalar>());
  for (int k = 0; k < 2; ++k) m_stencil.evaluate(space, samples, k, shift_of(k));
  add_values(space, n, weight, bar.score_weight, totals);
  if (bar.parameters.extent(0) == 0) return;
  turn_sign(space, m_drift_bar, n);  // point 1 first, it has just been evaluated
  m_stencil.add_adjoint(space, samples, m_drift_bar, bar.parameters, bar.x);
  turn_sign(space, m_drift_bar, n);
  m_stencil.evaluate(space, samples, 0, shift_of(0));
  m_stencil.add_adjoint(space, samples, m_drift_bar, bar.parameters, bar.x);
}

}  // namespace

TermFactory smoothness_term() {
  return make_factory<Smoothness>();
}

}  // namespace rhoflux::objectives
