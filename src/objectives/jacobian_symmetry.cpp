#include "drift_stencil.hpp"
#include "random_signs.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// int E_rho |J - J^T|_F^2 dt with J = du/dx ([HVC] 37, 38): zero where the drift is a gradient. With
/// independent random signs v and w (Hutchinson 1989) the expectation of s^2, s = w'(J - J^T)v, is the
/// squared norm; J v and J w are central differences of the drift, of which the gradient is exact.
template <class Scalar>
class JacobianSymmetry final : public ExpectationTerm<Scalar> {
 public:
  explicit JacobianSymmetry(const TermContext<Scalar>& context);
  bool evaluates_dynamics() const override { return true; }
  void add_unevaluated(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples, double weight,
                       const UnevaluatedSamplesBar<Scalar>& bar, const TermTotals& totals) override;

  // Steps of add_unevaluated; public, because nvcc allows kernels in public functions alone.
  void add_values(const ExecutionSpace& space, int n, double weight, const Vector<Scalar>& score_weight,
                  const TermTotals& totals) const;
  void add_adjoint(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples,
                   const UnevaluatedSamplesBar<Scalar>& bar);

 private:
  /// The samples shifted by +-step along v or w are points 0, 1 and 2, 3.
  StencilShift<Scalar> shift_of(int k) const {
    return {k < 2 ? m_v : m_w, static_cast<Scalar>(k % 2 == 0 ? m_step : -m_step), m_scale};
  }

  int m_n_dims;
  double m_step, m_time_span;  ///< step in units of the data
  Scalar m_limit;
  Vector<Scalar> m_scale;
  DriftStencil<Scalar> m_stencil;
  Matrix<Scalar> m_v, m_w, m_drift_bar;
  Vector<Scalar> m_factor;
};

template <class Scalar>
JacobianSymmetry<Scalar>::JacobianSymmetry(const TermContext<Scalar>& context)
    : m_n_dims(context.dynamics->n_dims()),
      m_step(jacobian_step<Scalar>(context.units)),
      m_time_span(context.units.time_span()),
      m_limit(static_cast<Scalar>(context.schedule.saturation)),
      m_scale(on_device<Scalar>(context.units.scale, "scale")),
      m_stencil(context, 4) {
  const int n = context.max_samples;
  m_v = make_matrix<Scalar>("first direction", m_n_dims, n);
  m_w = make_matrix<Scalar>("second direction", m_n_dims, n);
  m_drift_bar = make_matrix<Scalar>("drift adjoint", m_n_dims, n);
  m_factor = make_vector<Scalar>("factor", n);
}

/// h from the drifts of the stencil; leaves in m_factor the derivative of weight h by the difference.
template <class Scalar>
void JacobianSymmetry<Scalar>::add_values(const ExecutionSpace& space, int n, double weight,
                                          const Vector<Scalar>& score_weight,
                                          const TermTotals& totals) const {
  const int n_dims = m_n_dims;
  const Matrix<Scalar> v = m_v, w = m_w;
  const Matrix<Scalar> along_v = m_stencil.drift(0), against_v = m_stencil.drift(1),
                       along_w = m_stencil.drift(2), against_w = m_stencil.drift(3);
  const Vector<Scalar> scale = m_scale, factor = m_factor;
  const auto rate = static_cast<Scalar>(1 / (2 * m_step * m_time_span));
  const Scalar term_weight = static_cast<Scalar>(weight), limit = m_limit;
  add_sums(
      space, "jacobian symmetry", n,
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        Scalar difference = 0;
        for (int i = 0; i < n_dims; ++i)
          difference += scale(i) * (w(i, s) * (along_v(i, s) - against_v(i, s)) -
                                    v(i, s) * (along_w(i, s) - against_w(i, s)));
        difference *= rate;
        const Saturated<Scalar> h = saturate(difference * difference, limit);
        factor(s) = Scalar(2) * term_weight * h.slope * difference * rate;
        add_sample_cost(h, term_weight, score_weight(s), total, saturated);
      },
      totals);
}

template <class Scalar>
void JacobianSymmetry<Scalar>::add_adjoint(const ExecutionSpace& space,
                                           const UnevaluatedSamples<Scalar>& samples,
                                           const UnevaluatedSamplesBar<Scalar>& bar) {
  const int n = samples.points.size();
  const Matrix<Scalar> drift_bar = m_drift_bar;
  const Vector<Scalar> scale = m_scale, factor = m_factor;
  for (int k = 3; k >= 0; --k) {  // the last point first, it has just been evaluated
    if (k < 3) m_stencil.evaluate(space, samples, k, shift_of(k));
    const Matrix<Scalar> other = k < 2 ? m_w : m_v;
    const Scalar sign = k == 0 || k == 3 ? Scalar(1) : Scalar(-1);
    for_each_entry(
        space, "stencil adjoint", m_n_dims, n,
        KOKKOS_LAMBDA(int i, int s) { drift_bar(i, s) = sign * factor(s) * scale(i) * other(i, s); });
    m_stencil.add_adjoint(space, samples, m_drift_bar, bar.parameters, bar.x);
  }
}

template <class Scalar>
void JacobianSymmetry<Scalar>::add_unevaluated(const ExecutionSpace& space,
                                               const UnevaluatedSamples<Scalar>& samples, double weight,
                                               const UnevaluatedSamplesBar<Scalar>& bar,
                                               const TermTotals& totals) {
  draw_signs(space, samples, m_v, m_w);
  for (int k = 0; k < 4; ++k) m_stencil.evaluate(space, samples, k, shift_of(k));
  add_values(space, samples.points.size(), weight, bar.score_weight, totals);
  if (bar.parameters.extent(0) > 0) add_adjoint(space, samples, bar);
}

}  // namespace

TermFactory jacobian_symmetry_term() {
  return make_factory<JacobianSymmetry>();
}

}  // namespace rhoflux::objectives
