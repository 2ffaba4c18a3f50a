#include <cstdio>
#include <nlohmann/json.hpp>

#include "arguments.hpp"
#include "model_files.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/inference/figures_json.hpp"
#include "rhoflux/inference/verification.hpp"

namespace rhoflux::apps {

int command_verify(const Context& context) {
  Arguments arguments("rhoflux verify CHECKPOINT [--points N] [--noise G] [--output FILE.json]",
                      "Checks what must hold for every model: the Fokker-Planck equation, unit mass, no flux "
                      "far outside, samples\n"
                      "that follow the density. Exit code 3 if a figure is beyond its bound.",
                      {"CHECKPOINT"});
  arguments.add()("points", po::value<std::int64_t>()->default_value(500),
                  "points of the Fokker-Planck residual")(
      "samples", po::value<std::int64_t>()->default_value(10000), "samples of the Kolmogorov-Smirnov test")(
      "noise", po::value<std::string>(),
      "volatility G that the drift is for, or t:G pairs with commas; default: flux.noise of the deck")(
      "seed", po::value<std::int64_t>()->default_value(1), "seed of the points")(
      "output", po::value<std::string>(), "write the figures as JSON")("force", "overwrite an existing file");
  if (!arguments.parse(context)) return 0;
  inference::VerificationOptions options;
  options.points = static_cast<int>(whole_option(arguments, "points", {1, 1000000}));
  options.samples = static_cast<int>(whole_option(arguments, "samples", {100, 10000000}));
  options.seed = arguments.count("seed");
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
