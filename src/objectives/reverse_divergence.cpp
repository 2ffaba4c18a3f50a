#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/gaussian_mixture.hpp"

namespace rhoflux::objectives {
namespace {

/// h = log rho - log p(x), p a mixture of Gaussians: the Kullback-Leibler divergence of the model from it.
template <class Scalar>
class ReverseDivergence : public ExpectationTerm<Scalar> {
 public:
  explicit ReverseDivergence(const EndpointDistribution& distribution)
      : m_distribution(distribution, Units::identity(distribution.n_dims())) {}
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;

 private:
  GaussianMixture<Scalar> m_distribution;  ///< units of the data
};

template <class Scalar>
void ReverseDivergence<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples,
                                    double weight, const ModelSamplesBar<Scalar>& bar,
                                    const TermTotals& totals) const {
  const ConstMatrix<Scalar> x = samples.x;
  const Matrix<Scalar> x_bar = bar.x, work = bar.scratch;
  const ConstVector<Scalar> log_rho = samples.log_rho;
  const Vector<Scalar> log_rho_bar = bar.log_rho, score_weight = bar.score_weight;
  const GaussianMixture<Scalar> distribution = m_distribution;
  const auto scale = static_cast<Scalar>(weight);
  add_sums(
      space, "divergence from Gaussians", samples.size(),
      KOKKOS_LAMBDA(int s, double& total, double&) {
        const Scalar h = log_rho(s) - distribution.add_gradient(&x(0, s), -scale, &work(0, s), &x_bar(0, s));
        log_rho_bar(s) += scale;
        score_weight(s) += scale * h;
        total += static_cast<double>(h);
      },
      totals);
}

template <class Scalar>
class InitialReverse final : public ReverseDivergence<Scalar> {
 public:
  explicit InitialReverse(const TermContext<Scalar>& context)
      : ReverseDivergence<Scalar>(context.config.initial_distribution) {}
};

template <class Scalar>
class TerminalReverse final : public ReverseDivergence<Scalar> {
 public:
  explicit TerminalReverse(const TermContext<Scalar>& context)
      : ReverseDivergence<Scalar>(context.config.terminal_distribution) {}
};

}  // namespace

TermFactory initial_reverse_term() {
  return make_factory<InitialReverse>();
}
TermFactory terminal_reverse_term() {
  return make_factory<TerminalReverse>();
}

}  // namespace rhoflux::objectives
