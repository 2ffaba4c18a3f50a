#include <cmath>

#include "rhoflux/core/text.hpp"
#include "rhoflux/inference/simulated_objective.hpp"
#include "rhoflux/inference/weighted_particles.hpp"

namespace rhoflux::inference {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string text_of(const Estimate& estimate) {
  return formatted("%.6g", estimate.mean) + " +- " + formatted("%.2g", estimate.error);
}

/// @param has_difference false: what the paths give is not comparable
std::string line_of(const TermComparison& figures, bool has_paths, bool has_difference) {
  const std::string of_model = padded(figures.name, 18) + " " + formatted("%10.5g", figures.weight) + "  " +
                               padded(text_of(figures.model), 22);
  if (!has_paths) return of_model;
  const double difference = figures.paths.mean - figures.model.mean;
  const double error = std::hypot(figures.model.error, figures.paths.error);
  return of_model + "  " + padded(text_of(figures.paths), 22) + "  " +
         (has_difference ? formatted("%+.3g", difference) + " (" +
                               formatted("%+.1f", error > 0 ? difference / error : 0.0) + ")"
                         : "not decided");
}

std::string line_of(const EndpointFigures& figures) {
  std::string line = figures.name + " distribution: E[-log rho] " + formatted("%.5f", figures.nll) +
                     "; W2 of " + std::to_string(figures.points) + " draws from it to model samples " +
                     formatted("%.4f", figures.w2_model);
  if (std::isfinite(figures.w2_paths)) line += ", to the paths " + formatted("%.4f", figures.w2_paths);
  if (std::isfinite(figures.w2_floor))
    line += ", to as many of its own " + formatted("%.4f", figures.w2_floor);
  return line;
}

/// What the figures of a population that grows are of.
std::string line_of_growth(const ObjectiveEvaluation& evaluation) {
  const std::string costs =
      "the population grows: kinetic and growth are costs of all of it, weighted by its mass M(t); ";
  if (!evaluation.has_paths)
    return costs + "nothing is simulated, for a cost of pairs cannot be taken from weighted paths";
  const Estimate& mass = evaluation.path_mass;
  std::string line = costs + "simulated paths carry weights, by which at one time " +
                     formatted("%.0f", evaluation.effective_paths) + " of " +
                     std::to_string(evaluation.n_paths) + " count (effective number); their mass is " +
                     text_of(mass) + " of that of the model";
  if (is_degenerate(evaluation.effective_paths, evaluation.n_paths))
    line += " (few carry the weight: what they say and its errors are uncertain; give more --trajectories)";
  if (!evaluation.paths_are_complete())
    line +=
        ": they do not stand for all of it (a part grows from where no path starts, or the start is not that "
        "of the model: "
        "--start model), so that what they say is not compared";
  return line;
}

/// Shares in percent.
std::string text_of_inside(double mean, const Estimate& largest) {
  return formatted("%.3f", 100 * mean) + " % on average over time and " +
         formatted("%.2f", 100 * largest.mean) + " +- " + formatted("%.2f", 100 * largest.error) + " %";
}

}  // namespace

bool ObjectiveEvaluation::paths_are_complete() const {
  return !has_paths || std::fabs(path_mass.mean - 1) <= 5 * path_mass.error + 0.02;
}

std::vector<std::string> to_text(const ObjectiveEvaluation& evaluation) {
  const bool has_paths = evaluation.has_paths, has_difference = evaluation.paths_are_complete();
  std::vector<std::string> lines = {padded("term", 18) + "     weight  " + padded("by the model", 22)};
  if (has_paths) lines.back() += "  " + padded("simulated", 22) + "  difference (in standard errors)";
  for (const TermComparison& figures : evaluation.terms)
    lines.push_back(line_of(figures, has_paths, has_difference));
  if (evaluation.terms.size() > 1) lines.push_back(line_of(evaluation.total, has_paths, has_difference));
  if (evaluation.grows) lines.push_back(line_of_growth(evaluation));
  for (const EndpointFigures& figures : evaluation.distributions) lines.push_back(line_of(figures));
  if (evaluation.has_obstacles)
    lines.push_back("mass inside obstacles: model " +
                    text_of_inside(evaluation.inside_model, evaluation.inside_model_most) + " at most" +
                    (has_paths
                         ? ", paths " + text_of_inside(evaluation.inside_paths, evaluation.inside_paths_most)
                         : ""));
  return lines;
}

}  // namespace rhoflux::inference
