#include "clip.hpp"
#include "potential_on_device.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {
namespace {

template <class Scalar>
class PotentialCost : public ExpectationTerm<Scalar> {
 public:
  PotentialCost(const std::string& name, const Potential& potential, double limit)
      : m_name(name), m_potential(potential), m_limit(static_cast<Scalar>(limit)) {}
  std::string name() const override { return m_name; }
  TermSums add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
               const ModelSamplesBar<Scalar>& bar) const override;

 private:
  std::string m_name;
  PotentialOnDevice<Scalar> m_potential;
  Scalar m_limit;
};

template <class Scalar>
TermSums PotentialCost<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws,
                                    double weight, const ModelSamplesBar<Scalar>& bar) const {
  const Matrix<Scalar> x = draws.x, x_bar = bar.x, gradient = bar.scratch;
  const Vector<Scalar> score_weight = bar.score_weight;
  const PotentialOnDevice<Scalar> potential = m_potential;
  const int n_dims = static_cast<int>(x.extent(0));
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit;
  TermSums sums;
  Kokkos::parallel_reduce(
      "potential", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total, double& clipped) {
        for (int i = 0; i < n_dims; ++i) gradient(i, s) = 0;
        const Scalar phi = potential.add_gradient(&x(0, s), Scalar(1), &gradient(0, s));
        const Clipped<Scalar> h = clip(phi, limit);
        for (int i = 0; i < n_dims; ++i) x_bar(i, s) += scale * h.slope * gradient(i, s);
        add_sample_cost(h, scale, score_weight(s), total, clipped);
      },
      sums.value, sums.clipped);
  return sums;
}

}  // namespace

template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_potential_cost(const std::string& name,
                                                             const Potential& potential, double clip) {
  return std::make_unique<PotentialCost<Scalar>>(name, potential, clip);
}

template std::unique_ptr<ExpectationTerm<float>> make_potential_cost<float>(const std::string&,
                                                                            const Potential&, double);
template std::unique_ptr<ExpectationTerm<double>> make_potential_cost<double>(const std::string&,
                                                                              const Potential&, double);

}  // namespace rhoflux::objectives
