#pragma once

#include <cstdint>
#include <memory>

#include "rhoflux/core/units.hpp"
#include "rhoflux/density/density.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/objectives/config.hpp"
#include "rhoflux/objectives/term_registry.hpp"

namespace rhoflux::flux {
template <class Scalar>
class Dynamics;
}

namespace rhoflux::objectives {

/// Samples of the model and what it says of them, in the units of the data. Samples that a term looks at in
/// pairs stand in groups of Config::samples_per_time with the same time.
template <class Scalar>
struct ModelSamples {
  ConstVector<Scalar> t;        ///< (n)
  ConstMatrix<Scalar> x;        ///< (n_dims, n)
  ConstMatrix<Scalar> drift;    ///< (n_dims, n) u; zero at the ends of the time range
  ConstVector<Scalar> log_rho;  ///< (n)
  ConstVector<Scalar> growth =
      {};  ///< (n) r, 1/time; empty unless the density grows, and at the ends of the time range
  ConstVector<Scalar> mass = {};  ///< (n) M; empty where growth is
  int size() const { return static_cast<int>(t.extent(0)); }
};

/// Adjoints of the same, to which the terms add.
template <class Scalar>
struct ModelSamplesBar {
  Matrix<Scalar> x, drift;
  Vector<Scalar> log_rho;
  /// (n) weight h of each sample, by which the score function weighs its score; twice as much where h belongs
  /// to a pair of samples.
  Vector<Scalar> score_weight;
  Matrix<Scalar> scratch;                     ///< (n_dims, n)
  Vector<Scalar> growth = {}, log_mass = {};  ///< empty where ModelSamples has none
  /// (n_dims, n) weight e of u_i^2 in a cost of motion, for a learned growth share (flux::FluxBar); empty: not wanted
  Matrix<Scalar> share_energy = {};
};

/// Which samples of the model a step has, over all ranks. Groups of samples (Config::samples_per_block, else
/// each sample alone) have their times in as many equal parts of the time range, so that the samples of a
/// step are the same however they are split over ranks.
struct SampleConfig {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t samples = 0;  ///< a multiple of Config::samples_per_block
};

/// Samples of the model for a term that evaluates the dynamics at points of its own.
template <class Scalar>
struct UnevaluatedSamples {
  Vector<Scalar> parameters;
  density::Points<Scalar> points;  ///< model units
  Matrix<Scalar> diffusion;        ///< (n_dims, n) g^2 / 2, see flux::DynamicsViews; empty: 0
  SampleConfig config;             ///< with the number of the first sample the key of its random numbers
  std::int64_t first_sample = 0;
};

/// Adjoints of the same, to which such a term adds.
template <class Scalar>
struct UnevaluatedSamplesBar {
  Vector<Scalar> parameters;    ///< (layout size); empty: the values alone
  Matrix<Scalar> x;             ///< (n_dims, n) model units
  Vector<Scalar> score_weight;  ///< (n) as above
};

/// Sums over samples, once they are in host memory.
struct TermSums {
  double value = 0;      ///< of h, saturated
  double saturated = 0;  ///< samples whose h is above the saturation
};

/// Where a term adds its sums over samples, each times a factor: of h, saturated, and of the samples whose h is above the
/// saturation. In the memory of the execution space, so that a step waits for none.
using TermTotals = PairOfSums;

/// Those of term k. @param totals (2, n_terms)
inline TermTotals totals_of(const Matrix<double>& totals, std::size_t k, double share,
                            double saturated_share) {
  return {Kokkos::subview(totals, Kokkos::ALL, k), {share, saturated_share}};
}

/// What a term may be made of.
template <class Scalar>
struct TermContext {
  const Config& config;
  const TermSchedule& schedule;  ///< of this term: its saturation
  const Units& units;
  /// For a term that evaluates it; outlives the term.
  flux::Dynamics<Scalar>* dynamics = nullptr;
  bool has_diffusion = false;  ///< g is not zero
  int max_samples = 0;         ///< of one call
};

/// One expectation E_rho h(t, x, u, log rho) under the model.
template <class Scalar>
class ExpectationTerm {
 public:
  virtual ~ExpectationTerm() = default;
  /// Adds weight dh to the adjoints, weight h to the score_weight, and the sums over the samples to `totals`.
  virtual void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
                   const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const;

  /// True for a cost that grows without bound with the rate of the mass. While none acts, the mass is not trained: a
  /// kinetic energy alone would be least for a population that dies out in between.
  virtual bool bounds_mass() const { return false; }

  /// True for a term that evaluates the dynamics at points of its own. It has add_unevaluated in place of
  /// `add`, called before the dynamics are evaluated at the samples, and may leave them anywhere.
  virtual bool evaluates_dynamics() const { return false; }
  /// Adds weight dh to the adjoints, weight h to the score_weight, and the sums over the samples to `totals`.
  virtual void add_unevaluated(const ExecutionSpace& space, const UnevaluatedSamples<Scalar>& samples,
                               double weight, const UnevaluatedSamplesBar<Scalar>& bar,
                               const TermTotals& totals);
};

/// The factory of a term whose class Term<Scalar> is made from a TermContext<Scalar>.
template <template <class> class Term>
TermFactory make_factory() {
  return {[](const TermContext<float>& context) -> std::unique_ptr<ExpectationTerm<float>> {
            return std::make_unique<Term<float>>(context);
          },
          [](const TermContext<double>& context) -> std::unique_ptr<ExpectationTerm<double>> {
            return std::make_unique<Term<double>>(context);
          }};
}

extern template class ExpectationTerm<float>;
extern template class ExpectationTerm<double>;

}  // namespace rhoflux::objectives
