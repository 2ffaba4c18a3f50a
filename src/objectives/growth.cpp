#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/mass_weight.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// h = r^2, weighted by the mass: with `kinetic` the Wasserstein-Fisher-Rao energy (model.md (10.8a), (10.8b)).
template <class Scalar>
class GrowthCost final : public ExpectationTerm<Scalar> {
 public:
  explicit GrowthCost(const TermContext<Scalar>& context)
      : m_limit(static_cast<Scalar>(context.schedule.saturation)) {}
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;
  /// Saturated, it grows as slowly as log M falls.
  bool bounds_mass() const override { return m_limit == Scalar(0); }

 private:
  Scalar m_limit;
};

template <class Scalar>
void GrowthCost<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
                             const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const {
  const ConstVector<Scalar> r = samples.growth;
  const Vector<Scalar> r_bar = bar.growth, score_weight = bar.score_weight;
  const MassWeight<Scalar> mass(samples, bar);
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit;
  add_sums(
      space, "growth", samples.size(),
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        const Scalar factor = scale * mass.at(s);
        const Saturated<Scalar> h = saturate(r(s) * r(s), limit);
        r_bar(s) += Scalar(2) * factor * h.slope * r(s);
        mass.add_adjoint(s, factor * h.value);
        add_sample_cost(h, factor, score_weight(s), total, saturated, mass.at(s));
      },
      totals);
}

}  // namespace

TermFactory growth_term() {
  return make_factory<GrowthCost>();
}

}  // namespace rhoflux::objectives
