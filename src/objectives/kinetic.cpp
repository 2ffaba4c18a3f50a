#include <cmath>
#include <vector>

#include "rhoflux/core/math.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/mass_weight.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// h = rho_s^-a sum_i c_i u_i^2, c_i = 1, or 1 / scale_i^2 (Metric::standardised), weighted by the mass; rho_s the density
/// in standardised coordinates, a = 0 for `kinetic` (model.md (3.5), (3.5a)).
template <class Scalar>
class KineticEnergy : public ExpectationTerm<Scalar> {
 public:
  KineticEnergy(const TermContext<Scalar>& context, double power);
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;

 private:
  Vector<Scalar> m_metric;  ///< (n_dims) c_i
  Scalar m_limit, m_power;
  Scalar m_log_volume = 0;  ///< log rho_s - log rho, sum_i log scale_i
};

template <class Scalar>
KineticEnergy<Scalar>::KineticEnergy(const TermContext<Scalar>& context, double power)
    : m_limit(static_cast<Scalar>(context.schedule.saturation)), m_power(static_cast<Scalar>(power)) {
  std::vector<double> metric;
  double log_volume = 0;
  for (const double scale : context.units.scale) {
    metric.push_back(context.config.kinetic_metric == Metric::standardised ? 1 / (scale * scale) : 1.0);
    log_volume += std::log(scale);
  }
  m_metric = on_device<Scalar>(metric, "metric of the kinetic energy");
  m_log_volume = static_cast<Scalar>(log_volume);
}

template <class Scalar>
void KineticEnergy<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples,
                                double weight, const ModelSamplesBar<Scalar>& bar,
                                const TermTotals& totals) const {
  const ConstMatrix<Scalar> u = samples.drift;
  const Matrix<Scalar> u_bar = bar.drift;
  const Vector<Scalar> score_weight = bar.score_weight, metric = m_metric;
  const MassWeight<Scalar> mass(samples, bar);
  const Matrix<Scalar> energy = bar.share_energy;
  const bool has_energy = energy.extent(0) > 0;
  const int n_dims = static_cast<int>(u.extent(0));
  const ConstVector<Scalar> log_rho = samples.log_rho;
  const Vector<Scalar> log_rho_bar = bar.log_rho;
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit, power = m_power,
               log_volume = m_log_volume;
  add_sums(
      space, "kinetic energy", samples.size(),
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        Scalar square = 0;
        const Scalar factor = scale * mass.at(s);
        for (int i = 0; i < n_dims; ++i) square += metric(i) * u(i, s) * u(i, s);
        const Scalar by_density =
            power > Scalar(0) ? math::exp(-power * (log_rho(s) + log_volume)) : Scalar(1);  // rho_s^-a
        const Saturated<Scalar> h = saturate(by_density * square, limit);
        const Scalar slope = factor * h.slope * by_density;
        for (int i = 0; i < n_dims; ++i) u_bar(i, s) += Scalar(2) * slope * metric(i) * u(i, s);
        for (int i = 0; i < n_dims && has_energy; ++i) energy(i, s) += slope * metric(i);
        if (power > Scalar(0)) log_rho_bar(s) -= power * slope * square;
        mass.add_adjoint(s, factor * h.value);
        add_sample_cost(h, factor, score_weight(s), total, saturated, mass.at(s));
      },
      totals);
}

template <class Scalar>
class Kinetic final : public KineticEnergy<Scalar> {
 public:
  explicit Kinetic(const TermContext<Scalar>& context) : KineticEnergy<Scalar>(context, 0) {}
};

template <class Scalar>
class DensityKinetic final : public KineticEnergy<Scalar> {
 public:
  explicit DensityKinetic(const TermContext<Scalar>& context)
      : KineticEnergy<Scalar>(context, context.config.density_kinetic_power) {}
};

}  // namespace

TermFactory kinetic_term() {
  return make_factory<Kinetic>();
}

TermFactory density_kinetic_term() {
  return make_factory<DensityKinetic>();
}

}  // namespace rhoflux::objectives
