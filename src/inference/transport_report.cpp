#include "rhoflux/inference/transport_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rhoflux/core/text.hpp"
#include "rhoflux/metrics/statistics.hpp"

namespace rhoflux::inference {
namespace {
constexpr std::uint64_t compare_stream = 2001;  ///< of the model samples
}

double model_ks(const Inference& inference, const std::vector<double>& x, const std::vector<double>& weight,
                double t) {
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  return metrics::kolmogorov_smirnov(inference.conditional_cdf(std::vector<double>(x.size() / dims, t), x),
                                     weight, dims);
}

double model_ks(const Inference& inference, const std::vector<double>& x, const ParticleFamilies& particles,
                double t) {
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  return family_ks(inference.conditional_cdf(std::vector<double>(x.size() / dims, t), x), particles, dims);
}

double model_ks(const Inference& inference, const std::vector<double>& x, double t) {
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  return model_ks(inference, x, std::vector<double>(x.size() / dims, 1.0), t);
}

double model_ks_bound(int n_dims) {
  return metrics::kolmogorov_smirnov_bound(0.01 / n_dims);
}

double model_mass(const Inference& inference, double from, double to) {
  const std::vector<double> log_mass = inference.log_mass({from, to});
  return std::exp(log_mass[1] - log_mass[0]);
}

double energy_over_displacement(const TransportReport& report) {
  if (!report.kinetic_energy) return std::numeric_limits<double>::quiet_NaN();
  return *report.kinetic_energy * std::fabs(report.to - report.from) / report.mean_squared_displacement;
}

TransportReport::Distances distances_to_data(const Inference& inference, const std::vector<double>& data,
                                             const std::vector<double>& particles, double t,
                                             std::int64_t max_points, std::uint64_t seed) {
  const Units& units = inference.model().units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  const std::size_t n =
      std::min({data.size() / dims, particles.size() / dims, static_cast<std::size_t>(max_points)});
  const auto points = static_cast<std::int64_t>(n);
  const std::vector<double> samples = inference.sample_at(t, 0, points, seed, compare_stream);
  const auto prepared = [&](const std::vector<double>& x) {
    return units.to_model(metrics::thinned(x, dims, n));
  };
  const std::vector<double> target = prepared(data);
  const auto distance = [&](const std::vector<double>& x) {
    return metrics::wasserstein(target.data(), prepared(x).data(), static_cast<int>(n), units.n_dims());
  };
  return {distance(particles), distance(samples), points};
}

namespace {

/// What few particles that carry the weight mean.
std::string degeneracy_warning(const TransportReport& report) {
  const std::string number =
      formatted("%.3g", report.weights->effective_number) + " of " + counted(report.count, "particle") + ")";
  const std::string what =
      report.resampled
          ? "warning: few of the particles at the start have the descendants (effective number " + number
          : "warning: few particles carry the weight (effective number " + number;
  return what +
         ": averages over the particles are uncertain, and their marginal may be off that of the model "
         "however accurate the paths are; " +
         (report.resampled ? "take more particles, or more --frames at which they are resampled"
                           : "resample them on the way (--resample), or take more particles");
}

void add_warnings(const TransportReport& report, std::vector<std::string>& lines) {
  const bool few = report.weights && is_degenerate(report.weights->effective_number, report.count);
  if (few) lines.push_back(degeneracy_warning(report));
  if (report.ks > report.ks_bound && report.ks_at_start > report.ks_bound)
    lines.emplace_back(
        "warning: the particles do not follow the model's marginal, neither at the start nor at "
        "the end: what holds for the model need not hold for them");
  else if (report.ks > report.ks_bound && !few)
    lines.emplace_back(
        "warning: the particles followed the model's marginal at the start, but not at the end: "
        "the paths are not accurate; try a smaller --tolerance or more --steps");
  constexpr double far_from_economical = 10;
  const double ratio = energy_over_displacement(report);
  if (ratio > far_from_economical)
    lines.push_back(
        "warning: the kinetic energy is " + formatted("%.3g", ratio) +
        " times the squared displacement over the time: the motion is far from economical. The "
        "likelihood alone does not say how the population moves between snapshots; objective.kinetic "
        "in the deck makes motion economical. (A population that circulates moves far and ends near.)");
}

}  // namespace

std::vector<std::string> to_text(const TransportReport& report, const TimeMeaning& meaning) {
  const std::vector<std::string> times = time_texts(meaning, {report.from, report.to});
  const std::string& to = times[1];
  std::vector<std::string> lines;
  lines.push_back(counted(report.count, "particle") + " from t = " + times[0] + " to " + to +
                  ", g = " + report.volatility);
  if (report.failed > 0)
    lines.push_back(report.resampled ? "died: " + counted(report.failed, "particle") +
                                           " that could not be followed to the next frame"
                                     : "left out: " + std::to_string(report.failed) + " of " +
                                           counted(report.failed + report.count, "particle") +
                                           ", which could not be followed to the end");
  if (report.count == 0) return lines;
  lines.push_back(
      "transport cost: mean squared displacement " + formatted("%.6g", report.mean_squared_displacement) +
      (report.kinetic_energy ? ", kinetic energy int E|u|^2 dt " + formatted("%.6g", *report.kinetic_energy)
                             : ""));
  lines.push_back("against the model's marginal at t = " + to + ": Kolmogorov-Smirnov sqrt(n) D = " +
                  formatted("%.3f", report.ks) + " (at the start " + formatted("%.3f", report.ks_at_start) +
                  "; chance exceeds " + formatted("%.3f", report.ks_bound) + " in 1 % of cases)");
  if (report.weights)
    lines.push_back("relative mass: E[w] = " + formatted("%.4g", report.weights->mass.value) +
                    (std::isnan(report.weights->mass.error)
                         ? " (of one particle, so that its error is not known)"
                         : " +- " + formatted("%.2g", report.weights->mass.error)) +
                    ", M(" + to + ") / M(" + times[0] + ") of the model " +
                    formatted("%.4g", report.weights->model_mass) + "; effective number of particles " +
                    formatted("%.0f", report.weights->effective_number));
  add_warnings(report, lines);
  const std::string data =
      "data" + (report.data_condition.empty() ? "" : " of the condition " + report.data_condition);
  if (!report.distances) {
    lines.push_back("no " + data + " at the end time: no W1 and W2");
    return lines;
  }
  const auto distance = [](const metrics::Wasserstein& w) {
    return "W1 " + formatted("%.4f", w.w1) + ", W2 " + formatted("%.4f", w.w2);
  };
  lines.push_back("against the " + data + " at t = " + to + " (" +
                  counted(report.distances->points, "point") +
                  ", standardised): " + distance(report.distances->particles) +
                  "; exact samples of the model: " + distance(report.distances->samples));
  return lines;
}

}  // namespace rhoflux::inference
