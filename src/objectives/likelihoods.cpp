#include "rhoflux/objectives/likelihoods.hpp"

#include <algorithm>
#include <utility>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/device/reductions.hpp"

namespace rhoflux::objectives {
namespace {

template <class Scalar>
void scale_weights(const ExecutionSpace& space, Scalar factor, const ConstVector<Scalar>& weight,
                   const Vector<Scalar>& scaled, int n) {
  for_each(
      space, "weight adjoint", n, KOKKOS_LAMBDA(int s) { scaled(s) = factor * weight(s); });
}

/// Adds sum_s -weight_s log rho_s.
template <class Scalar>
void add_loss(const ExecutionSpace& space, const ConstVector<Scalar>& weight,
              const ConstVector<Scalar>& log_rho, int n, const TermTotals& totals) {
  add_sums(
      space, "loss", n,
      KOKKOS_LAMBDA(int s, double& total, double&) { total -= static_cast<double>(weight(s) * log_rho(s)); },
      totals);
}

}  // namespace

template <class Scalar>
Likelihoods<Scalar>::Likelihoods(density::Density<Scalar>& density, std::int64_t batch, int max_samples)
    : m_density(density), m_batch(batch), m_max_samples(max_samples) {
  m_points = {make_vector<Scalar>("batch times", max_samples),
              make_matrix<Scalar>("batch", density.n_dims(), max_samples),
              {}};
  if (density.n_conditions() > 0)
    m_points.conditions = make_matrix<Scalar>("batch conditions", density.n_conditions(), max_samples);
  m_weight = make_vector<Scalar>("batch weights", max_samples);
  m_weight_bar = make_vector<Scalar>("batch adjoint", max_samples);
  m_log_rho = make_vector<Scalar>("log density", max_samples);
}

template <class Scalar>
void Likelihoods<Scalar>::add_term(const std::string& name, const TermSchedule& schedule,
                                   std::shared_ptr<const SampleStream<Scalar>> stream) {
  m_terms.push_back({name, schedule, std::move(stream)});
}

/// Adds `weight` times the gradient of the mean of -log rho over the batch, the part of some of its samples.
template <class Scalar>
void Likelihoods<Scalar>::add_gradient(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                       std::int64_t step, SampleRange samples, double weight,
                                       const SampleStream<Scalar>& stream,
                                       const Vector<Scalar>& parameters_bar, const TermTotals& totals) {
  const auto factor = static_cast<Scalar>(-weight / static_cast<double>(m_batch));
  for (std::int64_t first = samples.begin; first < samples.end; first += m_max_samples) {
    const auto n = static_cast<int>(std::min<std::int64_t>(m_max_samples, samples.end - first));
    const density::Points<Scalar> points = m_points.part(0, n);
    stream.draw(space, {step, first, samples.member}, points, m_weight, {});
    scale_weights<Scalar>(space, factor, m_weight, m_weight_bar, n);
    m_density.log_density_gradient(space, parameters, points, m_weight_bar, m_log_rho, parameters_bar);
    add_loss<Scalar>(space, m_weight, m_log_rho, n, totals);
  }
}

template <class Scalar>
void Likelihoods<Scalar>::accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                     std::int64_t step, SampleRange samples,
                                     const std::vector<double>& weights, const Vector<Scalar>& parameters_bar,
                                     const Matrix<double>& totals) {
  for (std::size_t k = 0; k < m_terms.size(); ++k)
    if (weights[k] > 0)
      add_gradient(space, parameters, step, samples, weights[k], *m_terms[k].stream, parameters_bar,
                   totals_of(totals, k, 1 / static_cast<double>(m_batch), 1));
}

template class Likelihoods<float>;
template class Likelihoods<double>;

}  // namespace rhoflux::objectives
