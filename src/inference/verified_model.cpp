#include "rhoflux/inference/verified_model.hpp"

#include <cmath>
#include <numeric>

namespace rhoflux::inference {

States States::part(std::size_t begin, std::size_t end) const {
  const std::size_t n_dims = tau.empty() ? 0 : x.size() / tau.size();
  const auto at = [](const std::vector<double>& values, std::size_t k) {
    return values.begin() + static_cast<std::ptrdiff_t>(k);
  };
  return {{at(tau, begin), at(tau, end)}, {at(x, begin * n_dims), at(x, end * n_dims)}};
}

std::vector<double> VerifiedInference::times(const std::vector<double>& tau) const {
  std::vector<double> t;
  for (const double value : tau) t.push_back(units().time(value));
  return t;
}

States VerifiedInference::sample(const std::vector<double>& tau, std::uint64_t seed,
                                 std::uint64_t stream) const {
  std::vector<std::int64_t> index(tau.size());
  std::iota(index.begin(), index.end(), 0);
  return {tau, units().to_model(m_inference.sample(times(tau), index, seed, stream))};
}

std::vector<double> VerifiedInference::log_density(const States& at, int n_leading) const {
  return m_inference.standardised_log_density(times(at.tau), units().to_data(at.x), n_leading);
}

std::vector<double> VerifiedInference::conditional_cdf(const States& at) const {
  return m_inference.conditional_cdf(times(at.tau), units().to_data(at.x));
}

VerifiedModel::DensityAndDrift VerifiedInference::density_and_drift(const States& at) const {
  Inference::DynamicsValues values =
      m_inference.dynamics_at(times(at.tau), units().to_data(at.x), m_volatility);
  const auto dims = static_cast<std::size_t>(n_dims());
  for (double& log_rho : values.log_density) log_rho += units().log_volume();
  for (std::size_t k = 0; k < values.drift.size(); ++k)
    values.drift[k] *= units().time_span() / units().scale[k % dims];
  return {std::move(values.log_density), std::move(values.drift)};
}

std::vector<double> VerifiedInference::diffusion(double tau) const {
  return m_inference.diffusion(m_volatility, units().time(tau));
}

double VerifiedInference::marginal_flux(int i, double tau, double x, std::uint64_t seed) const {
  Inference::Marginal marginal;
  marginal.dims = {i};
  marginal.seed = seed;
  const Inference::MarginalValues values = m_inference.marginal(
      {units().time(tau)}, {units().to_data(x, static_cast<std::size_t>(i))}, marginal, {});
  const double density = values.density.front();
  // Far out the drift may overflow where the density is 0.
  return density == 0 ? 0.0 : density * values.drift.front() * units().time_span();
}

}  // namespace rhoflux::inference
