#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/device/backend.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/expectations.hpp"
#include "rhoflux/objectives/growth_rates.hpp"
#include "rhoflux/objectives/likelihoods.hpp"

namespace rhoflux::objectives {

/// What an Objective is made for.
struct ObjectiveOptions {
  Units units;
  flux::Volatility volatility;  ///< g that the drift is for
  std::int64_t batch = 0;       ///< samples of a step over all ranks
  std::uint64_t seed = 0;
  int max_samples = default_chunk_size;  ///< evaluated together; a multiple of Config::samples_per_block
};

/// What needs files. Streams; null: none. Those of given Gaussians the objective makes itself. Several objectives may
/// draw from one stream at once.
template <class Scalar>
struct FileStreams {
  std::shared_ptr<const SampleStream<Scalar>> data, initial, terminal;
  ConditionTable<Scalar> conditions;  ///< of the model samples; empty: a model without conditions
};

/// The objective on one lane: its terms, when they act, their values and the gradient of their weighted sum
/// over some samples of a global batch. First the likelihoods, then the growth rates, then the expectations at the first time, at
/// the last time, and the integrals over time, each kind in the order of the registry.
template <class Scalar>
class Objective {
 public:
  /// @param dynamics made for Use::adjoint where Config::needs_dynamics; outlives the object
  Objective(const Config& config, flux::Dynamics<Scalar>& dynamics, const ObjectiveOptions& options,
            const FileStreams<Scalar>& streams);

  std::size_t n_terms() const { return m_names.size(); }
  const std::string& name(std::size_t k) const { return m_names[k]; }
  const TermSchedule& schedule(std::size_t k) const { return m_schedules[k]; }
  /// Weights of the terms in the step after `step` steps.
  std::vector<double> weights_at(std::int64_t step) const;

  /// Adds the part of some samples of one step to the gradient of the weighted sum (layout size), and to the value of
  /// each term with the share of samples that is saturated (totals, (2, n_terms)), all in the memory of the execution
  /// space and not waited for. What has no weight is not evaluated.
  /// @param samples begin and end are multiples of Config::samples_per_block
  void accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters, std::int64_t step,
                  SampleRange samples, const std::vector<double>& weights, const Vector<Scalar>& gradient,
                  const Matrix<double>& totals);

 private:
  std::shared_ptr<const SampleStream<Scalar>> stream_of(const Config& config, TermKind kind,
                                                        const ObjectiveOptions& options,
                                                        const FileStreams<Scalar>& streams) const;

  std::int64_t m_batch;
  std::uint64_t m_seed;
  int m_max_samples;
  std::vector<std::string> m_names;
  std::vector<TermSchedule> m_schedules;
  Likelihoods<Scalar> m_likelihoods;
  std::unique_ptr<GrowthRates<Scalar>> m_growth_rates;                ///< null: no such term
  std::vector<std::unique_ptr<Expectations<Scalar>>> m_expectations;  ///< one for each kind that there is
};

extern template class Objective<float>;
extern template class Objective<double>;

}  // namespace rhoflux::objectives
