#include "rhoflux/inference/figures_json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "rhoflux/inference/evaluation.hpp"
#include "rhoflux/inference/simulated_objective.hpp"
#include "rhoflux/inference/transport_report.hpp"
#include "rhoflux/inference/verification.hpp"

namespace rhoflux::inference {
namespace {

using Json = nlohmann::ordered_json;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// What a reader of the written text finds.
template <class Figures>
Json read_back(const Figures& figures) {
  return Json::parse(json_text(json_of(figures)));
}

std::vector<std::string> names_of(const Json& object) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;
}

using Names = std::vector<std::string>;

TEST(FiguresJson, OfAnEvaluation) {
  Evaluation evaluation;
  evaluation.nll_standardised = 0.1;
  evaluation.nll_original = 1.0 / 3.0;
  evaluation.count = 12;
  evaluation.effective_count = 9.5;
  evaluation.times = {{0.25, 7, 1.5, 0.5, 0.75, 6, 6.5}, {1, 5, 2.5, 0.25, 0.5, 5, 3}};
  evaluation.times_without_rows = {2016 + 1 / 365.25};
  const Json found = read_back(evaluation);
  EXPECT_EQ(names_of(found), (Names{"nll", "w1", "w2"}));
  EXPECT_EQ(names_of(found["nll"]), (Names{"standardised", "original", "count", "effective_count", "per_time",
                                           "times_without_rows"}));
  EXPECT_EQ(found["nll"]["original"], 1.0 / 3.0);  // to the bit
  EXPECT_EQ(found["nll"]["count"], 12);
  EXPECT_EQ(found["nll"]["effective_count"], 9.5);
  EXPECT_EQ(found["nll"]["times_without_rows"][0], 2016 + 1 / 365.25);  // all digits
  EXPECT_EQ(found["nll"]["per_time"][1],
            (Json{{"t", 1.0}, {"standardised", 2.5}, {"count", 5}, {"effective_count", 3.0}}));
  EXPECT_EQ(found["w1"][0], (Json{{"t", 0.25}, {"value", 0.5}, {"count", 6}}));
  EXPECT_EQ(found["w2"][1], (Json{{"t", 1.0}, {"value", 0.5}, {"count", 5}}));
}

TEST(FiguresJson, OfMasses) {
  Evaluation evaluation;
  evaluation.mass.times = {{0, 1, 1, 0, 0}, {2, 4, 5, -0.2, 0.1}};
  const Json found = read_back(evaluation);
  EXPECT_EQ(names_of(found), (Names{"nll", "w1", "w2", "mass"}));
  EXPECT_EQ(
      found["mass"][1],
      (Json{{"t", 2.0}, {"model", 4.0}, {"data", 5.0}, {"relative_error", -0.2}, {"sampling_error", 0.1}}));
}

TEST(FiguresJson, WithoutTimesHasEmptyLists) {
  const Json found = read_back(Evaluation());
  EXPECT_EQ(found["nll"]["per_time"], Json::array());
  EXPECT_EQ(found["w1"], Json::array());
  EXPECT_EQ(found["w2"], Json::array());
}

TEST(FiguresJson, WhatIsNotFiniteIsNull) {
  Evaluation evaluation;
  evaluation.nll_standardised = nan;
  evaluation.nll_original = -infinity;
  evaluation.times = {{0, 1, infinity, nan, nan, 1, 1}};
  const Json found = read_back(evaluation);
  EXPECT_TRUE(found["nll"]["standardised"].is_null());
  EXPECT_TRUE(found["nll"]["original"].is_null());
  EXPECT_TRUE(found["nll"]["per_time"][0]["standardised"].is_null());
  EXPECT_TRUE(found["w1"][0]["value"].is_null());

  const Json checks = read_back(std::vector<Check>{{"mass", infinity, 1e-6, Verdict::failed, ""}});
  EXPECT_TRUE(checks["checks"][0]["value"].is_null());

  TransportReport report;
  report.mean_squared_displacement = nan;
  report.ks = infinity;
  EXPECT_TRUE(read_back(report)["mean_squared_displacement"].is_null());
  EXPECT_TRUE(read_back(report)["ks"].is_null());

  ObjectiveEvaluation objective;
  objective.terms.push_back({"kinetic", nan, {nan, nan}, {1, infinity}});
  objective.distributions.push_back({"terminal", 1, 2, 3, nan, 4});
  objective.has_obstacles = true;
  objective.inside_model = nan;
  const Json costs = read_back(objective);
  EXPECT_TRUE(costs["terms"][0]["weight"].is_null());
  EXPECT_TRUE(costs["laws"][0]["w2_floor"].is_null());
  EXPECT_TRUE(costs["inside_obstacles"]["model_mean"].is_null());
}

TEST(FiguresJson, OfChecks) {
  const Json found = read_back(std::vector<Check>{{"a \"check\"", 0.5, 1, Verdict::passed, "why\\not"},
                                                  {"b", 2, 1, Verdict::failed, ""},
                                                  {"c", 2, 1, Verdict::not_decided, ""}});
  EXPECT_EQ(names_of(found["checks"][0]), (Names{"name", "value", "bound", "passed", "verdict", "note"}));
  EXPECT_EQ(found["checks"][0]["name"], "a \"check\"");
  EXPECT_EQ(found["checks"][0]["note"], "why\\not");
  EXPECT_EQ(found["checks"][0]["passed"], true);
  EXPECT_EQ(found["checks"][0]["verdict"], "passed");
  EXPECT_EQ(found["checks"][1]["verdict"], "failed");
  EXPECT_EQ(found["checks"][2]["verdict"], "not decided");
  for (const int k : {1, 2}) EXPECT_EQ(found["checks"][k]["passed"], false);
}

TEST(FiguresJson, OfAnObjective) {
  ObjectiveEvaluation evaluation;
  evaluation.terms = {{"kinetic", 2, {1, 0.1}, {1.5, 0.2}}};
  evaluation.total = {"weighted sum", 1, {2, 0.2}, {3, 0.4}};
  EXPECT_EQ(names_of(read_back(evaluation)), (Names{"terms", "total", "laws"}));
  evaluation.has_obstacles = true;
  evaluation.distributions = {{"initial", 1, 2, 3, 4, 5}};
  const Json found = read_back(evaluation);
  EXPECT_EQ(names_of(found), (Names{"terms", "total", "inside_obstacles", "laws"}));
  EXPECT_EQ(names_of(found["total"]),
            (Names{"name", "weight", "model", "model_error", "simulated", "simulated_error", "difference"}));
  EXPECT_EQ(found["terms"][0]["difference"], 0.5);
  EXPECT_EQ(names_of(found["inside_obstacles"]),
            (Names{"model_mean", "model_most", "model_most_error", "simulated_mean", "simulated_most",
                   "simulated_most_error"}));
  EXPECT_EQ(found["laws"][0], (Json{{"name", "initial"},
                                    {"nll", 1.0},
                                    {"w2_model", 2.0},
                                    {"w2_simulated", 3.0},
                                    {"w2_floor", 4.0},
                                    {"points", 5}}));
}

TEST(FiguresJson, OfATransport) {
  TransportReport report;
  report.to = 1;
  report.volatility = "0.5";
  EXPECT_EQ(names_of(read_back(report)),
            (Names{"from", "to", "noise", "count", "failed", "mean_squared_displacement", "ks", "ks_at_start",
                   "ks_bound"}));
  report.kinetic_energy = 0.25;
  report.distances = TransportReport::Distances{{0.1, 0.2}, {0.3, 0.4}, 9};
  const Json found = read_back(report);
  EXPECT_EQ(names_of(found),
            (Names{"from", "to", "noise", "count", "failed", "mean_squared_displacement", "kinetic_energy",
                   "ks", "ks_at_start", "ks_bound", "w1", "w2", "w1_of_samples", "w2_of_samples", "points"}));
  EXPECT_EQ(found["w2_of_samples"], 0.4);
  EXPECT_EQ(found["failed"], 0);
}

/// Paths and command lines may have any bytes.
TEST(FiguresJson, BytesThatAreNotUtf8AreReplaced) {
  const Json found = Json::parse(json_text(Json{{"path", "caf\xe9.h5"}}));
  EXPECT_EQ(found["path"], "caf\xef\xbf\xbd.h5");
}

}  // namespace
}  // namespace rhoflux::inference
