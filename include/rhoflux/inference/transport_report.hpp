#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/core/time_names.hpp"
#include "rhoflux/inference/inference.hpp"
#include "rhoflux/inference/weighted_particles.hpp"
#include "rhoflux/metrics/wasserstein.hpp"

namespace rhoflux::inference {

/// How transported particles compare with the model and with data at the end time.
struct TransportReport {
  double from = 0, to = 0;               ///< times
  std::string volatility;                ///< g, as text
  std::int64_t count = 0;                ///< particles that arrived; all figures are of these
  std::int64_t failed = 0;               ///< particles that could not be followed to the end
  bool resampled = false;                ///< births and deaths on the way: those that failed were replaced
  double mean_squared_displacement = 0;  ///< mean of |x(to) - x(from)|^2, units^2
  std::optional<double> kinetic_energy;  ///< mean of int |u|^2 dt, units^2 / time; of the ODE only
  double ks = 0;                         ///< see model_ks(), at the end
  double ks_at_start = 0;                ///< the same of the particles at the start
  double ks_bound = 0;                   ///< see model_ks_bound()
  /// Of particles that carry weights; all means above are then weighted by those at the end.
  struct Weights {
    Ratio mass;                   ///< E[w], the mass of the particles at the end by that at the start
    double model_mass = 0;        ///< M(to) / M(from)
    double effective_number = 0;  ///< see effective_number()
  };
  std::optional<Weights> weights;
  /// Against the data at the end time, model units; where there are data.
  struct Distances {
    metrics::Wasserstein particles, samples;  ///< of the particles, of as many exact model samples
    std::int64_t points = 0;                  ///< on each side
  };
  std::optional<Distances> distances;
  std::string data_condition;  ///< of the data, "dose=2", where only the rows of one count
};

/// sqrt(n) D_n of the conditional distribution functions of the model at the states x (n, n_dims) at time t,
/// the largest over the coordinates; n is the effective number of states, see metrics::kolmogorov_smirnov().
/// @param weight (n), above 0
double model_ks(const Inference& inference, const std::vector<double>& x, const std::vector<double>& weight,
                double t);

/// The same of particles that carry weights, see family_ks().
double model_ks(const Inference& inference, const std::vector<double>& x, const ParticleFamilies& particles,
                double t);

/// The same for states of equal weight.
double model_ks(const Inference& inference, const std::vector<double>& x, double t);

/// What it exceeds by chance in 1 % of the cases, for states from the model: the bound of one coordinate at 1 % over the
/// number of coordinates (Bonferroni).
double model_ks_bound(int n_dims);

/// M(to) / M(from) of a model that grows.
double model_mass(const Inference& inference, double from, double to);

/// int E|u|^2 dt by the duration over the mean squared displacement: 1 for straight motion of constant speed, the least
/// there is; NaN where it is not known.
double energy_over_displacement(const TransportReport& report);

/// Exact Wasserstein distances to the data of the particles and of model samples, each set thinned to the
/// size of the smallest, `max_points` at most.
/// @param data, particles (n, n_dims) each, units of the data @param t their time
TransportReport::Distances distances_to_data(const Inference& inference, const std::vector<double>& data,
                                             const std::vector<double>& particles, double t,
                                             std::int64_t max_points, std::uint64_t seed);

/// The report as lines of text.
/// @param meaning what the times are called
std::vector<std::string> to_text(const TransportReport& report, const TimeMeaning& meaning = {});

}  // namespace rhoflux::inference
