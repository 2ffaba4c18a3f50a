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
///
/// The parameters have parts (flux::Dynamics::parts): each member's own, whose gradient is that of its own objective, as if
/// it were alone, and those that members share, whose gradient is the mean of what the members give.
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

  /// Entries of the parameters, and what their entries of gradient() are to be multiplied with.
  struct Part {
    Range entries;
    double factor = 1;
  };
  const std::vector<Part>& parts() const { return m_parts; }

  /// What one step gives.
  struct Values {
    std::vector<objectives::TermSums> terms;
    std::vector<double> part_norms;  ///< Euclidean norms of the gradients of the parts
    /// Euclidean; of an ensemble the root mean square over the parts.
    double gradient_norm() const;
  };
  /// Value of each term in one step; the gradient of their weighted sum is left in gradient() on every rank, but for the
  /// factors of the parts. What has no weight is not evaluated. Collective.
  Values evaluate(const Vector<Scalar>& parameters, std::int64_t step, const std::vector<double>& weights);
  /// Norm of the gradient of each term alone, times its weight. Overwrites gradient(). Collective.
  std::vector<double> gradient_norms(const Vector<Scalar>& parameters, std::int64_t step,
                                     const std::vector<double>& weights);
  const Vector<Scalar>& gradient() const { return m_gradient.lane(0); }

 private:
  /// `evaluate`, whether the reduction watches or not.
  Values evaluate_terms(const Vector<Scalar>& parameters, std::int64_t step,
                        const std::vector<double>& weights);
  std::vector<double> read_values();
  std::size_t n_parts() const { return m_parts.size(); }
  void fill_lane(int worker, int lane, const Vector<Scalar>& parameters, std::int64_t step,
                 const std::vector<double>& weights);

  Workers<Scalar>& m_workers;
  std::vector<Part> m_parts;
  bool m_overlaps;  ///< the gradient is summed over ranks while the rest is computed
  parallel::BatchPartition m_partition;
  parallel::GradientReduction<Scalar> m_gradient;
  std::vector<std::unique_ptr<objectives::Objective<Scalar>>> m_objectives;  ///< by worker
  /// (2, n_terms by lane, and n_parts): value and saturated share, at the end the squared norms of the gradients of the parts
  Matrix<double> m_totals;
  Kokkos::View<double**, Kokkos::LayoutLeft, Kokkos::HostSpace> m_totals_on_host;
};

extern template class DistributedObjective<float>;
extern template class DistributedObjective<double>;

}  // namespace rhoflux::training
