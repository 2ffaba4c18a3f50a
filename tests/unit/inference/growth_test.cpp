#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <functional>
#include <set>
#include <string>

#include "rhoflux/inference/mass_comparison.hpp"
#include "rhoflux/inference/verification.hpp"
#include "unit/inference/inference_test_support.hpp"

/// What inference says of a model whose density grows.
namespace rhoflux::inference {
namespace {

using testing::ModelCase;

/// A growing model with random weights; its mass is 1, 2 and 1.5 at t = 1, 2 and 3.
checkpoint::Checkpoint growing_checkpoint(density::Family family, int n_dims) {
  checkpoint::Checkpoint checkpoint = testing::make_checkpoint({family, n_dims, flux::DivergenceFree::none});
  checkpoint::ModelDescription& model = checkpoint.model;
  model.config.growth = density::Growth::weights;
  model.config.growth_share.is_learned = true;
  model.flux.mass = {{0, 0.5, 1}, {0, std::log(2.0), std::log(1.5)}};
  const flux::Dynamics<double> dynamics(model.config, model.flux, n_dims,
                                        {1, flux::Dynamics<double>::Use::density});
  const density::InitialRows rows = {n_dims,
                                     testing::random_normals(200 * static_cast<std::size_t>(n_dims), 1)};
  checkpoint.state.parameters = dynamics.initialise(rows, 1);
  const std::vector<double> noise = testing::random_normals(checkpoint.state.parameters.size(), 2);
  for (std::size_t k = 0; k < noise.size(); ++k) checkpoint.state.parameters[k] += 0.1 * noise[k];
  return checkpoint;
}

constexpr density::Family families[] = {density::Family::autoregressive, density::Family::factorised};

/// A right model whose mass and growth rate can be made wrong.
class FaultyGrowth : public VerifiedInference {
 public:
  FaultyGrowth(const Inference& inference, const flux::Volatility& volatility)
      : VerifiedInference(inference, volatility) {}
  std::function<void(const States&, DensityAndDrift&)> break_dynamics = [](const States&, DensityAndDrift&) {
  };
  DensityAndDrift density_and_drift(const States& at) const override {
    DensityAndDrift values = VerifiedInference::density_and_drift(at);
    break_dynamics(at, values);
    return values;
  }
};

std::set<std::string> failures(const FaultyGrowth& model) {
  VerificationOptions options;
  options.points = 60;
  options.samples = 4000;
  options.mass_points = 2000;
  options.mass_centres = 500;
  options.volatility = testing::constant_volatility(0.5);
  std::set<std::string> names;
  for (const Check& check : verify(model, mpi::Communicator(MPI_COMM_SELF), options))
    if (check.verdict == Verdict::failed) names.insert(check.name);
  return names;
}

const std::set<std::string> mean_growth = {"mean growth rate, E[r] = M' / M"};
const std::set<std::string> equation = {"Fokker-Planck residual, largest", "Fokker-Planck residual, RMS"};
std::set<std::string> both() {
  std::set<std::string> all = equation;
  all.insert(mean_growth.begin(), mean_growth.end());
  return all;
}

TEST(GrowthVerification, ARightModelPasses) {
  for (const density::Family family : families)
    for (const int n_dims : {1, 2, 3}) {
      const Inference inference(growing_checkpoint(family, n_dims));
      EXPECT_TRUE(failures({inference, testing::constant_volatility(0.5)}).empty()) << n_dims;
    }
}

TEST(GrowthVerification, AMassThatIsNotThatOfTheRateFails) {
  for (const density::Family family : families) {
    const Inference inference(growing_checkpoint(family, 2));
    FaultyGrowth model(inference, testing::constant_volatility(0.5));
    model.break_dynamics = [](const States&, VerifiedModel::DensityAndDrift& values) {
      for (double& log_mass : values.log_mass) log_mass *= 1.5;
    };
    EXPECT_EQ(failures(model), both());
  }
}

TEST(GrowthVerification, ARateThatIsRightOnAverageFailsTheEquationAlone) {
  const Inference inference(growing_checkpoint(density::Family::autoregressive, 2));
  FaultyGrowth model(inference, testing::constant_volatility(0.5));
  model.break_dynamics = [&](const States& at, VerifiedModel::DensityAndDrift& values) {
    const std::vector<double> levels = model.conditional_cdf(at);  // uniform in (0, 1) under the model
    for (std::size_t k = 0; k < values.growth.size(); ++k) values.growth[k] += 0.01 * (levels[2 * k] - 0.5);
  };
  EXPECT_EQ(failures(model), equation);
}

TEST(GrowthVerification, ARateThatIsNotANumberFails) {
  const Inference inference(growing_checkpoint(density::Family::autoregressive, 1));
  FaultyGrowth model(inference, testing::constant_volatility(0.5));
  model.break_dynamics = [](const States&, VerifiedModel::DensityAndDrift& values) {
    for (double& rate : values.growth) rate = std::nan("");
  };
  EXPECT_EQ(failures(model), both());
}

TEST(GrowthOfInference, MassIsThatOfTheKnots) {
  const Inference inference(growing_checkpoint(density::Family::autoregressive, 2));
  const std::vector<double> mass = inference.mass({1, 2, 3});
  ASSERT_EQ(mass.size(), 3U);
  EXPECT_DOUBLE_EQ(mass[0], 1);
  EXPECT_DOUBLE_EQ(mass[1], 2);
  EXPECT_DOUBLE_EQ(mass[2], 1.5);
  const Inference constant(testing::make_checkpoint({}));
  EXPECT_FALSE(constant.grows());
  EXPECT_EQ(constant.mass({1, 2.5}), (std::vector<double>{1, 1}));
}

/// E[r | x_1] = int rho r dx_2 / int rho dx_2; the mean over a grid converges faster than any power of its width.
TEST(GrowthOfInference, OfALeadingCoordinateIsTheMeanOverTheOthers) {
  for (const density::Family family : families) {
    const Inference inference(growing_checkpoint(family, 2));
    const Units& units = inference.model().units;
    const std::vector<double> t = testing::random_times(10, 3);
    std::vector<double> x;
    for (const double value : testing::random_normals(10, 4)) x.push_back(units.to_data(value, 0));
    Inference::Marginal marginal;
    marginal.dims = {0};
    ASSERT_TRUE(inference.is_exact(marginal));
    const std::vector<double> found = inference.marginal(t, x, marginal, {}).growth;
    ASSERT_EQ(found.size(), t.size());
    for (std::size_t k = 0; k < t.size(); ++k) {
      std::vector<double> times, states;
      for (double y = -40; y <= 40; y += 0.02) {
        times.push_back(t[k]);
        states.insert(states.end(), {x[k], units.to_data(y, 1)});
      }
      const Inference::DynamicsValues at = inference.dynamics_at(times, states, {});
      double density = 0, growing = 0;
      for (std::size_t s = 0; s < times.size(); ++s) {
        density += std::exp(at.log_density[s]);
        growing += std::exp(at.log_density[s]) * at.growth[s];
      }
      EXPECT_NEAR(found[k], growing / density, 1e-8 * (1 + std::fabs(found[k])));
    }
  }
}

/// `of_test` rows of the test split and `of_train` of the training split at t = 1, 2 and 3.
data::TimeTable table_of(const std::vector<int>& of_test, const std::vector<int>& of_train) {
  data::TimeTable table;
  for (std::size_t k = 0; k < of_test.size(); ++k) {
    data::TimeRows rows;
    rows.t = 1.0 + static_cast<double>(k);
    for (int row = 0; row < of_train[k]; ++row) rows.counts[0].add(1);
    for (int row = 0; row < of_test[k]; ++row) rows.counts[2].add(1);
    for (std::size_t split = 0; split < rows.counts.size(); ++split)
      table.counts[split] += rows.counts[split];
    table.times.push_back(rows);
  }
  return table;
}

TEST(MassComparison, IsRelativeToTheFirstSnapshot) {
  const Inference inference(growing_checkpoint(density::Family::autoregressive, 1));
  const MassComparison found =
      compare_mass(inference, table_of({100, 250, 150}, {900, 2200, 1400}), io::Split::test);
  ASSERT_EQ(found.times.size(), 3U);
  EXPECT_DOUBLE_EQ(found.times[1].model, 2);
  EXPECT_DOUBLE_EQ(found.times[1].data, 2.5);
  EXPECT_DOUBLE_EQ(found.times[1].relative_error, 2 / 2.5 - 1);
  EXPECT_DOUBLE_EQ(found.times[1].sampling_error, std::sqrt(1 / 100.0 + 1 / 250.0));
  EXPECT_NEAR(found.times[2].relative_error, 0, 1e-15);
  EXPECT_EQ(found.times[0].sampling_error, 0);
  EXPECT_TRUE(found.has_even_shares);
}

TEST(MassComparison, SaysWhereSharesOfASplitDiffer) {
  const Inference inference(growing_checkpoint(density::Family::autoregressive, 1));
  const data::TimeTable table = table_of({100, 1100, 150}, {900, 1100, 1350});
  EXPECT_FALSE(compare_mass(inference, table, io::Split::test).has_even_shares);
  EXPECT_TRUE(compare_mass(inference, table, io::Split::all).has_even_shares);
}

TEST(MassComparison, NeedsAMassAndTwoSnapshots) {
  const data::TimeTable table = table_of({100, 250, 150}, {900, 2200, 1400});
  checkpoint::Checkpoint without_mass = growing_checkpoint(density::Family::autoregressive, 1);
  EXPECT_TRUE(
      compare_mass(Inference(without_mass), table_of({100, 0, 0}, {9, 9, 9}), io::Split::test).times.empty());
  const Inference constant(testing::make_checkpoint({density::Family::autoregressive, 1}));
  EXPECT_TRUE(compare_mass(constant, table, io::Split::all).times.empty());
}

}  // namespace
}  // namespace rhoflux::inference
