#include "rhoflux/objectives/running_term.hpp"

namespace rhoflux::objectives {
namespace {

template <class Scalar>
class Entropy : public RunningTerm<Scalar> {
 public:
  std::string name() const override { return "entropy"; }
  TermSums add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
               const DrawsBar<Scalar>& bar) const override;
};

template <class Scalar>
TermSums Entropy<Scalar>::add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
                              const DrawsBar<Scalar>& bar) const {
  const Vector<Scalar> log_rho = draws.log_rho, log_rho_bar = bar.log_rho, response = bar.response;
  const auto scale = static_cast<Scalar>(weight);
  TermSums sums;
  Kokkos::parallel_reduce(
      "entropy", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total) {
        total += static_cast<double>(log_rho(s));
        log_rho_bar(s) += scale;
        response(s) += scale * log_rho(s);
      },
      sums.value);
  return sums;
}

}  // namespace

template <class Scalar>
std::unique_ptr<RunningTerm<Scalar>> make_entropy(const Config&) {
  return std::make_unique<Entropy<Scalar>>();
}

template std::unique_ptr<RunningTerm<float>> make_entropy<float>(const Config&);
template std::unique_ptr<RunningTerm<double>> make_entropy<double>(const Config&);

}  // namespace rhoflux::objectives
