#include "rhoflux/density/mixture_network.hpp"

#include <algorithm>
#include <cmath>

namespace rhoflux::density {
namespace {

network::NetworkConfig network_config(const Config& config, const char* name, int outputs_per_stage,
                                      int n_stages, int max_columns) {
  network::NetworkConfig network;
  network.name = name;
  network.n_stages = n_stages;
  network.time = {config.time_features, config.time_frequency_min, config.time_frequency_max};
  network.coordinate = {config.coordinate_features, config.coordinate_frequency_min,
                        config.coordinate_frequency_max, network::RawValue::included};
  network.n_conditions = config.n_conditions;
  network.hidden = config.hidden;
  network.outputs_per_stage = outputs_per_stage;
  network.max_columns = max_columns;
  return network;
}

}  // namespace

template <class Scalar>
MixtureNetwork<Scalar>::MixtureNetwork(const Config& config, const Shape& shape,
                                       network::ParameterLayout& layout)
    : m_config(config), m_shape(shape) {
  const int n_logistics = config.n_logistics;
  const bool split = config.weights == MixtureWeights::time_constant;
  const int shape_outputs = (split ? 2 : 3) * n_logistics;
  const bool has_share = config.grows() && config.growth_share.is_learned;
  const auto make_config = [&](const char* name, int outputs_per_head) {
    network::NetworkConfig network =
        network_config(config, name, shape.heads_per_stage * outputs_per_head + (has_share ? 1 : 0),
                       shape.n_stages, shape.max_columns);
    network.passes = shape.passes;
    network.precision = shape.precision;
    return network;
  };
  m_networks.push_back(
      std::make_unique<network::MaskedNetwork<Scalar>>(make_config("mixtures", shape_outputs), layout));
  if (split) {
    auto logits = make_config("weights", n_logistics);
    logits.time.n_features = 0;
    const bool has_inputs = shape.n_stages > 1 || config.n_conditions > 0;
    if (!has_inputs) logits.hidden.clear();  // nothing left to depend on: the biases alone
    m_networks.push_back(std::make_unique<network::MaskedNetwork<Scalar>>(logits, layout));
  }
  const auto view = [&](const Matrix<Scalar>& logits, const Matrix<Scalar>& shapes) {
    const int first = split ? 0 : n_logistics;
    MixtureView<Scalar> view = {logits,        shapes, split ? n_logistics : shape_outputs,
                                shape_outputs, first,  first + n_logistics,
                                n_logistics};
    if (!has_share) return view;
    view.share_row = shape.heads_per_stage * shape_outputs;  // of the first stage, after its heads
    if (shape.n_stages > 1) {                                // one head a stage
      view.share_stride = shape_outputs + 1;
      view.logits_stride = view.shapes_stride = view.share_stride;
    }
    return view;
  };
  m_mixtures = view(m_networks.back()->outputs(), m_networks.front()->outputs());
  m_mixtures_bar = view(m_networks.back()->outputs_bar(), m_networks.front()->outputs_bar());
}

template <class Scalar>
void MixtureNetwork<Scalar>::initialise(std::vector<double>& parameters, const std::vector<double>& locations,
                                        const std::vector<double>& log_scales, std::uint64_t seed) const {
  for (const auto& network : m_networks) network->initialise(parameters, seed);
  const int n_logistics = m_config.n_logistics;
  for (int stage = 0; stage < m_shape.n_stages; ++stage) {
    const int bias = m_networks.front()->output_bias_offset(stage);
    for (int head = 0; head < m_shape.heads_per_stage; ++head) {
      const int shapes = bias + head * m_mixtures.shapes_stride;
      const int source = (stage * m_shape.heads_per_stage + head) * n_logistics;
      for (int l = 0; l < n_logistics; ++l) {
        parameters[static_cast<std::size_t>(shapes + m_mixtures.location_offset + l)] =
            locations[static_cast<std::size_t>(source + l)];
        parameters[static_cast<std::size_t>(shapes + m_mixtures.scale_offset + l)] =
            log_scales[static_cast<std::size_t>(source + l)];
      }
    }
  }
}

template <class Scalar>
void MixtureNetwork<Scalar>::scale_location_weights(std::vector<double>& parameters, double factor) const {
  for (int head = 0; head < m_shape.heads_per_stage; ++head)
    for (int l = 0; l < m_config.n_logistics; ++l)
      m_networks.front()->scale_output_weights(
          parameters, 0, head * m_mixtures.shapes_stride + m_mixtures.location_offset + l, factor);
}

template <class Scalar>
void MixtureNetwork<Scalar>::set_gradient_listener(GradientListener* listener) {
  for (const auto& network : m_networks) network->set_gradient_listener(listener);
}

template <class Scalar>
void MixtureNetwork<Scalar>::begin(const ExecutionSpace& space, network::Columns columns,
                                   const ConstStridedVector<Scalar>& tau,
                                   const ConstStridedVector<Scalar>& tau_dot,
                                   const ConstMatrix<Scalar>& conditions) {
  for (const auto& network : m_networks) network->begin(space, columns, tau, tau_dot, conditions);
}

template <class Scalar>
void MixtureNetwork<Scalar>::feed(const ExecutionSpace& space, int stage, const ConstStridedVector<Scalar>& x,
                                  const ConstStridedVector<Scalar>& x_dot) {
  for (const auto& network : m_networks) network->feed(space, stage, x, x_dot);
}

template <class Scalar>
void MixtureNetwork<Scalar>::evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                      int stage) {
  for (const auto& network : m_networks) network->evaluate(space, parameters, stage);
}

template <class Scalar>
void MixtureNetwork<Scalar>::evaluate_all(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                          int n_stages, const ConstMatrix<Scalar>& x,
                                          const ConstMatrix<Scalar>& x_dot) {
  for (const auto& network : m_networks) network->evaluate_all(space, parameters, n_stages, x, x_dot);
}

template <class Scalar>
void MixtureNetwork<Scalar>::extend(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                    const ConstStridedVector<Scalar>& tau_dot,
                                    const ConstMatrix<Scalar>& x_dot) {
  for (const auto& network : m_networks) network->extend(space, parameters, tau_dot, x_dot);
}

template <class Scalar>
void MixtureNetwork<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                     const Vector<Scalar>& parameters_bar, network::AdjointScope scope) {
  for (const auto& network : m_networks) network->adjoint(space, parameters, parameters_bar, scope);
}

template <class Scalar>
void MixtureNetwork<Scalar>::adjoint_stage(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                           const Vector<Scalar>& parameters_bar, int stage,
                                           network::AdjointScope scope) {
  for (const auto& network : m_networks)
    network->adjoint_stage(space, parameters, parameters_bar, stage, scope);
}

template <class Scalar>
void MixtureNetwork<Scalar>::coordinate_adjoint(const ExecutionSpace& space, int stage,
                                                const StridedVector<Scalar>& x_bar,
                                                const StridedVector<Scalar>& x_dot_bar) const {
  for (const auto& network : m_networks) network->coordinate_adjoint(space, stage, x_bar, x_dot_bar);
}

template <class Scalar>
void MixtureNetwork<Scalar>::inputs_adjoint(const ExecutionSpace& space, const StridedVector<Scalar>& tau_bar,
                                            const Matrix<Scalar>& x_bar) const {
  for (const auto& network : m_networks) network->inputs_adjoint(space, tau_bar, {}, x_bar, {});
}

template class MixtureNetwork<float>;
template class MixtureNetwork<double>;

void place_on_quantiles(const std::vector<double>& x, int n_dims, int n_logistics,
                        std::vector<double>& locations, std::vector<double>& log_scales) {
  const auto dims = static_cast<std::size_t>(n_dims);
  const auto count = static_cast<std::size_t>(n_logistics);
  const std::size_t n_rows = x.size() / dims;
  locations.assign(dims * count, 0.0);
  log_scales.assign(dims * count, 0.0);
  std::vector<double> column(n_rows);
  for (std::size_t i = 0; i < dims; ++i) {
    for (std::size_t row = 0; row < n_rows; ++row) column[row] = x[row * dims + i];
    std::sort(column.begin(), column.end());
    const auto quantile = [&](double level) {
      const double position = level * static_cast<double>(n_rows - 1);
      const auto below = static_cast<std::size_t>(position);
      const std::size_t above = std::min(below + 1, n_rows - 1);
      const double fraction = position - static_cast<double>(below);
      return (1 - fraction) * column[below] + fraction * column[above];
    };
    const double spread = quantile(0.9) - quantile(0.1);
    for (std::size_t l = 0; l < count; ++l) {
      const double step = 1.0 / static_cast<double>(count);
      const double level = (static_cast<double>(l) + 0.5) * step;
      // Neighbouring logistics overlap, and none is narrower than a hundredth of the data's spread.
      const double gap =
          0.5 * (quantile(std::min(1.0, level + step)) - quantile(std::max(0.0, level - step)));
      const double scale = std::max({0.6 * gap, 0.01 * spread, 1e-3});
      locations[i * count + l] = quantile(level);
      log_scales[i * count + l] = -std::log(scale);
    }
  }
}

}  // namespace rhoflux::density
