#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/metrics/residual.hpp"
#include "unit/density/reference_density.hpp"
#include "unit/network/dual.hpp"

namespace rhoflux::test {

/// All fluxes by their defining formulas in extended precision, one sample at a time; every derivative by
/// dual numbers, one direction after the other. T: Real, or a dual number for derivatives of the result.
class ReferenceFlux {
 public:
  ReferenceFlux(const density::Config& density, const flux::Config& flux, int n_dims,
                const network::ParameterLayout& layout)
      : m_density(density, n_dims, layout), m_flux(flux), m_n_dims(static_cast<std::size_t>(n_dims)) {
    if (flux.divergence_free == flux::DivergenceFree::none) return;
    network::NetworkConfig network;
    network.name = "divergence_free";
    network.time = {density.time_features, density.time_frequency_min, density.time_frequency_max};
    network.coordinate.raw_value = network::RawValue::included;
    network.dense_coordinates = n_dims;
    network.n_conditions = density.n_conditions;
    network.hidden = flux.hidden;
    network.outputs_per_stage = n_dims * (n_dims - 1) / 2;
    m_network = std::make_unique<ReferenceNetwork>(network, layout);
  }

  const ReferenceDensity& density() const { return m_density; }

  /// u = j / rho + diffusion * score, (n_dims).
  template <class T>
  std::vector<T> drift(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x,
                       Real diffusion) const {
    std::vector<T> u = m_density.is_factorised()            ? of_mixture(parameters, tau, x)
                       : m_flux.kind == flux::Kind::sigmoid ? sigmoid(parameters, tau, x)
                                                            : triangular(parameters, tau, x);
    const std::vector<T> grad = score(parameters, tau, x);
    if (m_network) add_divergence_free(parameters, tau, x, grad, u);
    for (std::size_t i = 0; i < m_n_dims; ++i) u[i] += T(diffusion) * grad[i];
    return u;
  }

  template <class T>
  std::vector<T> score(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x) const {
    std::vector<T> result;
    for (std::size_t i = 0; i < m_n_dims; ++i) {
      auto state = lift(x);
      state[i].dot = T(1.0L);
      result.push_back(m_density.log_rho(lift(parameters), Dual<T>(tau, T(0.0L)), state.data()).dot);
    }
    return result;
  }

 private:
  template <class T>
  static std::vector<Dual<T>> lift(const std::vector<T>& values) {
    std::vector<Dual<T>> result;
    for (const T& value : values) result.emplace_back(value, T(0.0L));
    return result;
  }

  template <class T>
  struct Cdf {
    T below{}, above{};
  };
  template <class T>
  static Cdf<T> cdf_of(const ReferenceDensity::Head<T>& head, const T& x) {
    Cdf<T> cdf{T(0.0L), T(0.0L)};
    for (const auto& term : head) {
      const auto [below, above] = ReferenceDensity::sigmoids(T(term.scale * (x - term.location)));
      cdf.below += term.alpha * below;
      cdf.above += term.alpha * above;
    }
    return cdf;
  }
  /// -F_dot / f from the side that does not cancel.
  template <class T>
  static T quantile_velocity(const ReferenceDensity::Head<Dual<T>>& head, const T& x) {
    const Dual<T> fixed(x, T(0.0L));
    const Cdf<Dual<T>> cdf = cdf_of(head, fixed);
    const T f = ReferenceDensity::density_of(head, fixed).value;
    return value_of(cdf.below) < value_of(cdf.above) ? -cdf.below.dot / f : cdf.above.dot / f;
  }

  template <class T>
  std::vector<T> triangular(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x) const {
    std::vector<T> u;
    auto state = lift(x);
    for (std::size_t i = 0; i < m_n_dims; ++i) {
      const auto heads = m_density.heads(lift(parameters), Dual<T>(tau, T(1.0L)), state.data());
      u.push_back(quantile_velocity(heads[i], x[i]));
      state[i].dot = u.back();
    }
    return u;
  }

  template <class T>
  std::vector<T> sigmoid(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x) const {
    using std::exp;
    const auto state = lift(x);
    const auto heads = m_density.heads(lift(parameters), Dual<T>(tau, T(1.0L)), state.data());
    std::vector<T> f, growth, u;
    for (std::size_t i = 0; i < m_n_dims; ++i) {
      const Dual<T> density = ReferenceDensity::density_of(heads[i], state[i]);
      f.push_back(density.value);
      growth.push_back(density.dot / density.value);
    }
    const T one(1.0L);
    for (std::size_t i = 0; i < m_n_dims; ++i) {
      T factor = one, rate(0.0L);
      for (std::size_t j = i + 1; j < m_n_dims; ++j)
        factor = factor * (one / ((one + exp(-x[j])) * (one + exp(x[j])) * f[j]));
      for (std::size_t k = 0; k < i; ++k) rate += growth[k];
      const Cdf<Dual<T>> cdf = cdf_of(heads[i], state[i]);
      const T excess = value_of(cdf.below) < value_of(cdf.above) ? one / (one + exp(-x[i])) - cdf.below.value
                                                                 : cdf.above.value - one / (one + exp(x[i]));
      u.push_back(factor * (excess / f[i] * rate + quantile_velocity(heads[i], x[i])));
    }
    return u;
  }

  template <class T>
  std::vector<T> of_mixture(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x) const {
    const auto state = lift(x);
    const auto heads = m_density.heads(lift(parameters), Dual<T>(tau, T(1.0L)), state.data());
    const std::vector<T> gamma = m_density.component_weights(parameters);
    std::vector<T> flux(m_n_dims, T(0.0L));
    T rho(0.0L);
    for (std::size_t k = 0; k < gamma.size(); ++k) {
      T product = gamma[k];
      for (std::size_t i = 0; i < m_n_dims; ++i)
        product = product * ReferenceDensity::density_of(heads[k * m_n_dims + i], state[i]).value;
      rho += product;
      for (std::size_t i = 0; i < m_n_dims; ++i)
        flux[i] += product * quantile_velocity(heads[k * m_n_dims + i], x[i]);
    }
    for (T& value : flux) value = value / rho;
    return flux;
  }

  template <class T>
  void add_divergence_free(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x,
                           const std::vector<T>& score, std::vector<T>& u) const {
    using std::exp;
    const bool weighted = m_flux.divergence_free == flux::DivergenceFree::density_weighted;
    const T factor = weighted ? T(1.0L) : exp(-m_density.log_rho(parameters, tau, x.data()));
    for (std::size_t b = 0; b < m_n_dims; ++b) {
      auto state = lift(x);
      state[b].dot = T(1.0L);
      const auto entries = m_network->outputs(lift(parameters), Dual<T>(tau, T(0.0L)), state.data());
      std::size_t at = 0;
      for (std::size_t i = 0; i < m_n_dims; ++i)
        for (std::size_t j = i + 1; j < m_n_dims; ++j, ++at) {  // B_ij = entries[at], B_ji = -B_ij
          if (j == b) u[i] += factor * entries[at].dot;
          if (i == b) u[j] += -(factor * entries[at].dot);
          if (weighted && j == b) u[i] += entries[at].value * score[j];
          if (weighted && i == b) u[j] += -(entries[at].value * score[i]);
        }
    }
  }

  ReferenceDensity m_density;
  flux::Config m_flux;
  std::size_t m_n_dims;
  std::unique_ptr<ReferenceNetwork> m_network;
};

struct DynamicsCase {
  std::string name;
  density::Config density;
  flux::Config flux;
  int n_dims;
  double diffusion;  ///< g^2 / 2 of every coordinate
};

/// Every flux, divergence-free part, family and noise that goes together, in each of the dimensions.
inline std::vector<DynamicsCase> dynamics_cases(const std::vector<int>& dimensions) {
  std::vector<DynamicsCase> cases;
  const char* part_names[] = {"", ", density weighted", ", antisymmetric"};
  for (const DensityCase& density : density_cases(dimensions))
    for (const flux::Kind kind : {flux::Kind::triangular, flux::Kind::sigmoid})
      for (const int part : {0, 1, 2})
        for (const double noise : {0.0, 0.5}) {
          const bool sigmoid = kind == flux::Kind::sigmoid;
          if (sigmoid && density.config.family == density::Family::factorised) continue;
          if (part > 0 && density.n_dims < 2) continue;
          flux::Config flux;
          flux.kind = kind;
          flux.divergence_free = static_cast<flux::DivergenceFree>(part);
          flux.hidden = {7, 6};
          cases.push_back({density.name + (sigmoid ? ", sigmoid" : ", triangular") + part_names[part] +
                               (noise > 0 ? ", g = 0.5" : ""),
                           density.config, flux, density.n_dims, 0.5 * noise * noise});
        }
  return cases;
}

/// A model at random points, its reference and its results.
template <class Scalar>
struct DynamicsFixture : RandomPoints<Scalar> {
  DynamicsFixture(const DynamicsCase& test_case, int n_in, unsigned seed)
      : RandomPoints<Scalar>(n_in, test_case.n_dims, test_case.density.n_conditions),
        diffusion(test_case.diffusion),
        dynamics(test_case.density, test_case.flux, test_case.n_dims, {n_in}),
        reference(test_case.density, test_case.flux, test_case.n_dims, dynamics.layout()) {
    this->fill(dynamics.layout(), 2, seed);
    motion.log_rho = make_vector<Scalar>("log rho", n_in);
    for (Matrix<Scalar>* matrix : {&motion.velocity, &motion.score, &motion.drift})
      *matrix = make_matrix<Scalar>("motion", test_case.n_dims, n_in);
    motion.diffusion = make_matrix<Scalar>("diffusion", diffusion > 0 ? test_case.n_dims : 0, n_in);
    Kokkos::deep_copy(motion.diffusion, static_cast<Scalar>(diffusion));
  }

  void evaluate() { dynamics.evaluate(ExecutionSpace(), this->parameter_vector(), this->points(), motion); }

  double diffusion;
  flux::Dynamics<Scalar> dynamics;
  ReferenceFlux reference;
  flux::DynamicsViews<Scalar> motion;
};

/// log rho and drift of a dynamics at any number of points, in chunks.
inline metrics::Evaluate evaluator_of(DynamicsFixture<double>& fixture) {
  return [&fixture](const std::vector<double>& tau, const std::vector<double>& x,
                    std::vector<double>& log_rho, std::vector<double>& drift) {
    const auto dims = static_cast<std::size_t>(fixture.n_dims), chunk = static_cast<std::size_t>(fixture.n);
    log_rho.clear();
    drift.clear();
    for (std::size_t begin = 0; begin < tau.size(); begin += chunk) {
      for (std::size_t s = 0; s < chunk; ++s) {  // the last chunk is filled up with its first point
        const std::size_t row = begin + s < tau.size() ? begin + s : begin;
        fixture.tau[s] = tau[row];
        for (std::size_t i = 0; i < dims; ++i) fixture.x[s * dims + i] = x[row * dims + i];
      }
      fixture.evaluate();
      const auto found = on_host(fixture.motion.log_rho);
      const auto drifts = on_host(fixture.motion.drift);
      for (std::size_t s = 0; s < chunk && begin + s < tau.size(); ++s) {
        log_rho.push_back(found(s));
        for (std::size_t i = 0; i < dims; ++i) drift.push_back(drifts(i, s));
      }
    }
  };
}

}  // namespace rhoflux::test
