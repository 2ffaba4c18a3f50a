#include "rhoflux/inference/economy.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rhoflux/inference/transport_report.hpp"
#include "unit/inference/inference_test_support.hpp"

namespace rhoflux::inference {
namespace {

using namespace testing;

/// A model whose part without divergence is so many times as large.
Economy economy_with(double factor) {
  checkpoint::Checkpoint checkpoint =
      make_checkpoint({density::Family::autoregressive, 2, flux::DivergenceFree::density_weighted});
  const auto layout = flux::layout_of(checkpoint.model.config, checkpoint.model.flux, 2);
  for (const network::ParameterBlock& block : layout.blocks())
    if (block.name.rfind("divergence_free/layer1", 0) == 0)  // the last layer, which is linear
      for (int k = 0; k < block.size(); ++k)
        checkpoint.state.parameters[static_cast<std::size_t>(block.offset + k)] *= factor;
  return economy_of(Inference(checkpoint), 1);
}

TEST(Economy, WhatTheMarginalsNeedDoesNotDependOnThePartWithoutDivergence) {
  const Economy none = economy_with(0), some = economy_with(1), much = economy_with(100);
  EXPECT_EQ(none.least, some.least);
  EXPECT_EQ(none.least, much.least);
  EXPECT_GT(some.energy, none.energy);
  // The velocity is v + c w: energies at c = 0, 1, 100 lie on a parabola in c.
  const double square = (much.energy - none.energy - 100 * (some.energy - none.energy)) / (10000 - 100);
  EXPECT_GT(square, 0);
  EXPECT_NEAR(economy_with(10).energy, none.energy + 10 * (some.energy - none.energy - square) + 100 * square,
              1e-9 * much.energy);
}

TEST(Economy, TheWarningSaysHowMuchAndWhatHelps) {
  EXPECT_FALSE(economy_warning({9.0, 1.0}).has_value());
  EXPECT_NE(economy_warning({HUGE_VAL, 1.0})->find("beyond the range"), std::string::npos);
  const auto warning = economy_warning({3.7e5, 1.0});
  ASSERT_TRUE(warning.has_value());
  EXPECT_NE(warning->find("3.7e+05 times"), std::string::npos) << *warning;
  EXPECT_NE(warning->find("objective.kinetic"), std::string::npos) << *warning;
}

TEST(TransportReport, WarnsBeyondTheBoundAndOfUneconomicalMotion) {
  TransportReport report;
  report.to = 2;
  report.volatility = "0";
  report.count = 100;
  report.mean_squared_displacement = 4;
  report.kinetic_energy = 2.5;
  report.ks = report.ks_at_start = 1;
  report.ks_bound = model_ks_bound(2);
  const auto warnings = [&] {
    std::string found;
    for (const std::string& line : to_text(report))
      if (line.rfind("warning: ", 0) == 0) found += line + "\n";
    return found;
  };
  EXPECT_DOUBLE_EQ(energy_over_displacement(report), 1.25);
  EXPECT_EQ(warnings(), "");
  report.ks = 3.3;
  EXPECT_NE(warnings().find("not accurate"), std::string::npos) << warnings();
  report.ks_at_start = 2.5;
  EXPECT_NE(warnings().find("neither at the start nor at the end"), std::string::npos) << warnings();
  report.ks = report.ks_at_start = 1;
  report.kinetic_energy = 3.7e5;
  EXPECT_NE(warnings().find("far from economical"), std::string::npos) << warnings();
  // Few particles that carry the weight, not the paths, are what is wrong then.
  report.kinetic_energy = 2.5;
  report.ks = 3.3;
  report.weights = TransportReport::Weights{{4, 1}, 4, 60};
  EXPECT_NE(warnings().find("not accurate"), std::string::npos) << warnings();
  EXPECT_EQ(warnings().find("carry the weight"), std::string::npos) << warnings();
  report.weights->effective_number = 9.3;
  EXPECT_NE(warnings().find("few particles carry the weight (effective number 9.3 of 100 particles)"),
            std::string::npos)
      << warnings();
  EXPECT_NE(warnings().find("--resample"), std::string::npos) << warnings();
  EXPECT_EQ(warnings().find("not accurate"), std::string::npos) << warnings();
  report.resampled = true;
  EXPECT_EQ(warnings().find("--resample"), std::string::npos) << warnings();
  EXPECT_NE(warnings().find("few of the particles at the start"), std::string::npos) << warnings();
  // P(K > x) = 2 exp(-2 x^2) to first order, shared between the coordinates.
  EXPECT_NEAR(2 * std::exp(-2 * report.ks_bound * report.ks_bound), 0.01 / 2, 1e-12);
}

}  // namespace
}  // namespace rhoflux::inference
