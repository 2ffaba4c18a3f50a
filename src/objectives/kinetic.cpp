#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/mass_weight.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// h = sum_i c_i u_i^2, c_i = 1, or 1 / scale_i^2 (Metric::standardised), weighted by the mass.
template <class Scalar>
class Kinetic final : public ExpectationTerm<Scalar> {
 public:
  explicit Kinetic(const TermContext<Scalar>& context);
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;

 private:
  Vector<Scalar> m_metric;  ///< (n_dims) c_i
  Scalar m_limit;
};

template <class Scalar>
Kinetic<Scalar>::Kinetic(const TermContext<Scalar>& context)
    : m_limit(static_cast<Scalar>(context.schedule.saturation)) {
  std::vector<double> metric;
  for (const double scale : context.units.scale)
    metric.push_back(context.config.kinetic_metric == Metric::standardised ? 1 / (scale * scale) : 1.0);
  m_metric = on_device<Scalar>(metric, "metric of the kinetic energy");
}

template <class Scalar>
void Kinetic<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
                          const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const {
  const ConstMatrix<Scalar> u = samples.drift;
  const Matrix<Scalar> u_bar = bar.drift;
  const Vector<Scalar> score_weight = bar.score_weight, metric = m_metric;
  const MassWeight<Scalar> mass(samples, bar);
  const Matrix<Scalar> energy = bar.share_energy;
  const bool has_energy = energy.extent(0) > 0;
  const int n_dims = static_cast<int>(u.extent(0));
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit;
  add_sums(
      space, "kinetic energy", samples.size(),
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        Scalar square = 0;
        const Scalar factor = scale * mass.at(s);
        for (int i = 0; i < n_dims; ++i) square += metric(i) * u(i, s) * u(i, s);
        const Saturated<Scalar> h = saturate(square, limit);
        for (int i = 0; i < n_dims; ++i) u_bar(i, s) += Scalar(2) * factor * h.slope * metric(i) * u(i, s);
        for (int i = 0; i < n_dims && has_energy; ++i) energy(i, s) += factor * h.slope * metric(i);
        mass.add_adjoint(s, factor * h.value);
        add_sample_cost(h, factor, score_weight(s), total, saturated, mass.at(s));
      },
      totals);
}

}  // namespace

TermFactory kinetic_term() {
  return make_factory<Kinetic>();
}

}  // namespace rhoflux::objectives
