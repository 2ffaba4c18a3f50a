#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/density/density.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/sample_stream.hpp"

namespace rhoflux::objectives {

/// Samples [begin, end) of a global batch, for a member of an ensemble.
struct SampleRange {
  std::int64_t begin = 0, end = 0;
  int member = 0;
};

/// The terms that are negative log-likelihoods of samples (model.md section 3),
///   sum_k w_k (1/B) sum_s -weight_s log rho_{t_s}(x_s),
/// (t_s, x_s) the samples of a global batch of B of stream k. Nothing is allocated in a call.
template <class Scalar>
class Likelihoods {
 public:
  /// @param density outlives the object
  /// @param batch B @param max_samples evaluated together
  Likelihoods(density::Density<Scalar>& density, std::int64_t batch, int max_samples);

  void add_term(const std::string& name, const TermSchedule& schedule,
                std::shared_ptr<const SampleStream<Scalar>> stream);
  int n_terms() const { return static_cast<int>(m_terms.size()); }
  const std::string& name(int k) const { return m_terms[static_cast<std::size_t>(k)].name; }
  const TermSchedule& schedule(int k) const { return m_terms[static_cast<std::size_t>(k)].schedule; }

  /// Adds the part of some samples in term k to totals(0, k), and weights[k] times its gradient to parameters_bar
  /// (layout size). What has no weight is left out.
  void accumulate(const ExecutionSpace& space, const Vector<Scalar>& parameters, std::int64_t step,
                  SampleRange samples, const std::vector<double>& weights,
                  const Vector<Scalar>& parameters_bar, const Matrix<double>& totals);

 private:
  struct LikelihoodTerm {
    std::string name;
    TermSchedule schedule;
    std::shared_ptr<const SampleStream<Scalar>> stream;
  };
  void add_gradient(const ExecutionSpace& space, const Vector<Scalar>& parameters, std::int64_t step,
                    SampleRange samples, double weight, const SampleStream<Scalar>& stream,
                    const Vector<Scalar>& parameters_bar, const TermTotals& totals);

  density::Density<Scalar>& m_density;
  std::int64_t m_batch;
  int m_max_samples;
  std::vector<LikelihoodTerm> m_terms;
  density::Points<Scalar> m_points;
  Vector<Scalar> m_weight, m_weight_bar, m_log_rho;
};

extern template class Likelihoods<float>;
extern template class Likelihoods<double>;

}  // namespace rhoflux::objectives
