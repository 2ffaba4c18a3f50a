#include "rhoflux/inference/trajectories.hpp"

#include <gtest/gtest.h>

#include "rhoflux/device/backend.hpp"
#include "rhoflux/inference/transport_report.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "support/errors.hpp"
#include "unit/inference/inference_test_support.hpp"

namespace rhoflux::inference {
namespace {

using testing::constant_volatility;
using testing::make_checkpoint;
using testing::ModelCase;

TrajectoryOptions through(std::vector<double> frames) {
  TrajectoryOptions options;
  options.frames = std::move(frames);
  options.ode.relative_tolerance = 1e-9;
  options.ode.absolute_tolerance = 1e-10;
  options.steps = 200;
  return options;
}

std::vector<double> frame_of(const Trajectories& paths, std::size_t n_frames, std::size_t frame,
                             std::size_t dims) {
  std::vector<double> x;
  for (std::size_t row = frame * dims; row < paths.x.size(); row += n_frames * dims)
    x.insert(x.end(), paths.x.begin() + static_cast<std::ptrdiff_t>(row),
             paths.x.begin() + static_cast<std::ptrdiff_t>(row + dims));
  return x;
}

double largest_distance(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t k = 0; k < a.size(); ++k) largest = std::max(largest, std::fabs(a[k] - b[k]));
  return largest;
}

TEST(Trajectories, TheOdeComesBack) {
  for (const ModelCase& test_case : testing::model_cases({1, 2})) {
    const Inference inference(make_checkpoint(test_case));
    const auto dims = static_cast<std::size_t>(inference.n_dims());
    const std::vector<double> start = inference.sample_at(1.2, 0, 150, 1, 0);
    const Trajectories there = TrajectoryIntegrator(inference, through({1.2, 2.7})).integrate(start, 0);
    EXPECT_EQ(frame_of(there, 2, 0, dims), start);  // to the bit
    const std::vector<double> end = frame_of(there, 2, 1, dims);
    EXPECT_GT(largest_distance(end, start), 0.01);
    const Trajectories back = TrajectoryIntegrator(inference, through({2.7, 1.2})).integrate(end, 0);
    EXPECT_LT(largest_distance(frame_of(back, 2, 1, dims), start), 1e-5);
  }
}

/// An exact flow does not depend on where one looks at it.
TEST(Trajectories, FramesAreOnTheWay) {
  const Inference inference(make_checkpoint({}));
  const std::vector<double> start = inference.sample_at(1, 0, 100, 1, 0);
  const Trajectories all = TrajectoryIntegrator(inference, through({1, 1.7, 2.2, 3})).integrate(start, 0);
  const Trajectories some = TrajectoryIntegrator(inference, through({1, 2.2})).integrate(start, 0);
  EXPECT_LT(largest_distance(frame_of(all, 4, 2, 2), frame_of(some, 2, 1, 2)), 1e-6);
}

/// int |u|^2 dt by Simpson's rule along the frames.
TEST(Trajectories, TheEnergyIsTheIntegralOfTheSquaredVelocity) {
  const Inference inference(make_checkpoint({}));
  constexpr std::size_t n = 20, n_frames = 201;
  std::vector<double> frames;
  for (std::size_t k = 0; k < n_frames; ++k)
    frames.push_back(1.0 + 2.0 * static_cast<double>(k) / (n_frames - 1));
  const Trajectories paths =
      TrajectoryIntegrator(inference, through(frames)).integrate(inference.sample_at(1, 0, n, 1, 0), 0);
  std::vector<double> expected(n, 0.0);
  for (std::size_t frame = 0; frame < n_frames; ++frame) {
    const std::vector<double> velocity =
        inference.dynamics_at(std::vector<double>(n, frames[frame]), frame_of(paths, n_frames, frame, 2), {})
            .velocity;
    const double weight = frame == 0 || frame + 1 == n_frames ? 1 : frame % 2 == 1 ? 4 : 2;
    for (std::size_t s = 0; s < n; ++s)
      expected[s] += weight * 2.0 / (n_frames - 1) / 3 *
                     (velocity[2 * s] * velocity[2 * s] + velocity[2 * s + 1] * velocity[2 * s + 1]);
  }
  for (std::size_t s = 0; s < n; ++s) EXPECT_NEAR(paths.energy[s], expected[s], 1e-4 * expected[s]);
}

/// With the chance of a right program to fail of 1e-5: the marginal at the end is that of the model for any g, in
/// both directions.
TEST(Trajectories, EitherDirectionKeepsTheMarginals) {
  for (const double g : {0.0, 0.5, 1.5})
    for (const auto& [from, to] : {std::pair<double, double>{1.2, 2.8}, {2.8, 1.2}}) {
      const Inference inference(make_checkpoint({}));
      TrajectoryOptions options = through({from, to});
      options.volatility = constant_volatility(g);
      const Trajectories paths =
          TrajectoryIntegrator(inference, options).integrate(inference.sample_at(from, 0, 1000, 1, 0), 0);
      EXPECT_LT(model_ks(inference, frame_of(paths, 2, 1, 2), to), metrics::kolmogorov_smirnov_bound(1e-5))
          << "g = " << g << " from " << from << " to " << to;
    }
}

TEST(Trajectories, FixedStepsWithoutNoiseFollowTheOde) {
  const Inference inference(make_checkpoint({}));
  const std::vector<double> start = inference.sample_at(1.2, 0, 100, 1, 0);
  TrajectoryOptions options = through({1.2, 2.7});
  const std::vector<double> ode =
      frame_of(TrajectoryIntegrator(inference, options).integrate(start, 0), 2, 1, 2);
  options.adaptive = false;
  double error[2];
  for (const int k : {0, 1}) {
    options.steps = 400 << k;
    error[k] = largest_distance(
        frame_of(TrajectoryIntegrator(inference, options).integrate(start, 0), 2, 1, 2), ode);
  }
  EXPECT_LT(error[0], 0.02);
  EXPECT_LT(error[1], error[0] / 2.5);  // order 2
}

TEST(Trajectories, TheNoiseBelongsToTheParticle) {
  const Inference inference(make_checkpoint({}));
  TrajectoryOptions options = through({1, 1.5, 2});
  options.volatility = constant_volatility(0.8);
  options.steps = 20;
  const std::vector<double> start = inference.sample_at(1, 0, 2 * default_chunk_size, 1, 0);
  const auto half = start.begin() + static_cast<std::ptrdiff_t>(start.size() / 2);
  const TrajectoryIntegrator integrator(inference, options);
  const Trajectories all = integrator.integrate(start, 10);
  const Trajectories second = integrator.integrate({half, start.end()}, 10 + default_chunk_size);
  EXPECT_EQ(second.x,
            std::vector<double>(all.x.end() - static_cast<std::ptrdiff_t>(second.x.size()), all.x.end()));
  EXPECT_NE(second.x, integrator.integrate({half, start.end()}, 10).x);
  options.seed = 2;
  EXPECT_NE(all.x, TrajectoryIntegrator(inference, options).integrate(start, 10).x);
}

/// In a time of 1e-6 the drift moves a particle by some 1e-5, the noise by 2e-3: what is left is int g^2 dt, of
/// which the mean over n particles has a standard deviation of (2 / n)^(1/2) times its value.
TEST(Trajectories, TheNoiseHasTheVarianceOfTheVolatility) {
  const Inference inference(
      make_checkpoint({density::Family::autoregressive, 1, flux::DivergenceFree::none}));
  constexpr std::size_t n = 4000;
  constexpr double dt = 1e-6;
  TrajectoryOptions options = through({2, 2 + dt});
  options.volatility.times = {2, 2 + dt};
  options.volatility.values = {1, 3};
  options.steps = 10;
  const Trajectories paths =
      TrajectoryIntegrator(inference, options).integrate(inference.sample_at(2, 0, n, 1, 0), 0);
  double square = 0;
  for (std::size_t s = 0; s < n; ++s) square += std::pow(paths.x[2 * s + 1] - paths.x[2 * s], 2) / n;
  const double variance = dt * (1 + 3 + 9) / 3.0;  // int of a square that is linear below the root
  EXPECT_NEAR(square, variance, 5 * variance * std::sqrt(2.0 / n));
}

/// A noise of 1e200 carries every particle out of the range of the drift, whose end is the start.
TEST(Trajectories, APathThatLeavesIsNamed) {
  const Inference inference(make_checkpoint({}));
  TrajectoryOptions options = through({1, 2});
  options.volatility = constant_volatility(1e200);
  const std::vector<double> start = inference.sample_at(1, 0, 10, 1, 0);
  const Trajectories paths = TrajectoryIntegrator(inference, options).integrate(start, 70);
  ASSERT_FALSE(paths.failed.empty());
  EXPECT_GE(paths.failed.front().particle, 70);
  EXPECT_LT(paths.failed.front().t, 2);
  test::expect_error(ExitCode::numerical_failure, {"particle 7", "t = 1", "--steps"},
                     [&] { require_all_followed(paths); });
}

/// Particles that cannot be followed, in the first chunk and in the last, by the ODE and by the SDE: NaN from where
/// they fail, and the others as if these were not there.
TEST(Trajectories, OneThatFailsDoesNotTouchTheOthers) {
  const Inference inference(make_checkpoint({}));
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  constexpr std::size_t n = default_chunk_size + 20, n_frames = 3;
  for (const double g : {0.0, 0.5}) {
    TrajectoryOptions options = through({1, 1.5, 2});
    options.volatility = constant_volatility(g);
    options.steps = 20;
    const std::vector<double> start = inference.sample_at(1, 0, n, 1, 0);
    std::vector<double> broken = start;
    for (const std::size_t particle : {std::size_t{3}, n - 1}) broken[particle * dims] = 1e308;
    const TrajectoryIntegrator integrator(inference, options);
    const Trajectories whole = integrator.integrate(start, 0), paths = integrator.integrate(broken, 0);
    EXPECT_TRUE(whole.failed.empty());
    EXPECT_NO_THROW(require_all_followed(whole));
    ASSERT_EQ(paths.failed.size(), 2U);
    EXPECT_EQ(paths.failed[0].particle, 3);
    EXPECT_EQ(paths.failed[1].particle, static_cast<std::int64_t>(n) - 1);
    EXPECT_NEAR(paths.failed[0].x[0] / 1e308, 1, 1e-12);
    EXPECT_EQ(paths.failed[0].t, 1);
    for (std::size_t s = 0; s < n; ++s)
      for (std::size_t k = 0; k < n_frames * dims; ++k) {
        const std::size_t at = s * n_frames * dims + k;
        if (s != 3 && s != n - 1)
          EXPECT_EQ(paths.x[at], whole.x[at]);
        else
          EXPECT_EQ(std::isnan(paths.x[at]), k >= dims);
      }
  }
}

}  // namespace
}  // namespace rhoflux::inference
