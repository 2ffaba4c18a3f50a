#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "rhoflux/inference/fate.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/inference/transport_report.hpp"
#include "rhoflux/inference/weighted_particles.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "unit/inference/inference_test_support.hpp"

namespace rhoflux::inference {
namespace {

using density::Family;
using testing::constant_volatility;

/// A model of random weights of a size with growth, learned growth share, and a mass that rises and falls.
checkpoint::Checkpoint growing_checkpoint(Family family, double size = 0.3) {
  checkpoint::Checkpoint checkpoint =
      testing::make_checkpoint({family, 2, flux::DivergenceFree::density_weighted});
  checkpoint::ModelDescription& model = checkpoint.model;
  if (family == Family::factorised) model.flux.divergence_free = flux::DivergenceFree::none;
  model.config.growth = density::Growth::weights;
  model.config.growth_share = density::GrowthShare::parse("learned");
  model.flux.mass = {{0, 0.4, 1}, {0, 0.7, -0.4}};
  const flux::Dynamics<double> dynamics(model.config, model.flux, 2,
                                        {1, flux::Dynamics<double>::Use::density});
  checkpoint.state.parameters = dynamics.initialise({2, testing::random_normals(400, 1)}, 1);
  const std::vector<double> noise = testing::random_normals(checkpoint.state.parameters.size(), 3);
  for (std::size_t k = 0; k < noise.size(); ++k) checkpoint.state.parameters[k] += size * noise[k];
  return checkpoint;
}

TrajectoryOptions through(std::vector<double> frames, double g) {
  TrajectoryOptions options;
  options.frames = std::move(frames);
  options.volatility = constant_volatility(g);
  options.ode.relative_tolerance = 1e-7;
  options.ode.absolute_tolerance = 1e-8;
  options.steps = 100;
  return options;
}

std::vector<double> frame_of(const Trajectories& paths, std::size_t n_frames, std::size_t frame) {
  std::vector<double> x;
  for (std::size_t at = 2 * frame; at < paths.x.size(); at += 2 * n_frames)
    x.insert(x.end(), {paths.x[at], paths.x[at + 1]});
  return x;
}

std::vector<double> weights_of(const Trajectories& paths, std::size_t n_frames, std::size_t frame) {
  std::vector<double> weight;
  for (std::size_t at = frame; at < paths.log_weight.size(); at += n_frames)
    weight.push_back(std::exp(paths.log_weight[at]));
  return weight;
}

std::vector<std::int64_t> one_each(std::size_t n) {
  std::vector<std::int64_t> family(n);
  std::iota(family.begin(), family.end(), std::int64_t{0});
  return family;
}

/// The integral of the growth rate along the path by Simpson's rule, with the minus sign backwards.
TEST(GrowingTrajectories, LogWeightsAreTheIntegralOfTheRate) {
  for (const Family family : {Family::autoregressive, Family::factorised})
    for (const bool backwards : {false, true}) {
      const Inference inference(growing_checkpoint(family));
      constexpr std::size_t n = 20, n_frames = 201;
      // On one side of the knot of the mass at t = 1.8, where the rate jumps.
      const double from = backwards ? 2.9 : 1.9, to = backwards ? 1.9 : 2.9;
      std::vector<double> frames;
      for (std::size_t k = 0; k < n_frames; ++k)
        frames.push_back(from + (to - from) * static_cast<double>(k) / (n_frames - 1));
      const Trajectories paths = TrajectoryIntegrator(inference, through(frames, 0))
                                     .integrate(inference.sample_at(from, 0, n, 1, 0), 0);
      std::vector<double> expected(n, 0.0);
      for (std::size_t frame = 0; frame < n_frames; ++frame) {
        const std::vector<double> rate =
            inference.dynamics_at(std::vector<double>(n, frames[frame]), frame_of(paths, n_frames, frame), {})
                .growth;
        const double weight = frame == 0 || frame + 1 == n_frames ? 1 : frame % 2 == 1 ? 4 : 2;
        for (std::size_t s = 0; s < n; ++s)
          expected[s] += (backwards ? -1 : 1) * weight / (n_frames - 1) / 3 * rate[s];
      }
      for (std::size_t s = 0; s < n; ++s) {
        EXPECT_EQ(paths.log_weight[s * n_frames], 0);
        EXPECT_NEAR(paths.log_weight[(s + 1) * n_frames - 1], expected[s], 1e-5);
      }
    }
}

/// Without growth there are none.
TEST(GrowingTrajectories, OnlyTheyHaveWeights) {
  const Inference inference(testing::make_checkpoint({}));
  const TrajectoryIntegrator integrator(inference, through({1.5, 2.5}, 0));
  EXPECT_FALSE(integrator.has_weights());
  EXPECT_TRUE(integrator.integrate(inference.sample_at(1.5, 0, 3, 1, 0), 0).log_weight.empty());
}

struct Population {
  std::vector<double> x;
  ParticleFamilies particles;  ///< weights relative to the start
};

/// Model samples, transported with weights, or with births and deaths at each of the frames.
Population transported(const Inference& inference, const TrajectoryOptions& options, bool resampled, int n) {
  const TrajectoryIntegrator integrator(inference, options);
  const std::size_t n_frames = options.frames.size();
  Population found;
  found.x = inference.sample_at(options.frames.front(), 0, n, 1, 0);
  const auto count = static_cast<std::size_t>(n);
  found.particles = {std::vector<double>(count, 1.0), one_each(count)};
  if (!resampled) {
    const Trajectories paths = integrator.integrate(found.x, 0);
    require_all_followed(paths);
    found.x = frame_of(paths, n_frames, n_frames - 1);
    found.particles.weight = weights_of(paths, n_frames, n_frames - 1);
    return found;
  }
  for (std::size_t frame = 1; frame < n_frames; ++frame) {
    const Trajectories paths = integrator.integrate_from(frame - 1, found.x, 0);
    std::vector<double> log_weight;
    for (std::size_t s = 0; s < count; ++s) log_weight.push_back(paths.log_weight[2 * s + 1]);
    const Resampling next =
        resample(log_weight, std::vector<double>(count, 1.0), resampling_uniform(1, frame));
    const std::vector<double> x = frame_of(paths, 2, 1);
    const std::vector<std::int64_t> family = found.particles.family;
    for (std::size_t s = 0; s < count; ++s) {
      const auto ancestor = static_cast<std::size_t>(next.ancestor[s]);
      found.x[2 * s] = x[2 * ancestor];
      found.x[2 * s + 1] = x[2 * ancestor + 1];
      found.particles.family[s] = family[ancestor];
      found.particles.weight[s] *= std::exp(next.log_mean_weight);
    }
  }
  return found;
}

/// With the chance of a right program to fail of some 1e-5 a case: weighted particles have the density of the model at the
/// end and its mass, with births and deaths too; without their weights they have not (the factorised one).
void expect_the_marginals_of_the_model(Family family, double size) {
  const Inference inference(growing_checkpoint(family, size));
  constexpr int n = 1000;
  const double bound = metrics::kolmogorov_smirnov_bound(1e-5);
  for (const double g : {0.0, 0.8})
    for (const bool backwards : {false, true})
      for (const bool resampled : {false, true}) {
        const std::vector<double> frames =
            backwards ? std::vector<double>{2.8, 2.2, 1.7, 1.2} : std::vector<double>{1.2, 1.7, 2.2, 2.8};
        TrajectoryOptions options = through(frames, g);
        options.ode.relative_tolerance = 1e-5;
        const Population found = transported(inference, options, resampled, n);
        const auto name = ::testing::Message()
                          << "g = " << g << " from " << frames[0] << ", resampled " << resampled;
        EXPECT_LT(model_ks(inference, found.x, found.particles, frames.back()), bound) << name;
        const Ratio mass = relative_mass(std::vector<double>(n, 1.0), found.particles);
        EXPECT_NEAR(mass.value, model_mass(inference, frames.front(), frames.back()), 5 * mass.error) << name;
        // Weights of the autoregressive model of this size differ by some 2 % only: its stronger growth is in the regression tests.
        if (!resampled && family == Family::factorised) {
          EXPECT_GT(model_ks(inference, found.x, frames.back()), bound) << name;
        }
      }
}

TEST(GrowingTrajectories, KeepTheMarginalsOfTheAutoregressiveFamily) {
  expect_the_marginals_of_the_model(Family::autoregressive, 0.3);
}
TEST(GrowingTrajectories, KeepTheMarginalsOfTheFactorisedFamily) {
  expect_the_marginals_of_the_model(Family::factorised, 0.7);
}

/// From frame to frame as through all frames: to the bit by the SDE, whose steps do not know of the frames before, but for
/// the rounding to and from the units of the data.
TEST(GrowingTrajectories, FromFrameToFrame) {
  const Inference inference(growing_checkpoint(Family::autoregressive));
  const TrajectoryIntegrator integrator(inference, through({1.2, 1.7, 2.2}, 0.8));
  const std::vector<double> start = inference.sample_at(1.2, 0, 10, 1, 0);
  const Trajectories all = integrator.integrate(start, 5), first = integrator.integrate_from(0, start, 5);
  const Trajectories second = integrator.integrate_from(1, frame_of(first, 2, 1), 5);
  EXPECT_EQ(frame_of(first, 2, 1), frame_of(all, 3, 1));
  for (std::size_t s = 0; s < 10; ++s) {
    EXPECT_NEAR(second.x[4 * s + 2], all.x[6 * s + 4], 1e-10);
    EXPECT_NEAR(first.log_weight[2 * s + 1] + second.log_weight[2 * s + 1], all.log_weight[3 * s + 2], 1e-10);
  }
}

/// Shares of the weights of paths, as the trajectories themselves have them.
TEST(GrowingFates, CountDescendants) {
  const Inference inference(growing_checkpoint(Family::autoregressive));
  const TrajectoryIntegrator integrator(inference, through({1.2, 2.8}, 0.8));
  constexpr int n = 6, copies = 40;
  const std::vector<double> start = inference.sample_at(1.2, 0, n, 1, 0);
  LabelledRows rows;
  rows.x = inference.sample_at(2.8, 0, 200, 1, 1);
  rows.weight.assign(200, 1.0);
  for (std::size_t s = 0; s < 200; ++s) rows.code.push_back(rows.x[2 * s] > 0.5 ? 1 : 0);
  const LabelVote vote(inference.model().units, rows, 15);
  const Fates fates = fates_of(follow_to_ends(integrator, vote, 2, copies, start, {}, 0));
  std::vector<double> copied;
  for (std::size_t s = 0; s < n; ++s)
    for (int copy = 0; copy < copies; ++copy) copied.insert(copied.end(), {start[2 * s], start[2 * s + 1]});
  const Trajectories paths = integrator.integrate(copied, 0);
  const std::vector<double> weight = weights_of(paths, 2, 1), end = frame_of(paths, 2, 1);
  for (std::size_t s = 0; s < n; ++s) {
    double sum = 0, ends = 0, off = 0, squares = 0;
    const auto is_one = [&](std::size_t path) { return vote.label_of(&end[2 * path]) == 1 ? 1.0 : 0.0; };
    for (std::size_t path = s * copies; path < (s + 1) * copies; ++path) {
      sum += weight[path];
      ends += weight[path] * is_one(path);
    }
    for (std::size_t path = s * copies; path < (s + 1) * copies; ++path) {
      off += std::pow(weight[path] * (is_one(path) - ends / sum), 2);
      squares += std::pow(weight[path] - sum / copies, 2);
    }
    EXPECT_NEAR(fates.probability[2 * s + 1], ends / sum, 1e-12);
    EXPECT_NEAR(fates.error[2 * s + 1], std::sqrt(off) / sum, 1e-12);
    EXPECT_NEAR(fates.growth_factor[s], sum / copies, 1e-12 * sum);
    EXPECT_NEAR(fates.growth_factor_error[s], std::sqrt(squares / copies / (copies - 1)), 1e-10 * sum);
  }
}

/// One path: its label for certain, and its weight.
TEST(GrowingFates, OnePathHasOneEnd) {
  const Fates fates = fates_of({2, 1, {0, 1, 0, 1, 0, 0.5, 0, 0, 0, 0, 1, 0}});
  EXPECT_EQ(fates.n_failed, 1);
  EXPECT_EQ(fates.probability[0], 0);
  EXPECT_EQ(fates.probability[1], 1);
  EXPECT_EQ(fates.error[1], 0);
  EXPECT_DOUBLE_EQ(fates.growth_factor[0], std::exp(0.5));
  EXPECT_TRUE(std::isnan(fates.growth_factor_error[0]));
  EXPECT_TRUE(std::isnan(fates.probability[2]));
  EXPECT_TRUE(std::isnan(fates.growth_factor[1]));
}

/// The probability of a ratio of weights covers the truth within twice its standard error, where the weight depends on the
/// end: a path ends at the first label with probability 0.3 and the mean weight 4, else with the weight 1.
TEST(GrowingFates, ErrorsAreThoseOfRatios) {
  std::mt19937_64 random(12);
  std::uniform_real_distribution<double> uniform(0, 1);
  constexpr int n_trials = 1000, copies = 200;
  const double truth = 0.3 * 4 / (0.3 * 4 + 0.7);
  PathEnds ends{2, copies, {}};
  for (int trial = 0; trial < n_trials; ++trial) {
    double sum[2] = {0, 0}, squares[2] = {0, 0};
    for (int copy = 0; copy < copies; ++copy) {
      const int label = uniform(random) < 0.3 ? 0 : 1;
      const double weight = label == 0 ? 8 * uniform(random) : 1;
      sum[label] += weight / 8;
      squares[label] += weight * weight / 64;
    }
    ends.numbers.insert(ends.numbers.end(), {sum[0], sum[1], squares[0], squares[1], 0.0, std::log(8.0)});
  }
  const Fates fates = fates_of(ends);
  int covered = 0, covered_mass = 0;
  for (std::size_t trial = 0; trial < n_trials; ++trial) {
    covered += std::fabs(fates.probability[2 * trial] - truth) < 2 * fates.error[2 * trial] ? 1 : 0;
    covered_mass +=
        std::fabs(fates.growth_factor[trial] - 1.9) < 2 * fates.growth_factor_error[trial] ? 1 : 0;
  }
  // 95.4 % of a normal distribution, 1 % less for one that is not yet, and five standard deviations of the number.
  const double least = 0.944 * n_trials - 5 * std::sqrt(n_trials * 0.05 * 0.95);
  const double most = 0.964 * n_trials + 5 * std::sqrt(n_trials * 0.05 * 0.95);
  EXPECT_GT(covered, least);
  EXPECT_LT(covered, most);
  EXPECT_GT(covered_mass, least);
  EXPECT_LT(covered_mass, most);
}

}  // namespace
}  // namespace rhoflux::inference
