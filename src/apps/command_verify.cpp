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
  Arguments arguments("verify",
                      "Checks what must hold for every model: the Fokker-Planck equation, unit mass, no flux "
                      "far outside, samples that follow the density. Exit code 3 if a figure is beyond its "
                      "bound.");
  add_checkpoint(arguments);
  arguments
      .defaulted("residual-points", whole_number(1, 1000000), "500",
                 "points at which the residual of the Fokker-Planck equation is taken")
      .defaulted("model-samples", whole_number(100, 10000000), "10000",
                 "model samples of the Kolmogorov-Smirnov test")
      .renamed("points", "residual-points")
      .renamed("samples", "model-samples");
  add_noise(arguments);
  add_seed(arguments, "points and samples");
  add_json_output(arguments);
  add_force(arguments);
  return arguments;
}

int command_verify(const Context& context, const Arguments& arguments) {
  inference::VerificationOptions options;
  options.points = static_cast<int>(arguments.whole_number("residual-points"));
  options.samples = static_cast<int>(arguments.whole_number("model-samples"));
  options.seed = arguments.seed();
  const bool has_output = arguments.has("output");
  const OutputFile output = {has_output ? arguments.text("output") : "", arguments.has("force")};
  if (has_output) mpi::on_root(context.comm, [&] { require_absent(output); });
  const inference::Inference inference(load_checkpoint(context, arguments.text("CHECKPOINT")));
  options.volatility = volatility_option(arguments, inference.model());
  const std::vector<inference::Check> checks = inference::verify(inference, context.comm, options);
  bool passed = true;
  for (const inference::Check& check : checks) {
    char line[320];
    std::snprintf(line, sizeof(line), "%-4s  %-34s %10.3e   bound %8.1e   (%s)", check.passed ? "ok" : "FAIL",
                  check.name.c_str(), check.value, check.bound, check.note.c_str());
    print(context.comm, line);
    passed = passed && check.passed;
  }
  if (has_output) write_json(context, output, inference::json_of(checks));
  if (!passed) fail_numerics(arguments.text("CHECKPOINT") + ": a check is beyond its bound (FAIL above)");
  return 0;
}

}  // namespace rhoflux::apps
