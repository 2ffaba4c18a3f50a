#include "rhoflux/inference/simulated_objective.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include "support/errors.hpp"
#include "unit/inference/inference_test_support.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::inference {
namespace {

using testing::make_checkpoint;

class SimulatedObjective : public ::testing::Test {
 protected:
  SimulatedObjective() {
    options.paths = 2048;
    options.draws = 16384;
    options.steps = 200;
    options.frames = 41;
    options.volatility = testing::constant_volatility(0.5);
    options.scheme = transport::SdeScheme::heun;
  }
  ObjectiveEvaluation evaluate() { return evaluate_objective(inference, objective, sources, comm, options); }

  mpi::Communicator comm{MPI_COMM_SELF};
  Inference inference{make_checkpoint({})};  // times 1 to 3
  objectives::Config objective;
  data::Sources sources;
  ObjectiveOptions options;
};

/// Density and drift are one model: expectations under it and means along paths agree within five standard errors
/// and what steps and frames leave out, far less. The state cost is also a mean over samples and times taken here.
TEST_F(SimulatedObjective, ModelAndPathsAgree) {
  objective.schedule("kinetic").weight = 0.5;
  objective.schedule("state_cost").weight = 2;
  objective.state_cost_potential = objectives::Potential::parse("quadratic 0,0 : 1,2");
  for (const double g : {0.0, 0.5}) {
    options.volatility = testing::constant_volatility(g);
    const ObjectiveEvaluation found = evaluate();
    ASSERT_EQ(found.terms.size(), 2u);
    EXPECT_EQ(found.terms[0].name, "kinetic");
    EXPECT_EQ(found.terms[1].name, "state_cost");
    double weighted = 0;
    for (const TermComparison& term : found.terms) {
      const double allowed = 5 * std::hypot(term.model.error, term.paths.error);
      EXPECT_NEAR(term.paths.mean, term.model.mean, allowed) << term.name << ", g = " << g;
      EXPECT_LT(allowed, 0.3 * term.model.mean) << "nothing is tested";
      weighted += term.weight * term.model.mean;
    }
    EXPECT_NEAR(found.total.model.mean, weighted, 1e-12 * weighted);
    EXPECT_TRUE(found.distributions.empty());
    EXPECT_FALSE(found.has_obstacles);

    constexpr std::size_t n = 20000;
    std::vector<double> t;
    std::vector<std::int64_t> index;
    for (std::size_t k = 0; k < n; ++k) {
      t.push_back(1 + 2 * (static_cast<double>(k) + 0.5) / n);
      index.push_back(static_cast<std::int64_t>(k));
    }
    const std::vector<double> x = inference.sample(t, index, 99, 0);
    double mean = 0, square = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const double cost =
          2 * (0.5 * x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1]);  // int over a time of 2
      mean += cost / n;
      square += cost * cost / n;
    }
    EXPECT_NEAR(found.terms[1].model.mean, mean,
                5 * std::hypot(std::sqrt((square - mean * mean) / n), found.terms[1].model.error));
  }
}

TEST_F(SimulatedObjective, CountsMassInsideObstacles) {
  objective.schedule("state_cost").weight = 1;
  objective.state_cost_potential = objectives::Potential::parse("circles 0.5,-0.5 : 1");
  const ObjectiveEvaluation found = evaluate();
  EXPECT_TRUE(found.has_obstacles);
  EXPECT_GT(found.inside_model, 0.05);
  EXPECT_NEAR(found.inside_paths, found.inside_model, 0.05);
  EXPECT_GE(found.inside_model_most.mean, found.inside_model);
  EXPECT_GE(found.inside_paths_most.mean, found.inside_paths);
}

/// Of a narrow distribution far from the model: W2 is nearly the distance, and far above the floor.
TEST_F(SimulatedObjective, ComparesEndpointDistributions) {
  objective.schedule("kinetic").weight = 1;
  sources.n_dims = 2;
  sources.terminal.distribution = objectives::EndpointDistribution::parse("gaussian 100,0 : 0.01");
  options.steps = 20;
  options.frames = 3;
  const ObjectiveEvaluation found = evaluate();
  ASSERT_EQ(found.distributions.size(), 1u);
  const EndpointFigures& figures = found.distributions[0];
  EXPECT_EQ(figures.name, "terminal");
  EXPECT_EQ(figures.points, 1024);
  EXPECT_NEAR(figures.w2_model, 100, 10);
  EXPECT_NEAR(figures.w2_paths, 100, 10);
  EXPECT_LT(figures.w2_floor, 0.1);
  const double at_centre =
      inference.model().units.log_volume() - inference.standardised_log_density({3}, {100, 0}).front();
  EXPECT_NEAR(figures.nll, at_centre, 0.01 * at_centre);
}

TEST_F(SimulatedObjective, RefusesLikelihoodsAlone) {
  test::expect_error(ExitCode::bad_input, {"likelihoods alone", "--data"}, [&] { (void)evaluate(); });
}

/// A mean over the paths that are left would be that of another question.
TEST_F(SimulatedObjective, RefusesAMeanWithoutThePathsThatLeave) {
  objective.schedule("kinetic").weight = 1;
  options.volatility = testing::constant_volatility(1e200);
  test::expect_error(ExitCode::numerical_failure, {"particle", "not finite", "--steps"},
                     [&] { (void)evaluate(); });
}

TEST_F(SimulatedObjective, TextHasALineForEachTerm) {
  ObjectiveEvaluation evaluation;
  evaluation.terms = {{"kinetic", 2, {1, 0.1}, {1.5, 0.2}}};
  EXPECT_EQ(to_text(evaluation).size(), 2u);  // the sum of one term is that term
  evaluation.terms.push_back({"control", 1, {1, 0}, {1, 0}});
  evaluation.distributions = {{"initial", 1, 2, 3, std::numeric_limits<double>::quiet_NaN(), 5}};
  evaluation.has_obstacles = true;
  const std::vector<std::string> lines = to_text(evaluation);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[1],
            "kinetic                     2  1 +- 0.1                1.5 +- 0.2              +0.5 (+2.2)");
  EXPECT_EQ(lines[4],
            "initial distribution: E[-log rho] 1.00000; W2 of 5 draws from it to model samples 2.0000, to "
            "the paths 3.0000");
}

}  // namespace
}  // namespace rhoflux::inference
