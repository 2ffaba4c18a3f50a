#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/data/sources.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/objectives/expectations.hpp"
#include "rhoflux/parallel/gradient_reduction.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::training {

/// The objective of a run: which terms there are, their values over a global batch, and the gradient of their
/// weighted sum. Every rank takes its part of the batch; no array is allocated in a step.
template <class Scalar>
class Objective {
 public:
  /// Reads this rank's shards. Collective. The communicator and the dynamics must outlive the object.
  Objective(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
            const Units& units, flux::Dynamics<Scalar>& dynamics, int chunk);
  ~Objective();
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;

  std::size_t n_terms() const { return m_names.size(); }
  const std::string& name(std::size_t k) const { return m_names[k]; }
  const objectives::Term& schedule(std::size_t k) const { return m_schedules[k]; }
  /// Weights of the terms in the step after `step` steps.
  std::vector<double> weights_at(std::int64_t step) const;

  /// Value of each term in one step; the gradient of their weighted sum is left in gradient() on every rank.
  /// What has no weight is not evaluated. Collective.
  std::vector<objectives::TermSums> evaluate(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                             std::int64_t step, const std::vector<double>& weights);
  /// Norm of the gradient of each term alone, times its weight. Overwrites gradient(). Collective.
  std::vector<double> gradient_norms(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                     std::int64_t step, const std::vector<double>& weights);
  const Vector<Scalar>& gradient() const { return m_gradient.lane(0); }

 private:
  void add_likelihood(const char* name, const objectives::Term& schedule,
                      std::unique_ptr<data::SampleStream<Scalar>> stream);
  void add_distribution(const char* name, const objectives::Term& schedule, const data::EndpointSource& given,
                        double tau, const mpi::Communicator& comm, const Units& units);
  void add_expectations(const RunConfig& config, const Units& units, int chunk);
  /// `evaluate`, whether the reduction watches or not.
  std::vector<objectives::TermSums> evaluate_terms(const ExecutionSpace& space,
                                                   const Vector<Scalar>& parameters, std::int64_t step,
                                                   const std::vector<double>& weights);
  double add_likelihood_gradient(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                 std::int64_t step, mpi::Share samples, double weight,
                                 const data::SampleStream<Scalar>& stream, const Vector<Scalar>& gradient);

  const TrainingConfig m_training;
  flux::Dynamics<Scalar>& m_dynamics;
  parallel::BatchPartition m_partition;
  parallel::GradientReduction<Scalar> m_gradient;
  int m_chunk;
  std::vector<std::string> m_names;
  std::vector<objectives::Term> m_schedules;
  std::vector<std::unique_ptr<data::SampleStream<Scalar>>>
      m_streams;  ///< of the first terms, the likelihoods
  /// Of the other terms: the costs of the ends, the integrals over time, as far as there are any.
  std::vector<std::unique_ptr<objectives::Expectations<Scalar>>> m_expectations;
  density::Points<Scalar> m_points;
  Vector<Scalar> m_weight, m_weight_bar, m_log_rho;
  std::vector<double> m_lane_values;  ///< value and clipped share, by lane and term
};

extern template class Objective<float>;
extern template class Objective<double>;

}  // namespace rhoflux::training
