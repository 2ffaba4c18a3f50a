#include "rhoflux/network/masked_network.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/device/linear_algebra.hpp"
#include "rhoflux/device/loops.hpp"
#include "rhoflux/network/activation.hpp"

namespace rhoflux::network {
namespace {

std::vector<StagedLayer> make_layers(const NetworkConfig& config) {
  if (std::int64_t{config.n_stages} * config.outputs_per_stage > std::numeric_limits<int>::max())
    fail_input("the network is too large: " + std::to_string(config.n_stages) + " stages of " +
               std::to_string(config.outputs_per_stage) + " outputs");
  std::vector<int> inputs(static_cast<std::size_t>(config.n_stages), config.coordinate.size());
  inputs.front() = config.time.size() + config.dense_coordinates * config.coordinate.size();
  std::vector<StagedLayer> layers = {StagedLayer(inputs)};
  for (const int width : config.hidden) layers.emplace_back(split_width(width, config.n_stages));
  layers.emplace_back(std::vector<int>(static_cast<std::size_t>(config.n_stages), config.outputs_per_stage));
  return layers;
}

template <class Scalar>
UnmanagedMatrix<Scalar> weight_view(const Vector<Scalar>& parameters, int offset, int rows, int columns) {
  return UnmanagedMatrix<Scalar>(parameters.data() + offset, static_cast<std::size_t>(rows),
                                 static_cast<std::size_t>(columns));
}

/// Calls function(std::integral_constant<int, k>) with the number k of tangents: where the compiler knows it,
/// the loops over rows vectorise. There are one (the flow), two (and the direction of the score) or, in
/// tests, more.
template <class Function>
void with_tangents(int k, const Function& function) {
  if (k == 0) return function(std::integral_constant<int, 0>());
  if (k == 1) return function(std::integral_constant<int, 1>());
  if (k == 2) return function(std::integral_constant<int, 2>());
  function(std::integral_constant<int, -1>());
}

/// h = a(y + bias) and h_dot_j = a'(y + bias) y_dot_j; leaves y + bias in y.
/// @tparam known number of tangents, or -1: n_tangents
template <int known, class Scalar>
void activate_rows(const ExecutionSpace& space, const Scalar* bias, const Matrix<Scalar>& y,
                   const Matrix<Scalar>& h, Range rows, int n, int n_tangents) {
  const int first = rows.begin;
  for_each_entry(
      space, "activation and tangents", rows.size(), n, KOKKOS_LAMBDA(int r, int s) {
        const Scalar value = y(first + r, s) + bias[r];
        const Silu<Scalar> a = silu(value);
        h(first + r, s) = a.value;
        y(first + r, s) = value;
        const int last = known < 0 ? n_tangents : known;
        for (int j = 1; j <= last; ++j) h(first + r, j * n + s) = a.slope * y(first + r, j * n + s);
      });
}

/// y_bar = a'(y) h_bar + a''(y) sum_j y_dot_j h_dot_bar_j and y_dot_bar_j = a'(y) h_dot_bar_j, in place.
template <int known, class Scalar>
void activate_rows_adjoint(const ExecutionSpace& space, const Matrix<Scalar>& y, const Matrix<Scalar>& bar,
                           Range rows, int n, int n_tangents) {
  const int first = rows.begin;
  for_each_entry(
      space, "activation and tangents adjoint", rows.size(), n, KOKKOS_LAMBDA(int r, int s) {
        const Silu<Scalar> a = silu(y(first + r, s));
        const int last = known < 0 ? n_tangents : known;
        Scalar through_slope = 0;
        for (int j = 1; j <= last; ++j) {
          through_slope += y(first + r, j * n + s) * bar(first + r, j * n + s);
          bar(first + r, j * n + s) *= a.slope;
        }
        bar(first + r, s) = a.slope * bar(first + r, s) + a.curvature * through_slope;
      });
}

}  // namespace

template <class Scalar>
MaskedNetwork<Scalar>::MaskedNetwork(const NetworkConfig& config, ParameterLayout& layout)
    : m_config(config),
      m_layers(make_layers(config)),
      m_time_features(config.time),
      m_coordinate_features(config.coordinate) {
  for (int layer = 0; layer < n_layers(); ++layer) {
    std::vector<Block> blocks;
    for (int stage = 0; stage < config.n_stages; ++stage) {
      const std::string name =
          config.name + "/layer" + std::to_string(layer) + "/degree" + std::to_string(stage);
      const int rows = m_layers[static_cast<std::size_t>(layer) + 1].rows(stage).size();
      const int columns = m_layers[static_cast<std::size_t>(layer)].visible(stage).size();
      const int weight = layout.add(name + "/weight", rows, columns);
      const int bias = layout.add(name + "/bias", rows, 1);
      blocks.push_back({weight, bias, bias + rows});
    }
    m_blocks.push_back(blocks);
  }
  for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
    const int size = m_layers[layer].size();
    const bool is_hidden = layer > 0 && layer + 1 < m_layers.size();
    m_activations.push_back(make_matrix<Scalar>("activations", size, config.max_columns));
    m_slopes.push_back(make_matrix<Scalar>("slopes", is_hidden ? size : 0, config.max_columns));
    m_bars.push_back(
        make_matrix<Scalar>("activations adjoint", config.derivatives ? size : 0, config.max_columns));
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::initialise(std::vector<double>& parameters, std::uint64_t seed) const {
  const RandomStream random(seed, RandomPurpose::initialisation, 0);
  for (int layer = 0; layer < n_layers(); ++layer) {
    const double last = layer + 1 == n_layers() ? 0.1 : 1.0;
    for (int stage = 0; stage < m_config.n_stages; ++stage) {
      const int rows = m_layers[static_cast<std::size_t>(layer) + 1].rows(stage).size();
      const int columns = m_layers[static_cast<std::size_t>(layer)].visible(stage).size();
      const double limit = columns == 0 ? 0.0 : last * std::sqrt(6.0 / columns);
      const int offset = block(layer, stage).weight;
      for (int k = 0; k < rows * columns; ++k) {
        const double uniform = random.uniforms(static_cast<std::uint64_t>(offset + k), 0).first;
        parameters[static_cast<std::size_t>(offset + k)] = limit * (2 * uniform - 1);
      }
      for (int k = 0; k < rows; ++k) parameters[static_cast<std::size_t>(block(layer, stage).bias + k)] = 0;
    }
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::clear_outputs(std::vector<double>& parameters) const {
  const int layer = n_layers() - 1;
  for (int stage = 0; stage < m_config.n_stages; ++stage) {
    const int rows = m_layers.back().rows(stage).size();
    const int columns = m_layers[static_cast<std::size_t>(layer)].visible(stage).size();
    std::fill_n(parameters.begin() + block(layer, stage).weight, rows * columns, 0.0);
    std::fill_n(parameters.begin() + block(layer, stage).bias, rows, 0.0);
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::begin(const ExecutionSpace& space, Columns columns, const Scalar* tau,
                                  const Scalar* tau_dot) {
  m_columns = columns;
  m_time_features.forward(space, tau, tau_dot, 1, columns.n_samples, columns.n_tangents, 0,
                          m_activations.front());
}

template <class Scalar>
void MaskedNetwork<Scalar>::feed(const ExecutionSpace& space, int stage, const Scalar* x, const Scalar* x_dot,
                                 int stride) {
  m_coordinate_features.forward(space, x, x_dot, stride, m_columns.n_samples, m_columns.n_tangents,
                                m_layers.front().rows(stage).begin, m_activations.front());
}

template <class Scalar>
void MaskedNetwork<Scalar>::feed_dense(const ExecutionSpace& space, const Scalar* x, const Scalar* x_dot,
                                       int stride) {
  for (int c = 0; c < m_config.dense_coordinates; ++c)
    m_coordinate_features.forward(space, x + c, x_dot == nullptr ? nullptr : x_dot + c, stride,
                                  m_columns.n_samples, m_columns.n_tangents, dense_row(c),
                                  m_activations.front());
}

/// y = W h for one stage of one layer, or its tangents; the outputs take the place of y in the last layer.
template <class Scalar>
void MaskedNetwork<Scalar>::product(const ExecutionSpace& space, const Vector<Scalar>& parameters, int layer,
                                    int stage, Range columns) {
  const auto from = static_cast<std::size_t>(layer), to = from + 1;
  const Range rows = m_layers[to].rows(stage);
  const Range visible = m_layers[from].visible(stage);
  const auto result = block_of(layer + 1 == n_layers() ? m_activations[to] : m_slopes[to], rows, columns);
  if (visible.size() > 0) {
    gemm(space, Transpose::no, Transpose::no,
         weight_view(parameters, block(layer, stage).weight, rows.size(), visible.size()),
         block_of(m_activations[from], visible, columns), Scalar(0), result);
  } else {
    Kokkos::deep_copy(space, result, Scalar(0));
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::evaluate(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                     int stage) {
  m_last_stage = stage;
  for (int layer = 0; layer < n_layers(); ++layer) {
    product(space, parameters, layer, stage, {0, m_columns.total()});
    activate(space, parameters, layer, stage);
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::extend(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                   const Scalar* tau_dot, const Scalar* x_dot, int stride) {
  const int n = m_columns.n_samples;
  const int group = ++m_columns.n_tangents;
  const Matrix<Scalar>& inputs = m_activations.front();
  m_time_features.tangent(space, tau_dot, 1, n, group, 0, inputs);
  for (int c = 0; c < m_config.dense_coordinates; ++c)
    m_coordinate_features.tangent(space, x_dot + c, stride, n, group, dense_row(c), inputs);
  for (int stage = 1; stage <= m_last_stage; ++stage)
    m_coordinate_features.tangent(space, x_dot + stage - 1, stride, n, group,
                                  m_layers.front().rows(stage).begin, inputs);
  for (int stage = 0; stage <= m_last_stage; ++stage)
    for (int layer = 0; layer < n_layers(); ++layer) {
      product(space, parameters, layer, stage, {group * n, (group + 1) * n});
      if (layer + 1 < n_layers()) activate_tangent(space, layer, stage, group);
    }
}

/// Adds the bias; hidden layers then take h = a(y) and h_dot = a'(y) y_dot, and keep for the adjoint a'(y),
/// or (y, y_dot) where there are tangents.
template <class Scalar>
void MaskedNetwork<Scalar>::activate(const ExecutionSpace& space, const Vector<Scalar>& parameters, int layer,
                                     int stage) {
  const auto to = static_cast<std::size_t>(layer) + 1;
  const Range rows = m_layers[to].rows(stage);
  const int first = rows.begin;
  const int n = m_columns.n_samples, n_tangents = m_columns.n_tangents;
  const Scalar* bias = parameters.data() + block(layer, stage).bias;
  const Matrix<Scalar> h = m_activations[to];
  if (layer + 1 == n_layers()) {
    for_each_entry(
        space, "output bias", rows.size(), n, KOKKOS_LAMBDA(int r, int s) { h(first + r, s) += bias[r]; });
    return;
  }
  const Matrix<Scalar> y = m_slopes[to];
  if (n_tangents == 0) {
    for_each_entry(
        space, "activation", rows.size(), n, KOKKOS_LAMBDA(int r, int s) {
          const Silu<Scalar> a = silu(y(first + r, s) + bias[r]);
          h(first + r, s) = a.value;
          y(first + r, s) = a.slope;
        });
  } else {
    with_tangents(n_tangents, [&](auto known) {
      activate_rows<decltype(known)::value>(space, bias, y, h, rows, n, n_tangents);
    });
  }
}

/// h_dot = a'(y) y_dot of one group of tangents.
template <class Scalar>
void MaskedNetwork<Scalar>::activate_tangent(const ExecutionSpace& space, int layer, int stage, int group) {
  const auto to = static_cast<std::size_t>(layer) + 1;
  const Range rows = m_layers[to].rows(stage);
  const int first = rows.begin, column = group * m_columns.n_samples;
  const Matrix<Scalar> h = m_activations[to], y = m_slopes[to];
  for_each_entry(
      space, "activation tangent", rows.size(), m_columns.n_samples, KOKKOS_LAMBDA(int r, int s) {
        h(first + r, column + s) = silu(y(first + r, s)).slope * y(first + r, column + s);
      });
}

/// Turns the adjoint of h into that of y, in place.
template <class Scalar>
void MaskedNetwork<Scalar>::activate_adjoint(const ExecutionSpace& space, int layer, int stage) {
  const auto to = static_cast<std::size_t>(layer) + 1;
  const Range rows = m_layers[to].rows(stage);
  const int first = rows.begin;
  const int n = m_columns.n_samples, n_tangents = m_adjoint_columns.n_tangents;
  const Matrix<Scalar> y = m_slopes[to], bar = m_bars[to];
  if (m_columns.n_tangents == 0) {
    for_each_entry(
        space, "activation adjoint", rows.size(), n,
        KOKKOS_LAMBDA(int r, int s) { bar(first + r, s) *= y(first + r, s); });
  } else {
    with_tangents(n_tangents, [&](auto known) {
      activate_rows_adjoint<decltype(known)::value>(space, y, bar, rows, n, n_tangents);
    });
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::bias_adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar,
                                         int layer, int stage) {
  const auto to = static_cast<std::size_t>(layer) + 1;
  const Range rows = m_layers[to].rows(stage);
  const int first = rows.begin;
  const Matrix<Scalar> bar = m_bars[to];
  Scalar* bias_bar = parameters_bar.data() + block(layer, stage).bias;
  for_each_entry_by_row(
      space, "bias adjoint", rows.size(), m_columns.n_samples,
      KOKKOS_LAMBDA(int r, int s) { bias_bar[r] += bar(first + r, s); });
}

template <class Scalar>
void MaskedNetwork<Scalar>::adjoint(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                    const Vector<Scalar>& parameters_bar, bool inputs_too) {
  for (int stage = m_last_stage; stage >= 0; --stage)
    adjoint_stage(space, parameters, parameters_bar, stage, {inputs_too, true});
}

template <class Scalar>
void MaskedNetwork<Scalar>::adjoint_stage(const ExecutionSpace& space, const Vector<Scalar>& parameters,
                                          const Vector<Scalar>& parameters_bar, int stage,
                                          AdjointScope scope) {
  m_adjoint_columns = {m_columns.n_samples, scope.tangents ? m_columns.n_tangents : 0};
  const Range columns = {0, m_adjoint_columns.total()};
  const bool parameters_too = parameters_bar.extent(0) > 0;
  for (int layer = n_layers() - 1; layer >= 0; --layer) {
    const auto from = static_cast<std::size_t>(layer), to = from + 1;
    const Range rows = m_layers[to].rows(stage);
    const Range visible = m_layers[from].visible(stage);
    if (layer + 1 < n_layers()) activate_adjoint(space, layer, stage);
    const auto delta = block_of(m_bars[to], rows, columns);
    if (parameters_too) {
      bias_adjoint(space, parameters_bar, layer, stage);
      if (visible.size() > 0)
        gemm(space, Transpose::no, Transpose::yes, delta, block_of(m_activations[from], visible, columns),
             Scalar(1), weight_view(parameters_bar, block(layer, stage).weight, rows.size(), visible.size()));
      if (m_listener != nullptr)
        m_listener->on_gradient_added({block(layer, stage).weight, block(layer, stage).end});
    }
    if (visible.size() == 0) continue;
    if (layer == 0 && !scope.inputs) continue;
    // The last stage sees every row below that was evaluated, so its product is the first to write there.
    gemm(space, Transpose::yes, Transpose::no,
         weight_view(parameters, block(layer, stage).weight, rows.size(), visible.size()), delta,
         Scalar(stage == m_last_stage ? 0 : 1), block_of(m_bars[from], visible, columns));
  }
}

template <class Scalar>
void MaskedNetwork<Scalar>::coordinate_adjoint(const ExecutionSpace& space, int stage, Scalar* x_bar,
                                               Scalar* x_dot_bar, int stride) const {
  m_coordinate_features.adjoint(space, m_activations.front(), m_bars.front(), m_adjoint_columns.n_samples,
                                m_adjoint_columns.n_tangents, m_layers.front().rows(stage).begin, stride,
                                x_bar, x_dot_bar);
}

template <class Scalar>
void MaskedNetwork<Scalar>::time_adjoint(const ExecutionSpace& space, Scalar* tau_bar,
                                         Scalar* tau_dot_bar) const {
  m_time_features.adjoint(space, m_activations.front(), m_bars.front(), m_adjoint_columns.n_samples,
                          m_adjoint_columns.n_tangents, 0, 1, tau_bar, tau_dot_bar);
}

template <class Scalar>
void MaskedNetwork<Scalar>::dense_adjoint(const ExecutionSpace& space, Scalar* x_bar, Scalar* x_dot_bar,
                                          int stride) const {
  for (int c = 0; c < m_config.dense_coordinates; ++c)
    m_coordinate_features.adjoint(space, m_activations.front(), m_bars.front(), m_adjoint_columns.n_samples,
                                  m_adjoint_columns.n_tangents, dense_row(c), stride, x_bar + c,
                                  x_dot_bar == nullptr ? nullptr : x_dot_bar + c);
}

template <class Scalar>
void MaskedNetwork<Scalar>::inputs_adjoint(const ExecutionSpace& space, Scalar* tau_bar, Scalar* tau_dot_bar,
                                           Scalar* x_bar, Scalar* x_dot_bar, int stride) const {
  time_adjoint(space, tau_bar, tau_dot_bar);
  dense_adjoint(space, x_bar, x_dot_bar, stride);
  for (int stage = 1; stage <= m_last_stage; ++stage)
    coordinate_adjoint(space, stage, x_bar + stage - 1,
                       x_dot_bar == nullptr ? nullptr : x_dot_bar + stage - 1, stride);
}

template class MaskedNetwork<float>;
template class MaskedNetwork<double>;

}  // namespace rhoflux::network
