#include "rhoflux/objectives/objective.hpp"

#include <algorithm>
#include <utility>

namespace rhoflux::objectives {

template <class Scalar>
Objective<Scalar>::Objective(const Config& config, flux::Dynamics<Scalar>& dynamics,
                             const ObjectiveOptions& options, const FileStreams<Scalar>& streams)
    : m_batch(options.batch),
      m_seed(options.seed),
      m_max_samples(options.max_samples),
      m_likelihoods(dynamics.density(), options.batch, options.max_samples) {
  const auto note = [&](const std::string& name, const TermSchedule& schedule) {
    m_names.push_back(name);
    m_schedules.push_back(schedule);
  };
  for (const TermKind kind :
       {TermKind::data_likelihood, TermKind::initial_likelihood, TermKind::terminal_likelihood})
    for (const TermRow* row : config.active_terms(kind)) {
      std::shared_ptr<const SampleStream<Scalar>> stream = stream_of(config, kind, options, streams);
      if (!stream) continue;  // a likelihood of data, where there are none
      m_likelihoods.add_term(row->name, config.schedule(row->name), std::move(stream));
      note(row->name, config.schedule(row->name));
    }
  for (const TermRow* row : config.active_terms(TermKind::data_rates)) {  // one at most
    const TermSchedule& schedule = config.schedule(row->name);
    m_growth_rates = std::make_unique<GrowthRates<Scalar>>(
        dynamics, GrowthRatesOptions{schedule, options.units.time_span(), options.batch, options.max_samples},
        streams.data);
    note(row->name, schedule);
  }
  for (const TermKind kind :
       {TermKind::initial_expectation, TermKind::terminal_expectation, TermKind::integral}) {
    if (!config.has(kind)) continue;
    m_expectations.push_back(std::make_unique<Expectations<Scalar>>(
        config, dynamics, ExpectationOptions{kind, options.units, options.volatility, options.max_samples},
        streams.conditions));
    for (int k = 0; k < m_expectations.back()->n_terms(); ++k)
      note(m_expectations.back()->name(k), m_expectations.back()->schedule(k));
  }
}

/// The samples of a likelihood: those of a file, or of Gaussians; null: there are none.
template <class Scalar>
std::shared_ptr<const SampleStream<Scalar>> Objective<Scalar>::stream_of(
    const Config& config, TermKind kind, const ObjectiveOptions& options,
    const FileStreams<Scalar>& streams) const {
  if (kind == TermKind::data_likelihood) return streams.data;
  const bool is_first = kind == TermKind::initial_likelihood;
  const EndpointDistribution& distribution =
      is_first ? config.initial_distribution : config.terminal_distribution;
  if (distribution.kind != EndpointDistribution::Kind::gaussians)
    return is_first ? streams.initial : streams.terminal;
  return make_gaussian_stream<Scalar>(
      distribution, {is_first ? 0.0 : 1.0, options.units,
                     is_first ? RandomPurpose::initial_distribution : RandomPurpose::terminal_distribution,
                     options.seed, options.batch});
}

template <class Scalar>
std::vector<double> Objective<Scalar>::weights_at(std::int64_t step) const {
  std::vector<double> weights;
  for (const TermSchedule& schedule : m_schedules) weights.push_back(schedule.at(step));
  return weights;
}

template <class Scalar>
void Objective<Scalar>::accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                   std::int64_t step, SampleRange samples, const std::vector<double>& weights,
                                   const Vector<Scalar>& gradient, const Matrix<double>& totals) {
  const SampleConfig config = {m_seed, step, m_batch};
  m_likelihoods.accumulate(space, parameters, step, samples, weights, gradient, totals);
  auto k = static_cast<std::size_t>(m_likelihoods.n_terms());
  if (m_growth_rates) {
    if (weights[k] > 0)
      m_growth_rates->accumulate(space, parameters, step, samples, weights[k], gradient,
                                 Kokkos::subview(totals, Kokkos::ALL, Kokkos::make_pair(k, k + 1)));
    ++k;
  }
  for (const auto& expectations : m_expectations) {
    const auto n = static_cast<std::size_t>(expectations->n_terms());
    const std::vector<double> own(weights.begin() + static_cast<std::ptrdiff_t>(k),
                                  weights.begin() + static_cast<std::ptrdiff_t>(k + n));
    const bool acts = std::any_of(own.begin(), own.end(), [](double weight) { return weight > 0; });
    const Matrix<double> own_totals = Kokkos::subview(totals, Kokkos::ALL, Kokkos::make_pair(k, k + n));
    for (std::int64_t first = samples.begin; acts && first < samples.end; first += m_max_samples)
      expectations->accumulate(space, parameters, config, first,
                               static_cast<int>(std::min<std::int64_t>(m_max_samples, samples.end - first)),
                               own, gradient, own_totals);
    k += n;
  }
}

template class Objective<float>;
template class Objective<double>;

}  // namespace rhoflux::objectives
