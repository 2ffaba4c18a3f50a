#include "rhoflux/objectives/growth_rates.hpp"

#include <algorithm>
#include <utility>

#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// Adds the sums over samples; growth_bar_s = factor weight_s dh/dr, r in 1/dtau.
template <class Scalar>
struct RateComparison {
  Scalar factor;  ///< weight of the term / B
  Scalar span;    ///< time span: r of the data = r / span
  Scalar limit;   ///< see saturate()

  void add(const ExecutionSpace& space, int n, const ConstVector<Scalar>& growth,
           const ConstVector<Scalar>& given, const ConstVector<Scalar>& weights,
           const Vector<Scalar>& growth_bar, const TermTotals& totals) const {
    const RateComparison<Scalar> of = *this;
    const ConstVector<Scalar> r = growth, rate = given, weight = weights;
    const Vector<Scalar> bar = growth_bar;
    add_sums(
        space, "growth rates", n,
        KOKKOS_LAMBDA(int s, double& total, double& saturated) {
          const Scalar difference = r(s) / of.span - rate(s);
          const Saturated<Scalar> h = saturate(difference * difference, of.limit);
          bar(s) = of.factor * weight(s) * Scalar(2) * h.slope * difference / of.span;
          total += static_cast<double>(weight(s) * h.value);
          saturated += h.is_saturated ? 1 : 0;
        },
        totals);
  }
};

}  // namespace

template <class Scalar>
GrowthRates<Scalar>::GrowthRates(flux::Dynamics<Scalar>& dynamics, const GrowthRatesOptions& options,
                                 std::shared_ptr<const SampleStream<Scalar>> stream)
    : m_dynamics(dynamics), m_options(options), m_stream(std::move(stream)) {
  const int n = options.max_samples;
  const auto vector = [&](const char* label) { return make_vector<Scalar>(label, n); };
  m_points = {vector("times of the rows"), make_matrix<Scalar>("rows", dynamics.n_dims(), n)};
  if (const int n_conditions = dynamics.density().n_conditions(); n_conditions > 0)
    m_points.conditions = make_matrix<Scalar>("conditions of the rows", n_conditions, n);
  m_weight = vector("weights of the rows");
  m_rate = vector("growth rates of the rows");
  m_motion.log_rho = vector("log density");
  m_motion.growth = vector("growth rate");
  m_bar.drift = make_matrix<Scalar>("drift adjoint", dynamics.n_dims(), n);
  m_bar.log_rho = vector("log density adjoint");
  m_bar.growth = vector("growth rate adjoint");
  m_x_bar = make_matrix<Scalar>("rows adjoint", dynamics.n_dims(), n);
}

template <class Scalar>
void GrowthRates<Scalar>::accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                     std::int64_t step, SampleRange samples, double weight,
                                     const Vector<Scalar>& parameters_bar, const Matrix<double>& totals) {
  const double per_sample = 1 / static_cast<double>(m_options.batch);
  const RateComparison<Scalar> comparison = {static_cast<Scalar>(weight * per_sample),
                                             static_cast<Scalar>(m_options.time_span),
                                             static_cast<Scalar>(m_options.schedule.saturation)};
  for (std::int64_t first = samples.begin; first < samples.end; first += m_options.max_samples) {
    const auto n = static_cast<int>(std::min<std::int64_t>(m_options.max_samples, samples.end - first));
    const density::Points<Scalar> points = m_points.part(0, n);
    m_stream->draw(space, {step, first, samples.member}, points, m_weight, m_rate);
    m_dynamics.evaluate(space, parameters, points, m_motion);
    comparison.add(space, n, m_motion.growth, m_rate, m_weight, m_bar.growth,
                   totals_of(totals, 0, per_sample, per_sample));
    m_dynamics.adjoint(space, parameters, points, m_motion, m_bar, flux::StateKind::fixed, parameters_bar,
                       m_x_bar);
  }
}

template class GrowthRates<float>;
template class GrowthRates<double>;

}  // namespace rhoflux::objectives
