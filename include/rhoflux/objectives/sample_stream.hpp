#pragma once

#include <cstdint>
#include <memory>

#include "rhoflux/core/random.hpp"
#include "rhoflux/core/units.hpp"
#include "rhoflux/density/density.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/objectives/endpoint_distribution.hpp"

namespace rhoflux::objectives {

/// Which samples of a stream.
struct SampleSet {
  std::int64_t step = 0;
  std::int64_t first = 0;  ///< number of the first one in the global batch of the step
  int member = 0;          ///< of an ensemble, that they are for: it decides weights alone
};

/// Samples that a likelihood term sees.
template <class Scalar>
class SampleStream {
 public:
  virtual ~SampleStream() = default;
  /// Fills `points` (model units) and `weight` (n) with samples first, first + 1, ... of one step, and unless it is
  /// empty `growth` (n) with their growth rates, 1/time, which only rows of a file have.
  virtual void draw(const ExecutionSpace& space, const SampleSet& samples,
                    const density::Points<Scalar>& points, const Vector<Scalar>& weight,
                    const Vector<Scalar>& growth) const = 0;
};

/// How a stream of a mixture of Gaussians is drawn.
struct GaussianStreamOptions {
  double tau = 0;  ///< the model time of every sample
  Units units;     ///< of the model
  RandomPurpose purpose = RandomPurpose::initial_distribution;
  std::uint64_t seed = 0;
  std::int64_t batch = 0;  ///< samples of a step over all ranks
};

/// Samples of a mixture of Gaussians at one time, with weight 1: even ones, see GaussianMixture.
template <class Scalar>
std::unique_ptr<SampleStream<Scalar>> make_gaussian_stream(const EndpointDistribution& distribution,
                                                           const GaussianStreamOptions& options);

}  // namespace rhoflux::objectives
