#include "potential_on_device.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// h = phi(x), a potential; [HVC] 35.
template <class Scalar>
class PotentialCost : public ExpectationTerm<Scalar> {
 public:
  PotentialCost(const Potential& potential, double saturation)
      : m_potential(potential), m_limit(static_cast<Scalar>(saturation)) {}
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;

 private:
  PotentialOnDevice<Scalar> m_potential;
  Scalar m_limit;
};

template <class Scalar>
void PotentialCost<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples,
                                double weight, const ModelSamplesBar<Scalar>& bar,
                                const TermTotals& totals) const {
  const ConstMatrix<Scalar> x = samples.x;
  const Matrix<Scalar> x_bar = bar.x, gradient = bar.scratch;
  const Vector<Scalar> score_weight = bar.score_weight;
  const PotentialOnDevice<Scalar> potential = m_potential;
  const int n_dims = static_cast<int>(x.extent(0));
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit;
  add_sums(
      space, "potential", samples.size(),
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        for (int i = 0; i < n_dims; ++i) gradient(i, s) = 0;
        const Scalar phi = potential.add_gradient(&x(0, s), Scalar(1), &gradient(0, s));
        const Saturated<Scalar> h = saturate(phi, limit);
        for (int i = 0; i < n_dims; ++i) x_bar(i, s) += scale * h.slope * gradient(i, s);
        add_sample_cost(h, scale, score_weight(s), total, saturated);
      },
      totals);
}

/// The cost of where mass is, at all times.
template <class Scalar>
class StateCost final : public PotentialCost<Scalar> {
 public:
  explicit StateCost(const TermContext<Scalar>& context)
      : PotentialCost<Scalar>(context.config.state_cost_potential, context.schedule.saturation) {}
};

/// The cost of where mass is at the last time.
template <class Scalar>
class TerminalCost final : public PotentialCost<Scalar> {
 public:
  explicit TerminalCost(const TermContext<Scalar>& context)
      : PotentialCost<Scalar>(context.config.terminal_potential, context.schedule.saturation) {}
};

}  // namespace

TermFactory state_cost_term() {
  return make_factory<StateCost>();
}
TermFactory terminal_cost_term() {
  return make_factory<TerminalCost>();
}

}  // namespace rhoflux::objectives
