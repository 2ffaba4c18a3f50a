#include "rhoflux/inference/figures_json.hpp"

#include <nlohmann/json.hpp>

#include "rhoflux/inference/evaluation.hpp"
#include "rhoflux/inference/held_out.hpp"
#include "rhoflux/inference/simulated_objective.hpp"
#include "rhoflux/inference/transport_report.hpp"
#include "rhoflux/inference/verification.hpp"

namespace rhoflux::inference {
namespace {

using Json = nlohmann::ordered_json;

/// @param has_difference false: what the paths give is not comparable
Json json_of_term(const TermComparison& figures, bool has_difference) {
  return {{"name", figures.name},
          {"weight", figures.weight},
          {"model", figures.model.mean},
          {"model_error", figures.model.error},
          {"simulated", figures.paths.mean},
          {"simulated_error", figures.paths.error},
          {"difference", has_difference ? Json(figures.paths.mean - figures.model.mean) : Json()}};
}

}  // namespace

Json json_of(const Evaluation& evaluation) {
  Json nll = Json::array(), w1 = Json::array(), w2 = Json::array();
  for (const TimeFigures& figures : evaluation.times) {
    nll.push_back({{"t", figures.t},
                   {"standardised", figures.nll},
                   {"count", figures.count},
                   {"effective_count", figures.effective_count}});
    w1.push_back({{"t", figures.t}, {"value", figures.w1}, {"count", figures.w_count}});
    w2.push_back({{"t", figures.t}, {"value", figures.w2}, {"count", figures.w_count}});
  }
  Json conditions = Json::array();
  for (const ConditionFigures& figures : evaluation.conditions) {
    Json times = Json::array();
    for (const ConditionTimeFigures& at : figures.times)
      times.push_back({{"t", at.t}, {"rows", at.count}, {"w1", at.w1}, {"w2", at.w2}, {"count", at.w_count}});
    conditions.push_back({{"condition", figures.text},
                          {"rows", figures.count},
                          {"nll_standardised", figures.nll},
                          {"times", times}});
  }
  Json figures = {{"nll",
                   {{"standardised", evaluation.nll_standardised},
                    {"original", evaluation.nll_original},
                    {"count", evaluation.count},
                    {"effective_count", evaluation.effective_count},
                    {"per_time", nll},
                    {"times_without_rows", evaluation.times_without_rows}}},
                  {"w1", w1},
                  {"w2", w2}};
  if (!evaluation.conditions.empty()) figures["conditions"] = conditions;
  if (evaluation.mass.times.empty()) return figures;
  figures["mass"] = Json::array();
  for (const MassFigures& at : evaluation.mass.times)
    figures["mass"].push_back({{"t", at.t},
                               {"model", at.model},
                               {"data", at.data},
                               {"relative_error", at.relative_error},
                               {"sampling_error", at.sampling_error}});
  return figures;
}

Json json_of(const std::vector<HeldOutFigures>& figures) {
  const auto distances = [](const metrics::Wasserstein& w) { return Json{{"w1", w.w1}, {"w2", w.w2}}; };
  Json list = Json::array();
  for (const HeldOutFigures& at : figures) {
    Json entry = {{"t", at.t}, {"rows", at.rows}, {"count", at.points}};
    if (at.points > 0) entry["model"] = distances(at.model);
    if (at.floor) entry["floor"] = distances(*at.floor);
    if (at.interpolation)
      entry["optimal_transport"] = {{"before", at.interpolation->before},
                                    {"after", at.interpolation->after},
                                    {"fraction", at.interpolation->fraction},
                                    {"at_fraction", distances(at.interpolation->at_fraction)},
                                    {"at_midpoint", distances(at.interpolation->at_midpoint)}};
    list.push_back(entry);
  }
  return list;
}

Json json_of(const std::vector<Check>& checks) {
  Json list = Json::array();
  for (const Check& check : checks)
    list.push_back({{"name", check.name},
                    {"value", check.value},
                    {"bound", check.bound},
                    {"passed", check.verdict == Verdict::passed},
                    {"verdict", enum_to_text(check.verdict)},
                    {"note", check.note}});
  Json object;
  object["checks"] = list;
  return object;
}

Json json_of(const ObjectiveEvaluation& evaluation) {
  Json terms = Json::array(), distributions = Json::array();
  for (const TermComparison& figures : evaluation.terms)
    terms.push_back(json_of_term(figures, evaluation.paths_are_complete()));
  for (const EndpointFigures& figures : evaluation.distributions)
    distributions.push_back({{"name", figures.name},
                             {"nll", figures.nll},
                             {"w2_model", figures.w2_model},
                             {"w2_simulated", figures.w2_paths},
                             {"w2_floor", figures.w2_floor},
                             {"points", figures.points}});
  Json object = {{"terms", terms},
                 {"total", json_of_term(evaluation.total, evaluation.paths_are_complete())}};
  if (evaluation.grows && evaluation.has_paths)
    object["weighted_paths"] = {{"count", evaluation.n_paths},
                                {"effective_count", evaluation.effective_paths},
                                {"mass_relative_to_model", evaluation.path_mass.mean},
                                {"mass_error", evaluation.path_mass.error}};
  if (evaluation.has_obstacles)
    object["inside_obstacles"] = {{"model_mean", evaluation.inside_model},
                                  {"model_most", evaluation.inside_model_most.mean},
                                  {"model_most_error", evaluation.inside_model_most.error},
                                  {"simulated_mean", evaluation.inside_paths},
                                  {"simulated_most", evaluation.inside_paths_most.mean},
                                  {"simulated_most_error", evaluation.inside_paths_most.error}};
  object["laws"] = distributions;
  return object;
}

Json json_of(const TransportReport& report) {
  Json object = {
      {"from", report.from},        {"to", report.to},
      {"noise", report.volatility}, {"count", report.count},
      {"failed", report.failed},    {"mean_squared_displacement", report.mean_squared_displacement}};
  if (report.kinetic_energy) object["kinetic_energy"] = *report.kinetic_energy;
  object["ks"] = report.ks;
  object["ks_at_start"] = report.ks_at_start;
  object["ks_bound"] = report.ks_bound;
  if (report.weights) {
    object["relative_mass"] = report.weights->mass.value;
    object["relative_mass_error"] = report.weights->mass.error;
    object["relative_mass_of_model"] = report.weights->model_mass;
    object["effective_count"] = report.weights->effective_number;
  }
  if (!report.distances) return object;
  object["w1"] = report.distances->particles.w1;
  object["w2"] = report.distances->particles.w2;
  object["w1_of_samples"] = report.distances->samples.w1;
  object["w2_of_samples"] = report.distances->samples.w2;
  object["points"] = report.distances->points;
  return object;
}

std::string json_text(const Json& value) {
  return value.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rhoflux::inference
