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
      : m_density(density, n_dims, layout),
        m_flux(flux),
        m_n_dims(static_cast<std::size_t>(n_dims)),
        m_grows(density.grows()) {
    if (!flux.mass.t.empty()) {
      network::NetworkConfig mass;
      mass.name = "mass";
      mass.time = {density.time_features, density.time_frequency_min, density.time_frequency_max};
      mass.hidden = {16};
      m_mass_network = std::make_unique<ReferenceNetwork>(mass, layout);
    }
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
    std::vector<T> u =
        m_flux.kind == flux::Kind::sigmoid ? sigmoid(parameters, tau, x) : base(parameters, tau, x).u;
    const std::vector<T> grad = score(parameters, tau, x);
    if (m_network) add_divergence_free(parameters, tau, x, grad, u);
    for (std::size_t i = 0; i < m_n_dims; ++i) u[i] += T(diffusion) * grad[i];
    return u;
  }

  /// r.
  template <class T>
  T growth(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x) const {
    return m_grows ? base(parameters, tau, x).growth + log_mass(lift(parameters), Dual<T>(tau, T(1.0L))).dot
                   : T(0.0L);
  }

  /// Largest |D log alpha| of the weights, by which the growth rate may be judged.
  Real largest_weight_rate(const std::vector<Real>& parameters, Real tau, const std::vector<Real>& x) const {
    auto state = lift(x);
    if (!m_density.is_factorised()) {
      const std::vector<Real> u = triangular(parameters, tau, x).u;
      for (std::size_t i = 0; i < m_n_dims; ++i) state[i].dot = u[i];
    }
    Real largest = 0;
    for (const auto& head : m_density.heads(lift(parameters), Dual<Real>(tau, 1), state.data()))
      for (const auto& term : head) largest = std::max(largest, std::fabs(term.alpha.dot / term.alpha.value));
    for (const auto& gamma : m_density.component_weights(lift(parameters), Dual<Real>(tau, 1)))
      largest = std::max(largest, std::fabs(gamma.dot / gamma.value));
    return largest;
  }

  /// log M.
  template <class T>
  T log_mass(const std::vector<T>& parameters, const T& tau) const {
    if (!m_mass_network) return T(0.0L);
    const std::vector<double>&at = m_flux.mass.t, &masses = m_flux.mass.log_mass;
    std::size_t k = 0;
    while (k + 2 < at.size() && at[k + 1] <= value_of(tau)) ++k;
    const T s = (tau - T(Real(at[k]))) / T(Real(at[k + 1] - at[k]));
    const T straight = T(Real(masses[k])) + s * T(Real(masses[k + 1] - masses[k]));
    const T h = m_mass_network->outputs(parameters, tau, static_cast<const T*>(nullptr))[0];
    return straight + T(4.0L) * s * (T(1.0L) - s) * h;
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
  /// The velocity of a conditional of which a share of the change of the weights is growth, and that growth: the weights
  /// alone change (`weights`), or all the rest (`others`).
  template <class T>
  struct Moving {
    T velocity{}, growth{};
  };
  template <class T>
  static Moving<T> growing(const ReferenceDensity::Head<Dual<T>>& head, const T& x, const T& share) {
    ReferenceDensity::Head<Dual<T>> weights = head, others = head;
    for (std::size_t l = 0; l < head.size(); ++l) {
      others[l].alpha.dot = T(0.0L);
      weights[l].location.dot = weights[l].scale.dot = T(0.0L);
    }
    const Dual<T> f = ReferenceDensity::density_of(weights, Dual<T>(x, T(0.0L)));
    return {quantile_velocity(others, x) + (T(1.0L) - share) * quantile_velocity(weights, x),
            share * f.dot / f.value};
  }
  /// Base velocity, and G = r - M'/M.
  template <class T>
  struct Base {
    std::vector<T> u;
    T growth{};
  };
  template <class T>
  Base<T> base(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x) const {
    return m_density.is_factorised() ? of_mixture(parameters, tau, x) : triangular(parameters, tau, x);
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
  Base<T> triangular(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x) const {
    Base<T> result;
    std::vector<T>& u = result.u;
    result.growth = T(0.0L);
    const std::vector<T> shares = m_density.shares(parameters, tau, x.data());
    auto state = lift(x);
    for (std::size_t i = 0; i < m_n_dims; ++i) {
      const auto heads = m_density.heads(lift(parameters), Dual<T>(tau, T(1.0L)), state.data());
      if (m_grows) {
        const Moving<T> moving = growing(heads[i], x[i], shares[i]);
        u.push_back(moving.velocity);
        result.growth += moving.growth;
      } else {
        u.push_back(quantile_velocity(heads[i], x[i]));
      }
      state[i].dot = u.back();
    }
    return result;
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
  Base<T> of_mixture(const std::vector<T>& parameters, const T& tau, const std::vector<T>& x) const {
    const auto state = lift(x);
    const auto heads = m_density.heads(lift(parameters), Dual<T>(tau, T(1.0L)), state.data());
    const auto gamma = m_density.component_weights(lift(parameters), Dual<T>(tau, T(1.0L)));
    const T share = m_density.shares(parameters, tau, x.data())[0];
    Base<T> result = {std::vector<T>(m_n_dims, T(0.0L)), T(0.0L)};
    std::vector<T>& flux = result.u;
    T rho(0.0L);
    for (std::size_t k = 0; k < gamma.size(); ++k) {
      T product = gamma[k].value;
      for (std::size_t i = 0; i < m_n_dims; ++i)
        product = product * ReferenceDensity::density_of(heads[k * m_n_dims + i], state[i]).value;
      rho += product;
      T growth = gamma[k].dot / gamma[k].value;
      for (std::size_t i = 0; i < m_n_dims; ++i) {
        const auto& head = heads[k * m_n_dims + i];
        if (m_grows) {
          const Moving<T> moving = growing(head, x[i], share);
          flux[i] += product * moving.velocity;
          growth += moving.growth;
        } else {
          flux[i] += product * quantile_velocity(head, x[i]);
        }
      }
      result.growth += product * growth;
    }
    for (T& value : flux) value = value / rho;
    result.growth = result.growth / rho;
    return result;
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
  bool m_grows;
  std::unique_ptr<ReferenceNetwork> m_network, m_mass_network;
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
  std::vector<DensityCase> densities = density_cases(dimensions);
  const std::vector<DensityCase> growing = growing_density_cases(dimensions, {"0", "0.3", "1"});
  densities.insert(densities.end(), growing.begin(), growing.end());
  for (const DensityCase& density : densities)
    for (const flux::Kind kind : {flux::Kind::triangular, flux::Kind::sigmoid})
      for (const int part : {0, 1, 2})
        for (const double noise : {0.0, 0.5}) {
          const bool sigmoid = kind == flux::Kind::sigmoid;
          if (sigmoid && (density.config.family == density::Family::factorised || density.config.grows()))
            continue;
          if (part > 0 && density.n_dims < 2) continue;
          flux::Config flux;
          flux.kind = kind;
          flux.divergence_free = static_cast<flux::DivergenceFree>(part);
          flux.hidden = {7, 6};
          if (density.config.grows()) flux.mass = {{0, 0.4, 1}, {0, 0.7, -0.4}};
          cases.push_back({density.name + (sigmoid ? ", sigmoid" : ", triangular") + part_names[part] +
                               (noise > 0 ? ", g = 0.5" : ""),
                           density.config, flux, density.n_dims, 0.5 * noise * noise});
        }
  return cases;
}

/// A model at random points, its reference (that of a member if it is an ensemble) and its results.
template <class Scalar>
struct DynamicsFixture : RandomPoints<Scalar> {
  DynamicsFixture(const DynamicsCase& test_case, int n_in, unsigned seed)
      : RandomPoints<Scalar>(n_in, test_case.n_dims, test_case.density.n_conditions),
        diffusion(test_case.diffusion),
        dynamics(test_case.density, test_case.flux, test_case.n_dims, {n_in}),
        reference(test_case.density, test_case.flux, test_case.n_dims,
                  flux::layout_of(test_case.density.of_a_member(), test_case.flux, test_case.n_dims)) {
    this->fill(dynamics.layout(), 2, seed);
    motion.log_rho = make_vector<Scalar>("log rho", n_in);
    for (Matrix<Scalar>* matrix : {&motion.velocity, &motion.score, &motion.drift})
      *matrix = make_matrix<Scalar>("motion", test_case.n_dims, n_in);
    motion.growth = make_vector<Scalar>("growth", n_in);
    motion.log_mass = make_vector<Scalar>("log mass", n_in);
    motion.diffusion = make_matrix<Scalar>("diffusion", diffusion > 0 ? test_case.n_dims : 0, n_in);
    Kokkos::deep_copy(motion.diffusion, static_cast<Scalar>(diffusion));
  }

  void evaluate() { dynamics.evaluate(ExecutionSpace(), this->parameter_vector(), this->points(), motion); }

  double diffusion;
  flux::Dynamics<Scalar> dynamics;
  ReferenceFlux reference;
  flux::DynamicsViews<Scalar> motion;
};

/// Gentle first layers, as a trained model has them: a random network gives scales like e^100 far out.
template <class Scalar>
void make_gentle(DynamicsFixture<Scalar>& fixture, double factor) {
  for (const network::ParameterBlock& block : fixture.dynamics.layout().blocks())
    if (block.name.find("/layer0/") != std::string::npos)
      for (int k = 0; k < block.size(); ++k)
        fixture.parameters[static_cast<std::size_t>(block.offset + k)] *= factor;
}

/// Points so many scale lengths (1 / s of the widest logistic) out: one coordinate after the other, then all together where
/// there are points left, on either side.
template <class Scalar>
void place_scale_lengths_out(DynamicsFixture<Scalar>& fixture, Real lengths) {
  for (int s = 0; s < fixture.n; ++s) {
    const Real side = s % 2 == 0 ? 1 : -1;
    for (int i = 0; i < fixture.n_dims; ++i) {
      if (s / 2 != i && s / 2 != fixture.n_dims) continue;
      const auto heads = fixture.reference.density().heads(extended(fixture.parameters), fixture.tau_of(s),
                                                           fixture.x_of(s).data());
      Real reach = 0;
      for (std::size_t head = static_cast<std::size_t>(i); head < heads.size();
           head += static_cast<std::size_t>(fixture.n_dims))
        for (const auto& term : heads[head])
          reach = std::max(reach, std::fabs(term.location) + lengths / term.scale);
      fixture.x[static_cast<std::size_t>(s * fixture.n_dims + i)] = static_cast<double>(side * reach);
    }
  }
}

inline std::vector<Dual<Real>> extended_duals(const std::vector<double>& values) {
  std::vector<Dual<Real>> duals;
  for (const double value : values) duals.emplace_back(static_cast<Real>(value));
  return duals;
}

/// log(M rho), drift and growth rate of a dynamics at any number of points, in chunks.
inline metrics::Evaluate evaluator_of(DynamicsFixture<double>& fixture) {
  return [&fixture](const std::vector<double>& tau, const std::vector<double>& x) {
    metrics::Dynamics result;
    const auto dims = static_cast<std::size_t>(fixture.n_dims), chunk = static_cast<std::size_t>(fixture.n);
    for (std::size_t begin = 0; begin < tau.size(); begin += chunk) {
      for (std::size_t s = 0; s < chunk; ++s) {  // the last chunk is filled up with its first point
        const std::size_t row = begin + s < tau.size() ? begin + s : begin;
        fixture.tau[s] = tau[row];
        for (std::size_t i = 0; i < dims; ++i) fixture.x[s * dims + i] = x[row * dims + i];
      }
      fixture.evaluate();
      const auto found = on_host(fixture.motion.log_rho);
      const auto drifts = on_host(fixture.motion.drift);
      const auto growths = on_host(fixture.motion.growth), masses = on_host(fixture.motion.log_mass);
      for (std::size_t s = 0; s < chunk && begin + s < tau.size(); ++s) {
        result.log_rho.push_back(found(s) + masses(s));
        result.growth.push_back(growths(s));
        for (std::size_t i = 0; i < dims; ++i) result.drift.push_back(drifts(i, s));
      }
    }
    return result;
  };
}

/// Bound of the documentation for the residual of the Fokker-Planck equation over the largest rate.
constexpr double residual_bound = 1e-5;

/// Residual of a dynamics at some points, by differences that are refined until a tenth of the bound is reached.
inline metrics::Residual residual_of(DynamicsFixture<double>& fixture, const std::vector<double>& tau,
                                     const std::vector<double>& x) {
  const std::vector<double> diffusion(static_cast<std::size_t>(fixture.n_dims), fixture.diffusion);
  constexpr double settled = 0.1 * residual_bound;
  return metrics::summarise(metrics::fokker_planck_residuals(evaluator_of(fixture), tau, x,
                                                             [&](double) { return diffusion; }, {settled}));
}

}  // namespace rhoflux::test
