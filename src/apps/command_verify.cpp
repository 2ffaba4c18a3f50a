#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_conditions.hpp"
#include "model_files.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/inference/figures_json.hpp"
#include "rhoflux/inference/verification.hpp"

namespace rhoflux::apps {

Arguments verify_arguments() {
  Arguments arguments(
      "verify",
      "Checks what must hold for every model: the Fokker-Planck equation (with growth: with its "
      "source, and the mean growth rate against the mass), unit mass, no flux far outside, samples that "
      "follow the density. Exit code 3 if a check fails; one that its "
      "own method cannot decide says so, with what would decide it.");
  add_checkpoint(arguments);
  arguments
      .defaulted(
          "residual-points", whole_number(0, 1000000), "0",
          "points at which the residual of the Fokker-Planck equation is taken; 0: 500, in more than 10 "
          "dimensions 50000 / D^2 and at least 16")
      .defaulted("model-samples", whole_number(100, 10000000), "10000",
                 "model samples of the Kolmogorov-Smirnov test and, with growth, of the mean growth rate")
      .defaulted("mass-cells", whole_number(100, 100000000), "4000",
                 "cells of the quadrature of each density in one dimension")
      .defaulted("mass-points", whole_number(1000, 100000000), "20000",
                 "points of the mass by importance sampling, in more than two dimensions")
      .renamed("points", "residual-points")
      .renamed("samples", "model-samples");
  add_condition(arguments, "up to three that stand for those of the training rows, one after the other");
  add_noise(arguments);
  add_seed(arguments, "points and samples");
  add_json_output(arguments);
  add_force(arguments);
  return arguments;
}

namespace {

std::string line_of(const inference::Check& check) {
  const char* verdict = "ok";
  if (check.verdict == inference::Verdict::failed) verdict = "FAIL";
  if (check.verdict == inference::Verdict::not_decided) verdict = "not decided";
  char figures[160];
  std::snprintf(figures, sizeof(figures), "%-4s  %-34s %10.3e   bound %8.1e", verdict, check.name.c_str(),
                check.value, check.bound);
  return std::string(figures) + "   (" + check.note + ")";
}

/// The given one, or else a few that stand for those of the training rows; one that is empty for a model without.
std::vector<std::vector<double>> conditions_to_verify(const inference::Inference& inference,
                                                      const std::vector<double>& given) {
  constexpr std::size_t most = 3;
  const ConditionEncoding& encoding = inference.conditions();
  if (encoding.is_empty() || !given.empty()) return {given};
  std::vector<std::vector<double>> conditions;
  for (std::int64_t k = 0; conditions.size() < std::min(most, encoding.n_choices()) && k < 100; ++k) {
    const std::vector<double> next = inference::spread_conditions(encoding, encoding.weighted({}), k, 1);
    if (std::find(conditions.begin(), conditions.end(), next) == conditions.end()) conditions.push_back(next);
  }
  return conditions;
}

}  // namespace

int command_verify(const Context& context, const Arguments& arguments) {
  inference::VerificationOptions options;
  options.points = static_cast<int>(arguments.whole_number("residual-points"));
  options.samples = static_cast<int>(arguments.whole_number("model-samples"));
  options.quadrature.max_cells = static_cast<std::size_t>(arguments.whole_number("mass-cells"));
  options.mass_points = static_cast<int>(arguments.whole_number("mass-points"));
  options.seed = arguments.seed();
  options.progress = [&](const std::string& line) { print(context.comm, line); };
  const bool has_output = arguments.has("output");
  const OutputFile output = {has_output ? arguments.text("output") : "", arguments.has("force")};
  if (has_output) mpi::on_root(context.comm, [&] { require_absent(output); });
  const inference::Inference inference(load_checkpoint(context, arguments.text("CHECKPOINT")));
  options.volatility = volatility_option(arguments, inference.model());
  const std::vector<double> given = condition_option(context, arguments, inference.model());
  std::vector<inference::Check> checks;
  bool has_failed = false;
  for (const std::vector<double>& condition : conditions_to_verify(inference, given)) {
    const inference::ConditionScope scope(inference, condition);
    const std::string at = condition.empty() ? "" : "at " + inference.conditions().text_of(condition.data());
    if (!at.empty()) print(context.comm, at);
    for (inference::Check check : inference::verify(inference, context.comm, options)) {
      print(context.comm, line_of(check));
      has_failed = has_failed || check.verdict == inference::Verdict::failed;
      if (!at.empty()) check.note += "; " + at;
      checks.push_back(check);
    }
  }
  if (has_output) write_json(context, output, inference::json_of(checks));
  if (has_failed) fail_numerics(arguments.text("CHECKPOINT") + ": a check is beyond its bound (FAIL above)");
  return 0;
}

}  // namespace rhoflux::apps
