#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "rhoflux/network/masked_network.hpp"
#include "support/device_data.hpp"
#include "support/precisions.hpp"
#include "unit/network/dual.hpp"

namespace rhoflux::test {

/// Condition k of every sample: a number that float holds exactly. (That samples may have different conditions is
/// tested against calls in which all have the same.)
inline double condition_value(int k) {
  return (k % 2 == 0 ? 0.25 : -0.5) + 0.125 * k;
}

/// condition_value(k) for n samples, (n_conditions, n); no rows without conditions.
template <class Scalar>
Matrix<Scalar> equal_conditions(int n_conditions, int n) {
  if (n_conditions == 0) return {};
  std::vector<double> values;
  for (int s = 0; s < n; ++s)
    for (int k = 0; k < n_conditions; ++k) values.push_back(condition_value(k));
  return to_matrix<Scalar>(values, n_conditions);
}

/// The masked network written down densely in extended precision, one sample at a time: full weight matrices
/// with explicit masks (degree of the input <= degree of the unit), filled from the named parameter blocks.
class ReferenceNetwork {
 public:
  ReferenceNetwork(const network::NetworkConfig& config, const network::ParameterLayout& layout)
      : m_config(config) {
    const int n_free =
        config.time.size() + config.dense_coordinates * config.coordinate.size() + config.n_conditions;
    m_degrees.push_back(std::vector<int>(static_cast<std::size_t>(n_free), 0));
    for (int stage = 1; stage < config.n_stages; ++stage)
      m_degrees.back().insert(m_degrees.back().end(), static_cast<std::size_t>(config.coordinate.size()),
                              stage);
    for (std::size_t layer = 0; layer <= config.hidden.size(); ++layer) {
      m_blocks.emplace_back();
      m_degrees.emplace_back();
      for (int stage = 0; stage < config.n_stages; ++stage) {
        const std::string name =
            config.name + "/layer" + std::to_string(layer) + "/degree" + std::to_string(stage);
        m_blocks.back().push_back({find(layout, name + "/weight"), find(layout, name + "/bias")});
        const auto rows = static_cast<std::size_t>(m_blocks.back().back().bias.rows);
        m_degrees.back().insert(m_degrees.back().end(), rows, stage);
      }
    }
  }

  /// Degree of each unit, by layer: inputs, hidden..., outputs.
  const std::vector<std::vector<int>>& degrees() const { return m_degrees; }

  /// Outputs (n_stages * outputs_per_stage) at time tau and coordinates x (dense_coordinates or n_stages -
  /// 1). T: Real, or a dual number for derivatives.
  template <class T>
  std::vector<T> outputs(const std::vector<T>& parameters, const T& tau, const T* x) const {
    std::vector<T> h = inputs(tau, x);
    for (std::size_t layer = 0; layer < m_blocks.size(); ++layer) {
      h = affine(layer, h, [&](int offset) { return parameters[static_cast<std::size_t>(offset)]; });
      if (layer + 1 < m_blocks.size())
        for (T& value : h) value = silu(value);
    }
    return h;
  }

  /// Bound of the rounding error of each output in an arithmetic of unit roundoff u (half its epsilon), in
  /// any order of summation. A feature is off by (2 |phase| + 5) u (features_test); a sum of k products and a
  /// bias by (k + 1) u times the sum of their sizes; SiLU, whose slope stays below 1.1, by 9 ulps or 18 u.
  std::vector<Real> error_bounds(const std::vector<Real>& parameters, Real tau, const Real* x, Real u) const {
    std::vector<Real> h = inputs(tau, x), errors;
    Real largest_input = std::fabs(tau);
    for (int stage = 1; stage < m_config.n_stages; ++stage)
      largest_input = std::max(largest_input, std::fabs(x[stage - 1]));
    const Real frequency = std::max(m_config.time.frequency_max, m_config.coordinate.frequency_max);
    errors.assign(h.size(), (2 * frequency * largest_input + 5) * u);
    for (std::size_t layer = 0; layer < m_blocks.size(); ++layer) {
      const auto size_at = [&](int offset) {
        return std::fabs(parameters[static_cast<std::size_t>(offset)]);
      };
      std::vector<Real> magnitudes(h.size());
      const Real count = static_cast<Real>(h.size()) + 1;
      for (std::size_t k = 0; k < h.size(); ++k) magnitudes[k] = count * u * std::fabs(h[k]) + errors[k];
      errors = affine(layer, magnitudes, size_at);  // its bias terms are (k + 1) u |b| with room to spare
      h = affine(layer, h, [&](int offset) { return parameters[static_cast<std::size_t>(offset)]; });
      for (std::size_t k = 0; k < h.size(); ++k) {
        errors[k] -= bias_of(layer, k, size_at) * (1 - count * u);
        if (layer + 1 == m_blocks.size()) continue;
        h[k] = silu(h[k]);
        errors[k] = Real(1.1) * errors[k] + 18 * u * std::fabs(h[k]);
      }
    }
    return errors;
  }

 private:
  struct Blocks {
    network::ParameterBlock weight, bias;
  };

  static network::ParameterBlock find(const network::ParameterLayout& layout, const std::string& name) {
    for (const network::ParameterBlock& block : layout.blocks())
      if (block.name == name) return block;
    throw std::runtime_error("the layout has no block " + name);
  }

  template <class T>
  static T silu(const T& y) {
    using std::exp;
    return y / (T(Real(1)) + exp(-y));
  }

  template <class T>
  std::vector<T> inputs(const T& tau, const T* x) const {
    std::vector<T> h;
    append_features(m_config.time, tau, h);
    for (int c = 0; c < m_config.dense_coordinates; ++c) append_features(m_config.coordinate, x[c], h);
    for (int k = 0; k < m_config.n_conditions; ++k) h.push_back(T(Real(condition_value(k))));
    for (int stage = 1; stage < m_config.n_stages; ++stage)
      append_features(m_config.coordinate, x[stage - 1], h);
    return h;
  }

  template <class T>
  static void append_features(const network::FourierConfig& config, const T& value, std::vector<T>& h) {
    using std::cos;
    using std::sin;
    const int count = config.n_features / 2;
    if (config.includes_value()) h.push_back(value);
    for (const bool cosine : {false, true})
      for (int k = 0; k < count; ++k) {
        const Real ratio = static_cast<Real>(config.frequency_max) / config.frequency_min;
        const Real frequency =
            config.frequency_min * (count == 1 ? Real(1) : std::pow(ratio, Real(k) / Real(count - 1)));
        const T phase = T(frequency) * value;
        h.push_back(cosine ? T(cos(phase)) : T(sin(phase)));
      }
  }

  /// Position of a unit among those of its degree.
  int row_of(std::size_t layer, std::size_t unit) const {
    const std::vector<int>& degrees = m_degrees[layer + 1];
    std::size_t first = 0;
    while (degrees[first] != degrees[unit]) ++first;
    return static_cast<int>(unit - first);
  }

  template <class At>
  std::decay_t<std::invoke_result_t<At, int>> bias_of(std::size_t layer, std::size_t unit,
                                                      const At& parameter) const {
    const auto stage = static_cast<std::size_t>(m_degrees[layer + 1][unit]);
    return parameter(m_blocks[layer][stage].bias.offset + row_of(layer, unit));
  }

  template <class T, class At>
  std::vector<T> affine(std::size_t layer, const std::vector<T>& h, const At& parameter) const {
    const std::vector<int>&from = m_degrees[layer], &to = m_degrees[layer + 1];
    std::vector<T> y;
    for (std::size_t unit = 0; unit < to.size(); ++unit) {
      const network::ParameterBlock& weight = m_blocks[layer][static_cast<std::size_t>(to[unit])].weight;
      const int row = row_of(layer, unit);
      T sum = bias_of(layer, unit, parameter);
      for (std::size_t input = 0; input < from.size(); ++input) {
        if (from[input] > to[unit]) continue;
        const int column = static_cast<int>(input);
        if (column >= weight.columns) throw std::runtime_error(weight.name + " has too few columns");
        sum += parameter(weight.offset + column * weight.rows + row) * h[input];
      }
      y.push_back(sum);
    }
    return y;
  }

  network::NetworkConfig m_config;
  std::vector<std::vector<int>> m_degrees;
  std::vector<std::vector<Blocks>> m_blocks;
};

/// Random parameters far from the starting point: weights of variance 1 / inputs, biases of +-1 at most; the
/// gaps of the layout hold NaN, so that whoever reads them is found out.
template <class Engine>
std::vector<double> random_parameters(const network::ParameterLayout& layout, Engine& engine) {
  std::vector<double> parameters(static_cast<std::size_t>(layout.size()), std::nan(""));
  for (const network::ParameterBlock& block : layout.blocks()) {
    const double limit = block.columns > 1 ? std::sqrt(3.0 / block.columns) : 1.0;
    for (int k = 0; k < block.size(); ++k) {
      const double unit = static_cast<double>(engine() >> 11) * 0x1p-53;
      parameters[static_cast<std::size_t>(block.offset + k)] = limit * (2 * unit - 1);
    }
  }
  return parameters;
}

}  // namespace rhoflux::test
