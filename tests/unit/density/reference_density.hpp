#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rhoflux/density/density.hpp"
#include "unit/network/reference_network.hpp"

namespace rhoflux::test {

/// The number behind a dual number, or behind a nest of them.
inline Real value_of(Real number) {
  return number;
}
template <class T>
Real value_of(const Dual<T>& number) {
  return value_of(number.value);
}

/// Both density families by their defining sums and products in extended precision, one sample at a time.
class ReferenceDensity {
 public:
  ReferenceDensity(const density::Config& config, int n_dims, const network::ParameterLayout& layout)
      : m_config(config),
        m_n_dims(n_dims),
        m_factorised(config.family == density::Family::factorised),
        m_split(config.weights == density::MixtureWeights::time_constant),
        m_has_share(config.grows() && config.growth_share.is_learned),
        m_heads_per_stage(m_factorised ? config.n_products * n_dims : 1) {
    const int n_stages = m_factorised ? 1 : n_dims;
    network::NetworkConfig network;
    network.name = "mixtures";
    network.n_stages = n_stages;
    network.time = {config.time_features, config.time_frequency_min, config.time_frequency_max};
    network.coordinate = {config.coordinate_features, config.coordinate_frequency_min,
                          config.coordinate_frequency_max, network::RawValue::included};
    network.n_conditions = config.n_conditions;
    network.hidden = config.hidden;
    network.outputs_per_stage =
        m_heads_per_stage * (m_split ? 2 : 3) * config.n_logistics + (m_has_share ? 1 : 0);
    m_networks.emplace_back(network, layout);
    if (m_split) {
      network.name = "weights";
      network.time.n_features = 0;
      if (n_stages == 1 && config.n_conditions == 0) network.hidden.clear();
      network.outputs_per_stage = m_heads_per_stage * config.n_logistics;
      m_networks.emplace_back(network, layout);
    }
    if (m_factorised && (config.grows() || config.n_conditions > 0)) {
      network::NetworkConfig weights;
      weights.name = "components";
      if (config.grows())
        weights.time = {config.time_features, config.time_frequency_min, config.time_frequency_max};
      weights.n_conditions = config.n_conditions;
      weights.hidden = {32};
      weights.outputs_per_stage = config.n_products;
      m_weights.emplace_back(weights, layout);
    }
    for (const network::ParameterBlock& block : layout.blocks())
      if (block.name == "components/logits") m_gamma_offset = static_cast<std::size_t>(block.offset);
  }

  template <class T>
  struct Logistic {
    T alpha, location, scale;  ///< weight, location, inverse scale
  };
  template <class T>
  using Head = std::vector<Logistic<T>>;

  /// The conditionals at (tau, x_1..x_{D-1}), or the factors of product k at k D..k D + D - 1.
  template <class T>
  std::vector<Head<T>> heads(const std::vector<T>& parameters, const T& tau, const T* x) const {
    using std::exp;
    const auto shapes = m_networks.front().outputs(parameters, tau, x);
    const auto logits = m_split ? m_networks.back().outputs(parameters, tau, x) : shapes;
    const auto count = static_cast<std::size_t>(m_config.n_logistics);
    const std::size_t n_heads =
        static_cast<std::size_t>(m_heads_per_stage) * (m_factorised ? 1 : static_cast<std::size_t>(m_n_dims));
    std::vector<Head<T>> result(n_heads);
    for (std::size_t head = 0; head < n_heads; ++head) {
      const std::size_t shares_before = m_has_share && !m_factorised ? head : 0;
      const T* logit = &logits[head * (m_split ? 1 : 3) * count + shares_before];
      const T* location = m_split ? &shapes[head * 2 * count] : logit + count;
      T total(Real(0));
      for (std::size_t l = 0; l < count; ++l) total += exp(logit[l]);
      for (std::size_t l = 0; l < count; ++l)
        result[head].push_back({exp(logit[l]) / total, location[l], exp(location[count + l])});
    }
    return result;
  }

  /// The growth share beta of each conditional, or of all factors.
  template <class T>
  std::vector<T> shares(const std::vector<T>& parameters, const T& tau, const T* x) const {
    const auto n_stages = static_cast<std::size_t>(m_factorised ? 1 : m_n_dims);
    std::vector<T> result(n_stages, T(Real(m_config.growth_share.value)));
    if (!m_has_share) return result;
    const auto outputs = m_networks.front().outputs(parameters, tau, x);
    const std::size_t per_stage = outputs.size() / n_stages;
    for (std::size_t i = 0; i < n_stages; ++i)
      result[i] = sigmoids(T(Real(8)) * outputs[(i + 1) * per_stage - 1]).first;
    return result;
  }

  template <class T>
  T log_rho(const std::vector<T>& parameters, const T& tau, const T* x) const {
    using std::log;
    const auto all = heads(parameters, tau, x);
    const auto dims = static_cast<std::size_t>(m_n_dims);
    const std::vector<T> gamma = component_weights(parameters, tau);
    T rho(Real(0));
    for (std::size_t k = 0; k < gamma.size(); ++k) {
      T product = gamma[k];
      for (std::size_t i = 0; i < dims; ++i) product = product * density_of(all[k * dims + i], x[i]);
      rho += product;
    }
    return log(rho);
  }

  /// F_i(x_i | x_{<i}) and 1 - F_i for every i.
  template <class T>
  void conditional_cdf(const std::vector<T>& parameters, const T& tau, const T* x, std::vector<T>& below,
                       std::vector<T>& above) const {
    const auto all = heads(parameters, tau, x);
    const auto dims = static_cast<std::size_t>(m_n_dims);
    std::vector<T> prefix = component_weights(parameters, tau);
    below.assign(dims, T(Real(0)));
    above.assign(dims, T(Real(0)));
    for (std::size_t i = 0; i < dims; ++i) {
      T norm(Real(0));
      for (const T& share : prefix) norm += share;
      for (std::size_t k = 0; k < prefix.size(); ++k) {
        for (const Logistic<T>& term : all[k * dims + i]) {
          const auto [left, right] = sigmoids(T(term.scale * (x[i] - term.location)));
          below[i] += prefix[k] / norm * term.alpha * left;
          above[i] += prefix[k] / norm * term.alpha * right;
        }
        prefix[k] = prefix[k] * density_of(all[k * dims + i], x[i]);
      }
    }
  }

  /// Bound of the rounding error of log rho in an arithmetic of unit roundoff u. An error B of the network's
  /// outputs moves log f by at most 2 B through the weights, s B through the locations and (1 + |z|) B
  /// through the scales. The mixture itself has z good to 9 u |z| + u s (|x| + |mu|), which log f passes on
  /// once, a sum of L terms, and some 30 roundings of numbers below 1 + |log f|.
  Real error_bound(const std::vector<Real>& parameters, Real tau, const Real* x, Real u) const {
    Real outputs_error = 0;
    std::vector<ReferenceNetwork> networks = m_networks;
    networks.insert(networks.end(), m_weights.begin(), m_weights.end());
    for (const ReferenceNetwork& network : networks) {
      const auto bounds = network.error_bounds(parameters, tau, x, u);
      outputs_error = std::max(outputs_error, *std::max_element(bounds.begin(), bounds.end()));
    }
    const auto all = heads(parameters, tau, x);
    const auto dims = static_cast<std::size_t>(m_n_dims);
    std::vector<Real> worst(dims, 0);
    for (std::size_t head = 0; head < all.size(); ++head) {
      const std::size_t i = head % dims;
      const Real log_f = std::fabs(std::log(density_of(all[head], x[i])));
      for (const Logistic<Real>& term : all[head]) {
        const Real z = std::fabs(term.scale * (x[i] - term.location));
        const Real position = term.scale * (std::fabs(x[i]) + std::fabs(term.location));
        worst[i] = std::max(worst[i], (3 + term.scale + z) * outputs_error +
                                          u * (9 * z + position + m_config.n_logistics + 30 * (1 + log_f)));
      }
    }
    return std::accumulate(worst.begin(), worst.end(), Real(0)) + (m_config.n_products + 30) * u;
  }

  template <class T>
  std::vector<T> component_weights(const std::vector<T>& parameters, const T& tau) const {
    using std::exp;
    if (!m_factorised) return {T(Real(1))};
    std::vector<T> gamma;
    T total(Real(0));
    const std::vector<T> logits =
        m_weights.empty() ? std::vector<T>()
                          : m_weights.front().outputs(parameters, tau, static_cast<const T*>(nullptr));
    for (std::size_t k = 0; k < static_cast<std::size_t>(m_config.n_products); ++k) {
      gamma.push_back(exp(logits.empty() ? parameters[m_gamma_offset + k] : logits[k]));
      total += gamma.back();
    }
    for (T& value : gamma) value = value / total;
    return gamma;
  }

  /// sigmoid(z) and sigmoid(-z), without overflow.
  template <class T>
  static std::pair<T, T> sigmoids(const T& z) {
    using std::exp;
    const bool right = value_of(z) > 0;
    const T e = exp(right ? -z : z), large = T(Real(1)) / (T(Real(1)) + e), small = e * large;
    return right ? std::make_pair(large, small) : std::make_pair(small, large);
  }

  /// f of one conditional or factor.
  template <class T>
  static T density_of(const Head<T>& head, const T& x) {
    T f(Real(0));
    for (const Logistic<T>& term : head) {
      const auto [below, above] = sigmoids(T(term.scale * (x - term.location)));
      f += term.alpha * term.scale * below * above;
    }
    return f;
  }

  bool is_factorised() const { return m_factorised; }
  int n_dims() const { return m_n_dims; }

 private:
  density::Config m_config;
  int m_n_dims;
  bool m_factorised, m_split, m_has_share;
  int m_heads_per_stage;
  std::vector<ReferenceNetwork> m_networks;
  std::vector<ReferenceNetwork> m_weights;  ///< of gamma, where it is not constant
  std::size_t m_gamma_offset = 0;
};

struct DensityCase {
  std::string name;
  density::Config config;
  int n_dims;
};

/// A density small enough for the reference that still has every kind of block.
inline DensityCase density_case(density::Family family, density::MixtureWeights weights, int n_dims) {
  density::Config config;
  config.family = family;
  config.weights = weights;
  config.n_logistics = 3;
  config.n_products = 4;
  config.hidden = {14, 11};
  config.time_features = 6;
  config.time_frequency_max = 6.0;
  config.coordinate_features = 4;
  config.coordinate_frequency_max = 3.0;
  const std::string family_name = family == density::Family::factorised ? "factorised" : "autoregressive";
  const std::string weights_name =
      weights == density::MixtureWeights::time_constant ? ", constant weights" : ", moving weights";
  return {family_name + weights_name + ", D = " + std::to_string(n_dims), config, n_dims};
}

/// Both families growing, with each of the growth shares, in each of the dimensions.
inline std::vector<DensityCase> growing_density_cases(const std::vector<int>& dimensions,
                                                      const std::vector<std::string>& shares) {
  std::vector<DensityCase> cases;
  for (const density::Family family : {density::Family::autoregressive, density::Family::factorised})
    for (const std::string& share : shares)
      for (const int n_dims : dimensions) {
        DensityCase growing = density_case(family, density::MixtureWeights::time_dependent, n_dims);
        growing.config.growth = density::Growth::weights;
        growing.config.growth_share = density::GrowthShare::parse(share);
        growing.name += ", growth share " + share;
        if (share == "learned" && n_dims == 2) {
          growing.config.n_conditions = 3;
          growing.name += ", conditions";
        }
        cases.push_back(growing);
      }
  return cases;
}

/// A crowd of products of single logistics, which have kernels of their own: more than a block of them.
inline DensityCase crowd_of_products(int n_dims) {
  DensityCase crowd =
      density_case(density::Family::factorised, density::MixtureWeights::time_dependent, n_dims);
  crowd.config.n_logistics = 1;
  crowd.config.n_products = 70;
  crowd.name += ", single logistics";
  return crowd;
}

/// Both families, both kinds of weights and one that grows, in each of the dimensions, and a crowd of products.
inline std::vector<DensityCase> density_cases(const std::vector<int>& dimensions) {
  std::vector<DensityCase> cases;
  for (const density::Family family : {density::Family::autoregressive, density::Family::factorised})
    for (const density::MixtureWeights weights :
         {density::MixtureWeights::time_dependent, density::MixtureWeights::time_constant}) {
      int last = 0;
      for (const int n_dims : dimensions) {
        cases.push_back(density_case(family, weights, n_dims));
        if (n_dims <= 3) last = n_dims;
      }
      if (last == 0) continue;
      cases.push_back(density_case(family, weights, last));
      cases.back().config.n_conditions = 3;
      cases.back().name += ", conditions";
    }
  if (std::find(dimensions.begin(), dimensions.end(), 2) != dimensions.end())
    cases.push_back(crowd_of_products(2));
  const std::vector<DensityCase> growing = growing_density_cases(dimensions, {"learned"});
  cases.insert(cases.end(), growing.begin(), growing.end());
  return cases;
}

/// Random parameters of a model and random points, which Scalar holds exactly.
template <class Scalar>
struct RandomPoints {
  RandomPoints(int n_in, int n_dims_in, int n_conditions_in)
      : n(n_in), n_dims(n_dims_in), n_conditions(n_conditions_in) {}

  /// @param reach the coordinates are between -reach and reach, the times between 0 and 1
  void fill(const network::ParameterLayout& layout, double reach, unsigned seed) {
    std::mt19937_64 engine(seed);
    parameters = rounded<Scalar>(random_parameters(layout, engine));
    std::uniform_real_distribution<double> time(0, 1), state(-reach, reach);
    for (int s = 0; s < n; ++s) tau.push_back(time(engine));
    for (int k = 0; k < n * n_dims; ++k) x.push_back(state(engine));
    tau = rounded<Scalar>(tau);
    x = rounded<Scalar>(x);
  }

  density::Points<Scalar> points() const {
    return {to_vector<Scalar>(tau), to_matrix<Scalar>(x, n_dims),
            equal_conditions<Scalar>(n_conditions, static_cast<int>(tau.size()))};
  }
  Vector<Scalar> parameter_vector() const { return to_vector<Scalar>(parameters); }
  Real tau_of(int s) const { return tau[static_cast<std::size_t>(s)]; }
  std::vector<Real> x_of(int s) const {
    const auto first = x.begin() + s * n_dims;
    return std::vector<Real>(first, first + n_dims);
  }

  int n, n_dims, n_conditions;
  std::vector<double> parameters, tau, x;  ///< (layout size), (n), (n, n_dims) in C order
};

inline network::ParameterLayout layout_of_member(const DensityCase& test_case) {
  return density::make_density<double>(test_case.config.of_a_member(), test_case.n_dims, {1})->layout();
}

/// A density at random points, and its reference, that of a member if it is an ensemble.
template <class Scalar>
struct DensityFixture : RandomPoints<Scalar> {
  DensityFixture(const DensityCase& test_case, int n_in, unsigned seed, density::Capacity capacity = {})
      : RandomPoints<Scalar>(n_in, test_case.n_dims, test_case.config.n_conditions),
        density(density::make_density<Scalar>(test_case.config, test_case.n_dims, capacity)),
        reference(test_case.config, test_case.n_dims, layout_of_member(test_case)),
        log_rho(make_vector<Scalar>("log rho", n_in)) {
    this->fill(density->layout(), 2.5, seed);
  }

  /// log rho of the fixture's points.
  std::vector<double> evaluate() const {
    density->log_density(ExecutionSpace(), this->parameter_vector(), this->points(), log_rho);
    return values_of(log_rho);
  }
  /// log F_i and log(1 - F_i) of the conditionals, (n_dims, n) on the host.
  auto conditionals() const {
    const auto below = make_matrix<Scalar>("below", this->n_dims, this->n),
               above = make_matrix<Scalar>("above", this->n_dims, this->n);
    density->log_conditional_cdf(ExecutionSpace(), this->parameter_vector(), this->points(), below, above);
    return std::make_pair(on_host(below), on_host(above));
  }
  /// log rho of a point by the reference, and the bound of what an evaluation may be off.
  Real expected_log_rho(int s) const {
    return reference.log_rho(extended(this->parameters), this->tau_of(s), this->x_of(s).data());
  }
  Real error_bound(int s) const {
    return reference.error_bound(extended(this->parameters), this->tau_of(s), this->x_of(s).data(),
                                 unit_roundoff<Scalar>);
  }

  std::unique_ptr<density::Density<Scalar>> density;
  ReferenceDensity reference;
  Vector<Scalar> log_rho;
};

}  // namespace rhoflux::test
