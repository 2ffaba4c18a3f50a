#include "clip.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {
namespace {

template <class Scalar>
class Kinetic : public ExpectationTerm<Scalar> {
 public:
  Kinetic(const std::vector<double>& metric, double limit)
      : m_metric(on_device<Scalar>(metric, "metric of the kinetic energy")),
        m_limit(static_cast<Scalar>(limit)) {}
  std::string name() const override { return "kinetic"; }
  TermSums add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
               const ModelSamplesBar<Scalar>& bar) const override;

 private:
  Vector<Scalar> m_metric;  ///< (n_dims) c_i
  Scalar m_limit;
};

template <class Scalar>
TermSums Kinetic<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
                              const ModelSamplesBar<Scalar>& bar) const {
  const Matrix<Scalar> u = draws.drift, u_bar = bar.drift;
  const Vector<Scalar> score_weight = bar.score_weight, metric = m_metric;
  const int n_dims = static_cast<int>(u.extent(0));
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit;
  TermSums sums;
  Kokkos::parallel_reduce(
      "kinetic energy", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total, double& clipped) {
        Scalar square = 0;
        for (int i = 0; i < n_dims; ++i) square += metric(i) * u(i, s) * u(i, s);
        const Clipped<Scalar> h = clip(square, limit);
        for (int i = 0; i < n_dims; ++i) u_bar(i, s) += Scalar(2) * scale * h.slope * metric(i) * u(i, s);
        add_sample_cost(h, scale, score_weight(s), total, clipped);
      },
      sums.value, sums.clipped);
  return sums;
}

}  // namespace

template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_kinetic(const Config& config, const Units& units) {
  std::vector<double> metric;
  for (const double scale : units.scale)
    metric.push_back(config.kinetic_metric == Metric::standardised ? 1 / (scale * scale) : 1.0);
  return std::make_unique<Kinetic<Scalar>>(metric, config.kinetic.clip);
}

template std::unique_ptr<ExpectationTerm<float>> make_kinetic<float>(const Config&, const Units&);
template std::unique_ptr<ExpectationTerm<double>> make_kinetic<double>(const Config&, const Units&);

}  // namespace rhoflux::objectives
