#include <algorithm>
#include <cmath>

#include "rhoflux/density/leading_coordinates.hpp"
#include "workspace.hpp"

/// Density, drift and growth rate of some coordinates, the others integrated out.
namespace rhoflux::inference {

bool Inference::is_exact(const Marginal& marginal) const {
  for (std::size_t k = 0; k < marginal.dims.size(); ++k)
    if (marginal.dims[k] != static_cast<int>(k)) return false;
  return static_cast<int>(marginal.dims.size()) == n_dims() ||
         m_model.flux.divergence_free == flux::DivergenceFree::none;
}

Inference::MarginalValues Inference::marginal(const std::vector<double>& t, const std::vector<double>& x,
                                              const Marginal& marginal,
                                              const flux::Volatility& volatility) const {
  require_shape(t, x, marginal.dims.size());
  return is_exact(marginal) ? exact_marginal(t, x, marginal, volatility)
                            : sampled_marginal(t, x, marginal, volatility);
}

Inference::MarginalValues Inference::exact_marginal(const std::vector<double>& t,
                                                    const std::vector<double>& x, const Marginal& marginal,
                                                    const flux::Volatility& volatility) const {
  const auto dims = static_cast<std::size_t>(n_dims()), kept = marginal.dims.size();
  std::vector<double> states;
  for (std::size_t row = 0; row < t.size(); ++row)
    for (std::size_t i = 0; i < dims; ++i)
      states.push_back(i < kept ? x[row * kept + i] : m_model.units.mean[i]);
  const density::LeadingCoordinates<double> leading(m_work->dynamics->density(), static_cast<int>(kept));
  const DynamicsValues found = dynamics_at(t, states, volatility);
  double other_volume = 0;  // dynamics_at() has divided by the scales of all coordinates
  for (std::size_t i = kept; i < dims; ++i) other_volume += std::log(m_model.units.scale[i]);
  MarginalValues result;
  result.density_error.assign(t.size(), 0.0);
  for (std::size_t row = 0; row < t.size(); ++row) {
    result.density.push_back(std::exp(found.log_density[row] + other_volume));
    for (std::size_t i = 0; i < kept; ++i) result.drift.push_back(found.drift[row * dims + i]);
  }
  result.growth =
      found.growth;  // of the density that is restricted to the leading coordinates: its mean given these
  return result;
}

namespace {

/// Weighted completions of each point: log_weight (n_points, n_samples), and the drift along the coordinates kept, then the
/// growth rate where the density grows: rates (n_points, n_samples, n_rates).
struct Completions {
  std::size_t n_samples, n_rates;
  std::vector<double> log_weight, rates;
};

/// Means of the rates of one point, weighted. Where every weight is below the range of numbers their ratios are not.
/// @param log_weight (n_samples) @param rates (n_samples, n_rates)
std::vector<double> mean_rates_far_out(const double* log_weight, const double* rates, std::size_t n_samples,
                                       std::size_t n_rates) {
  const double largest = *std::max_element(log_weight, log_weight + n_samples);
  std::vector<double> mean(n_rates, 0.0);
  double sum = 0;
  for (std::size_t k = 0; k < n_samples; ++k) {
    const double weight = std::exp(log_weight[k] - largest);
    sum += weight;
    for (std::size_t i = 0; i < n_rates && weight > 0; ++i) mean[i] += weight * rates[k * n_rates + i];
  }
  for (double& value : mean) value /= sum;
  return mean;
}

/// Means over the completions of each point: of the weights the density, of the rates, weighted, drift and growth rate.
Inference::MarginalValues means_of(const Completions& of, std::size_t n_kept) {
  const std::size_t n_samples = of.n_samples, n_rates = of.n_rates;
  Inference::MarginalValues result;
  const auto count = static_cast<double>(n_samples);
  for (std::size_t begin = 0; begin < of.log_weight.size(); begin += n_samples) {
    double sum = 0, square = 0;
    std::vector<double> mean(n_rates, 0.0);
    for (std::size_t k = begin; k < begin + n_samples; ++k) {
      const double weight = std::exp(of.log_weight[k]);
      sum += weight;
      square += weight * weight;
      for (std::size_t i = 0; i < n_rates && weight > 0; ++i)  // a drift may overflow where rho is 0
        mean[i] += weight * of.rates[k * n_rates + i];
    }
    const double density = sum / count;
    result.density.push_back(density);
    result.density_error.push_back(
        n_samples > 1 ? std::sqrt(std::max(0.0, square / count - density * density) / (count - 1)) : 0.0);
    if (sum > 0)
      for (double& value : mean) value /= sum;
    else
      mean = mean_rates_far_out(&of.log_weight[begin], &of.rates[begin * n_rates], n_samples, n_rates);
    const auto end_of_drift = mean.begin() + static_cast<std::ptrdiff_t>(n_kept);
    result.drift.insert(result.drift.end(), mean.begin(), end_of_drift);
    result.growth.insert(result.growth.end(), end_of_drift, mean.end());
  }
  return result;
}

}  // namespace

/// By Monte Carlo: the coordinates that are not kept are drawn, each given those before it
/// (Density::complete), so that the mean weight is the density of those kept.
Inference::MarginalValues Inference::sampled_marginal(const std::vector<double>& t,
                                                      const std::vector<double>& x, const Marginal& marginal,
                                                      const flux::Volatility& volatility) const {
  Workspace& work = *m_work;
  const Units& units = m_model.units;
  const std::size_t n_kept = marginal.dims.size();
  const auto n_samples = static_cast<std::size_t>(marginal.samples);
  std::vector<int> given(static_cast<std::size_t>(n_dims()), 0);
  double log_volume = 0;
  for (const int i : marginal.dims) {
    given[static_cast<std::size_t>(i)] = 1;
    log_volume += std::log(units.scale[static_cast<std::size_t>(i)]);
  }
  const Vector<int> is_given = on_device<int>(given, "given coordinates");
  const RandomStream random(marginal.seed, RandomPurpose::metrics, 2);
  const std::size_t n_rates = n_kept + (grows() ? 1 : 0);
  Completions completions = {n_samples, n_rates, std::vector<double>(t.size() * n_samples),
                             std::vector<double>(t.size() * n_samples * n_rates)};
  const auto load = [&](std::size_t column, int s) {  // one for each sample at each point
    const std::size_t row = column / n_samples;
    work.tau_host(s) = units.tau(t[row]);
    work.load_condition(row, s);
    for (std::size_t i = 0; i < n_kept; ++i) {
      const auto dim = static_cast<std::size_t>(marginal.dims[i]);
      work.x_host(dim, s) = units.to_model(x[row * n_kept + i], dim);
    }
    work.load_uniforms(random, column % n_samples, s);
  };
  const auto compute = [&](const density::Points<double>& points) {
    work.dynamics->density().complete(work.space, work.parameters, points, is_given, work.uniforms,
                                      work.scalar_out);
    work.dynamics->evaluate(work.space, work.parameters, points,
                            {work.log_rho, work.x_out, work.x_out2, {}, {}, work.growth});
  };
  const auto take = [&](std::size_t column, int s) {
    const double half_square = 0.5 * std::pow(volatility.at(t[column / n_samples]), 2);
    completions.log_weight[column] = work.scalar_out_host(s) - log_volume;
    for (std::size_t i = 0; i < n_kept; ++i) {
      const auto dim = static_cast<std::size_t>(marginal.dims[i]);
      double& u = completions.rates[column * n_rates + i];
      u = work.x_out_host(dim, s) * units.scale[dim] / units.time_span();
      // Far out the score may overflow where the velocity does not.
      if (half_square > 0) u += half_square * work.x_out2_host(dim, s) / units.scale[dim];
    }
    if (grows()) completions.rates[column * n_rates + n_kept] = work.growth_host(s) / units.time_span();
  };
  work.in_chunks(completions.log_weight.size(), load, compute, take);
  return means_of(completions, n_kept);
}

}  // namespace rhoflux::inference
