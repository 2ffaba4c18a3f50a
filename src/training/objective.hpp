#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/data/sources.hpp"
#include "rhoflux/objectives/objective.hpp"
#include "rhoflux/parallel/gradient_reduction.hpp"
#include "rhoflux/training/trainer.hpp"
#include "workers.hpp"

namespace rhoflux::training {

/// The objective of a run over global batches: each thread of each rank takes its lanes of the batch, and values and
/// gradients are summed over lanes and ranks. Of an ensemble: the mean of the objectives of its members, each as if it were
/// alone. No array is allocated in a step.
template <class Scalar>
class DistributedObjective {
 public:
  /// Reads this rank's shards. Collective. The communicator and the workers must outlive the object.
  /// @param chunk samples evaluated together
  DistributedObjective(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
                       const checkpoint::ModelDescription& model, Workers<Scalar>& workers, int chunk);
  ~DistributedObjective();
  DistributedObjective(const DistributedObjective&) = delete;
  DistributedObjective& operator=(const DistributedObjective&) = delete;

  std::size_t n_terms() const { return m_objectives.front()->n_terms(); }
  const std::string& name(std::size_t k) const { return m_objectives.front()->name(k); }
  const objectives::TermSchedule& schedule(std::size_t k) const { return m_objectives.front()->schedule(k); }
  /// Weights of the terms in the step after `step` steps.
  std::vector<double> weights_at(std::int64_t step) const { return m_objectives.front()->weights_at(step); }

  /// What one step gives.
  struct Values {
    std::vector<objectives::TermSums> terms;
    double gradient_norm = 0;  ///< Euclidean
  };
  /// Value of each term in one step; the gradient of their weighted sum is left in gradient() on every rank.
  /// What has no weight is not evaluated. Collective.
  Values evaluate(const Vector<Scalar>& parameters, std::int64_t step, const std::vector<double>& weights);
  /// Norm of the gradient of each term alone, times its weight. Overwrites gradient(). Collective.
  std::vector<double> gradient_norms(const Vector<Scalar>& parameters, std::int64_t step,
                                     const std::vector<double>& weights);
  const Vector<Scalar>& gradient() const { return m_gradient.lane(0); }

 private:
  /// `evaluate`, whether the reduction watches or not.
  Values evaluate_terms(const Vector<Scalar>& parameters, std::int64_t step,
                        const std::vector<double>& weights);
  double read_values();
  void fill_lane(int worker, int lane, const Vector<Scalar>& parameters, std::int64_t step,
                 const std::vector<double>& weights);

  Workers<Scalar>& m_workers;
  bool m_overlaps;  ///< the gradient is summed over ranks while the rest is computed
  parallel::BatchPartition m_partition;
  parallel::GradientReduction<Scalar> m_gradient;
  std::vector<std::unique_ptr<objectives::Objective<Scalar>>> m_objectives;  ///< by worker
  /// (2, n_terms by lane, and one): value and saturated share, at the end the squared norm of the gradient
  Matrix<double> m_totals;
  Kokkos::View<double**, Kokkos::LayoutLeft, Kokkos::HostSpace> m_totals_on_host;
};

extern template class DistributedObjective<float>;
extern template class DistributedObjective<double>;

}  // namespace rhoflux::training
