#include "rhoflux/objectives/sample_stream.hpp"

#include "rhoflux/device/loops.hpp"
#include "rhoflux/objectives/gaussian_mixture.hpp"

namespace rhoflux::objectives {
namespace {

template <class Scalar>
class GaussianStream final : public SampleStream<Scalar> {
 public:
  GaussianStream(const EndpointDistribution& distribution, const GaussianStreamOptions& options)
      : m_mixture(distribution, options.units), m_options(options) {}
  void draw(const ExecutionSpace& space, const SampleSet& samples, const density::Points<Scalar>& points,
            const Vector<Scalar>& weight, const Vector<Scalar>&) const override {
    const RandomStream random(m_options.seed, m_options.purpose, static_cast<std::uint64_t>(samples.step));
    const GaussianMixture<Scalar> mixture = m_mixture;
    const Vector<Scalar> tau = points.tau;
    const Matrix<Scalar> x = points.x;
    const auto time = static_cast<Scalar>(m_options.tau);
    const std::int64_t batch = m_options.batch, first = samples.first;
    for_each(
        space, "samples of Gaussians", points.size(), KOKKOS_LAMBDA(int s) {
          mixture.even_sample(random, first + s, batch, &x(0, s));
          tau(s) = time;
          weight(s) = 1;
        });
  }

 private:
  GaussianMixture<Scalar> m_mixture;
  GaussianStreamOptions m_options;
};

}  // namespace

template <class Scalar>
std::unique_ptr<SampleStream<Scalar>> make_gaussian_stream(const EndpointDistribution& distribution,
                                                           const GaussianStreamOptions& options) {
  return std::make_unique<GaussianStream<Scalar>>(distribution, options);
}

template std::unique_ptr<SampleStream<float>> make_gaussian_stream<float>(const EndpointDistribution&,
                                                                          const GaussianStreamOptions&);
template std::unique_ptr<SampleStream<double>> make_gaussian_stream<double>(const EndpointDistribution&,
                                                                            const GaussianStreamOptions&);

}  // namespace rhoflux::objectives
