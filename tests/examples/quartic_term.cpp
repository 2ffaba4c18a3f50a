/// How to add a term to the objective: int E_rho |x|^4 dt, which keeps mass near the origin.

#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// h = |x|^4, dh = 4 |x|^2 x.
template <class Scalar>
class Quartic final : public ExpectationTerm<Scalar> {
 public:
  explicit Quartic(const TermContext<Scalar>& context)
      : m_limit(static_cast<Scalar>(context.schedule.saturation)) {}
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override {
    const ConstMatrix<Scalar> x = samples.x;
    const Matrix<Scalar> x_bar = bar.x;
    const Vector<Scalar> score_weight = bar.score_weight;
    const int n_dims = static_cast<int>(x.extent(0));
    const Scalar scale = static_cast<Scalar>(weight), limit = m_limit;
    add_sums(
        space, "quartic", samples.size(),
        KOKKOS_LAMBDA(int s, double& total, double& saturated) {
          Scalar square = 0;
          for (int i = 0; i < n_dims; ++i) square += x(i, s) * x(i, s);
          const Saturated<Scalar> h = saturate(square * square, limit);
          for (int i = 0; i < n_dims; ++i) x_bar(i, s) += scale * h.slope * Scalar(4) * square * x(i, s);
          add_sample_cost(h, scale, score_weight(s), total, saturated);
        },
        totals);
  }

 private:
  Scalar m_limit;
};

}  // namespace

TermFactory quartic_term() {
  return make_factory<Quartic>();
}

}  // namespace rhoflux::objectives
