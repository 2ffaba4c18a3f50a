#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {
namespace {

template <class Scalar>
class Entropy : public ExpectationTerm<Scalar> {
 public:
  std::string name() const override { return "entropy"; }
  TermSums add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
               const ModelSamplesBar<Scalar>& bar) const override;
};

template <class Scalar>
TermSums Entropy<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
                              const ModelSamplesBar<Scalar>& bar) const {
  const Vector<Scalar> log_rho = draws.log_rho, log_rho_bar = bar.log_rho, score_weight = bar.score_weight;
  const auto scale = static_cast<Scalar>(weight);
  TermSums sums;
  Kokkos::parallel_reduce(
      "entropy", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total) {
        total += static_cast<double>(log_rho(s));
        log_rho_bar(s) += scale;
        score_weight(s) += scale * log_rho(s);
      },
      sums.value);
  return sums;
}

}  // namespace

template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_entropy(const Config&) {
  return std::make_unique<Entropy<Scalar>>();
}

template std::unique_ptr<ExpectationTerm<float>> make_entropy<float>(const Config&);
template std::unique_ptr<ExpectationTerm<double>> make_entropy<double>(const Config&);

}  // namespace rhoflux::objectives
