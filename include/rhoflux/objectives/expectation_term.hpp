#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/core/units.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/objectives/config.hpp"

namespace rhoflux::objectives {

/// Draws from the model and what it says of them, in the units of the data. Draws that a term looks at in
/// pairs stand in groups of Config::congestion_group with the same time.
template <class Scalar>
struct ModelSamples {
  Vector<Scalar> t;        ///< (n)
  Matrix<Scalar> x;        ///< (n_dims, n)
  Matrix<Scalar> drift;    ///< (n_dims, n) u
  Vector<Scalar> log_rho;  ///< (n)
  int size() const { return static_cast<int>(t.extent(0)); }
};

/// Adjoints of the same, to which the terms add.
template <class Scalar>
struct ModelSamplesBar {
  Matrix<Scalar> x, drift;
  Vector<Scalar> log_rho;
  /// (n) weight h of each draw, by which the score function weighs its score; twice as much where h belongs
  /// to a pair of draws.
  Vector<Scalar> score_weight;
  Matrix<Scalar> scratch;  ///< (n_dims, n)
};

/// Which draws of a step, over all ranks. Groups of draws (Config::samples_per_block, else each draw alone)
/// have their times in as many equal parts of the time range, so that the draws of a step are the same
/// however they are split over ranks.
struct SampleConfig {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t samples = 0;  ///< a multiple of Config::samples_per_block
};

/// Sums over draws.
struct TermSums {
  double value = 0;    ///< of h, clipped
  double clipped = 0;  ///< draws whose h is clipped
};

/// One term int E_rho h(t, x, u, log rho) dt.
template <class Scalar>
class ExpectationTerm {
 public:
  virtual ~ExpectationTerm() = default;
  virtual std::string name() const = 0;
  /// Adds weight dh to the adjoints and weight h to the score_weight.
  virtual TermSums add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
                       const ModelSamplesBar<Scalar>& bar) const = 0;
};

/// A term and when it acts.
template <class Scalar>
struct ScheduledTerm {
  Term schedule;
  std::unique_ptr<ExpectationTerm<Scalar>> term;
};

/// h = sum_i c_i u_i^2, c_i = 1, or 1 / scale_i^2 (Metric::standardised).
template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_kinetic(const Config& config, const Units& units);
/// h = |u - v(x)|^2 / (2 sigma^2), [HVC] 34.
template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_control(const Config& config);
/// h = log rho, [HVC] 35.
template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_entropy(const Config& config);
/// h = rho, or the mean of K(x - y) over the other draws y of the group: an unbiased estimate of
/// E_{rho x rho} K, whose pairs are all of one rank.
template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_congestion(const Config& config);
/// h = phi(x), a potential; [HVC] 35.
template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_potential_cost(const std::string& name,
                                                             const Potential& potential, double clip);

/// h = log rho - log p(x), p a mixture of Gaussians: the Kullback-Leibler divergence of the model from it.
template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_reverse_divergence(const std::string& name,
                                                                 const EndpointDistribution& distribution);

/// The integrals over time that the configuration asks for, but for jacobian_symmetry.
template <class Scalar>
std::vector<ScheduledTerm<Scalar>> make_integral_terms(const Config& config, const Units& units);
/// The expectations at the first time that the configuration asks for, or at the last.
template <class Scalar>
std::vector<ScheduledTerm<Scalar>> make_endpoint_terms(const Config& config, bool is_last);

}  // namespace rhoflux::objectives
