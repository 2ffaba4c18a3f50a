#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_files.hpp"
#include "rhoflux/core/error.hpp"
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
  const std::vector<inference::Check> checks = inference::verify(inference, context.comm, options);
  bool has_failed = false;
  for (const inference::Check& check : checks) {
    print(context.comm, line_of(check));
    has_failed = has_failed || check.verdict == inference::Verdict::failed;
  }
  if (has_output) write_json(context, output, inference::json_of(checks));
  if (has_failed) fail_numerics(arguments.text("CHECKPOINT") + ": a check is beyond its bound (FAIL above)");
  return 0;
}

}  // namespace rhoflux::apps
