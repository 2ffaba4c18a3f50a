#include "potential_on_device.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// The base drift v as kernels see it.
template <class Scalar>
struct BaseDriftOnDevice {
  BaseDrift::Kind kind = BaseDrift::Kind::zero;
  int n_dims = 0;
  Vector<Scalar> matrix, offset;  ///< (D * D) row by row, (D)
  PotentialOnDevice<Scalar> potential;

  /// out = u - v(x).
  RHOFLUX_FUNCTION void difference(const Scalar* x, const Scalar* u, Scalar* out) const {
    for (int i = 0; i < n_dims; ++i) {
      out[i] = u[i];
      if (kind != BaseDrift::Kind::linear) continue;
      out[i] -= offset(i);
      for (int j = 0; j < n_dims; ++j) out[i] -= matrix(i * n_dims + j) * x[j];
    }
    if (kind == BaseDrift::Kind::gradient) (void)potential.add_gradient(x, Scalar(1), out);
  }
  /// Adds factor times the derivative of <w, u - v(x)> by x to out.
  RHOFLUX_FUNCTION void add_adjoint(const Scalar* x, const Scalar* w, Scalar factor, Scalar* out) const {
    if (kind == BaseDrift::Kind::gradient) potential.add_hessian(x, w, factor, out);
    if (kind != BaseDrift::Kind::linear) return;
    for (int i = 0; i < n_dims; ++i)
      for (int j = 0; j < n_dims; ++j) out[j] -= factor * matrix(i * n_dims + j) * w[i];
  }
};

/// h = |u - v(x)|^2 / (2 sigma^2), [HVC] 34.
template <class Scalar>
class Control final : public ExpectationTerm<Scalar> {
 public:
  explicit Control(const TermContext<Scalar>& context)
      : m_limit(static_cast<Scalar>(context.schedule.saturation)),
        m_precision(static_cast<Scalar>(1 / (context.config.control_sigma * context.config.control_sigma))) {
    const BaseDrift& base = context.config.control_base;
    m_base.kind = base.kind;
    m_base.matrix = on_device<Scalar>(base.matrix, "matrix of the base drift");
    m_base.offset = on_device<Scalar>(base.offset, "offset of the base drift");
    m_base.potential = PotentialOnDevice<Scalar>(base.potential);
  }
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;

 private:
  Scalar m_limit, m_precision;
  BaseDriftOnDevice<Scalar> m_base;
};

template <class Scalar>
void Control<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
                          const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const {
  const ConstMatrix<Scalar> x = samples.x, u = samples.drift;
  const Matrix<Scalar> x_bar = bar.x, u_bar = bar.drift, difference = bar.scratch;
  const Vector<Scalar> score_weight = bar.score_weight;
  const int n_dims = static_cast<int>(u.extent(0));
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit, precision = m_precision;
  BaseDriftOnDevice<Scalar> base = m_base;
  base.n_dims = n_dims;
  add_sums(
      space, "control cost", samples.size(),
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        base.difference(&x(0, s), &u(0, s), &difference(0, s));
        Scalar square = 0;
        for (int i = 0; i < n_dims; ++i) square += difference(i, s) * difference(i, s);
        const Saturated<Scalar> h = saturate(precision * square / Scalar(2), limit);
        const Scalar factor = scale * h.slope * precision;
        for (int i = 0; i < n_dims; ++i) u_bar(i, s) += factor * difference(i, s);
        base.add_adjoint(&x(0, s), &difference(0, s), factor, &x_bar(0, s));
        add_sample_cost(h, scale, score_weight(s), total, saturated);
      },
      totals);
}

}  // namespace

TermFactory control_term() {
  return make_factory<Control>();
}

}  // namespace rhoflux::objectives
