#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace rhoflux {

/// The map between the units of the data and those of the model: x = mean + scale x_model for each
/// coordinate, t = t_first + (t_last - t_first) tau.
struct Units {
  std::vector<double> mean, scale;  ///< (n_dims), units of the data
  double t_first = 0.0, t_last = 1.0;

  int n_dims() const { return static_cast<int>(mean.size()); }
  double time_span() const { return t_last > t_first ? t_last - t_first : 1.0; }
  double tau(double t) const { return (t - t_first) / time_span(); }
  double time(double tau) const { return t_first + tau * time_span(); }
  /// Whether a model may be asked at time t. Events in continuous time seldom fall on the ends of their window: a
  /// hundredth of the range beyond it is allowed. False for NaN.
  bool is_in_time_range(double t) const {
    const double slack = 0.01 * time_span();
    return t >= t_first - slack && t <= t_last + slack;
  }
  /// Coordinate i in model units, and back.
  double to_model(double x, std::size_t i) const { return (x - mean[i]) / scale[i]; }
  double to_data(double x_model, std::size_t i) const { return mean[i] + scale[i] * x_model; }
  /// The same for states (n, n_dims) in C order.
  std::vector<double> to_model(std::vector<double> x) const {
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = to_model(x[k], k % mean.size());
    return x;
  }
  std::vector<double> to_data(std::vector<double> x) const {
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = to_data(x[k], k % mean.size());
    return x;
  }
  /// sum of log scale: log rho_data = log rho_model - log_volume().
  double log_volume() const {
    double sum = 0;
    for (const double s : scale) sum += std::log(s);
    return sum;
  }
  /// Mean 0 and scale 1: model units are those of the data.
  static Units identity(int n_dims) {
    Units units;
    units.mean.assign(static_cast<std::size_t>(n_dims), 0.0);
    units.scale.assign(static_cast<std::size_t>(n_dims), 1.0);
    return units;
  }
};

}  // namespace rhoflux
