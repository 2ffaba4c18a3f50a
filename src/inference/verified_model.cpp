#include "rhoflux/inference/verified_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "rhoflux/device/backend.hpp"

namespace rhoflux::inference {

States States::part(std::size_t begin, std::size_t end) const {
  const std::size_t n_dims = tau.empty() ? 0 : x.size() / tau.size();
  const auto at = [](const std::vector<double>& values, std::size_t k) {
    return values.begin() + static_cast<std::ptrdiff_t>(k);
  };
  return {{at(tau, begin), at(tau, end)}, {at(x, begin * n_dims), at(x, end * n_dims)}};
}

bool VerifiedInference::is_finely_structured() const {
  constexpr int many_products = 256;
  const density::Config& config = m_inference.model().config;
  return config.family == density::Family::factorised && config.n_products > many_products;
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
  for (double& rate : values.growth) rate *= units().time_span();
  return {std::move(values.log_density), std::move(values.drift), std::move(values.log_mass),
          std::move(values.growth)};
}

std::vector<double> VerifiedInference::diffusion(double tau) const {
  return m_inference.diffusion(m_volatility, units().time(tau));
}

VerifiedModel::MarginalFlux VerifiedInference::marginal_flux(int i, const std::vector<double>& tau,
                                                             const std::vector<double>& x,
                                                             const MonteCarlo& integral) const {
  Inference::Marginal marginal;
  marginal.dims = {i};
  marginal.samples = integral.samples;
  marginal.seed = integral.seed;
  std::vector<double> x_data;
  for (const double value : x) x_data.push_back(units().to_data(value, static_cast<std::size_t>(i)));
  const Inference::MarginalValues values = m_inference.marginal(times(tau), x_data, marginal, {});
  MarginalFlux result;
  for (std::size_t k = 0; k < tau.size(); ++k) {
    const double density = values.density[k];
    result.density.push_back(density * units().scale[static_cast<std::size_t>(i)]);
    // Far out the drift may overflow where the density is 0.
    result.flux.push_back(density == 0 ? 0.0 : density * values.drift[k] * units().time_span());
  }
  return result;
}

/// log sigmoid(-z) is about -z.
VerifiedModel::Reach VerifiedInference::conditional_reach(const States& at, double log_mass) const {
  const flux::Dynamics<double>& dynamics = m_inference.dynamics();
  const std::size_t dims = static_cast<std::size_t>(n_dims()), n = at.tau.size();
  const double least = dynamics.config().kind == flux::Kind::sigmoid ? -log_mass : 0.0;
  Reach reach = {std::vector<double>(n * dims), std::vector<double>(n * dims)};
  for (std::size_t begin = 0; begin < n; begin += default_chunk_size) {
    const auto count = static_cast<int>(std::min<std::size_t>(default_chunk_size, n - begin));
    const auto column = [begin, dims](std::size_t i, int s) {
      return (begin + static_cast<std::size_t>(s)) * dims + i;
    };
    const density::Points<double> points = {make_vector<double>("tau", count),
                                            make_matrix<double>("x", n_dims(), count),
                                            m_inference.condition_rows(begin, count)};
    const auto tau = Kokkos::create_mirror_view(points.tau);
    const auto x = Kokkos::create_mirror_view(points.x);
    for (int s = 0; s < count; ++s) {
      tau(s) = at.tau[begin + static_cast<std::size_t>(s)];
      for (std::size_t i = 0; i < dims; ++i) x(i, s) = at.x[column(i, s)];
    }
    Kokkos::deep_copy(points.tau, tau);
    Kokkos::deep_copy(points.x, x);
    const Matrix<double> low = make_matrix<double>("low", n_dims(), count);
    const Matrix<double> high = make_matrix<double>("high", n_dims(), count);
    m_inference.dynamics().density().conditional_reach(ExecutionSpace(), m_inference.parameters(), points,
                                                       log_mass, low, high);
    const auto low_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), low);
    const auto high_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), high);
    for (int s = 0; s < count; ++s)
      for (std::size_t i = 0; i < dims; ++i) {
        reach.low[column(i, s)] = std::min(low_host(i, s), -least);
        reach.high[column(i, s)] = std::max(high_host(i, s), least);
      }
  }
  return reach;
}

double VerifiedInference::coordinate_rounding(int i) const {
  const auto k = static_cast<std::size_t>(i);
  return std::numeric_limits<double>::epsilon() * std::fabs(units().mean[k] / units().scale[k]);
}

}  // namespace rhoflux::inference
