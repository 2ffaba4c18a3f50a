#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {
namespace {

/// h = log rho, [HVC] 35.
template <class Scalar>
class Entropy final : public ExpectationTerm<Scalar> {
 public:
  explicit Entropy(const TermContext<Scalar>&) {}
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;
};

template <class Scalar>
void Entropy<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
                          const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const {
  const ConstVector<Scalar> log_rho = samples.log_rho;
  const Vector<Scalar> log_rho_bar = bar.log_rho, score_weight = bar.score_weight;
  const auto scale = static_cast<Scalar>(weight);
  add_sums(
      space, "entropy", samples.size(),
      KOKKOS_LAMBDA(int s, double& total, double&) {
        total += static_cast<double>(log_rho(s));
        log_rho_bar(s) += scale;
        score_weight(s) += scale * log_rho(s);
      },
      totals);
}

}  // namespace

TermFactory entropy_term() {
  return make_factory<Entropy>();
}

}  // namespace rhoflux::objectives
