#include "rhoflux/density/product_weights.hpp"

namespace rhoflux::density {
namespace {

/// One hidden layer: K smooth functions of time and conditions need no more.
constexpr int hidden_width = 32;

}  // namespace

template <class Scalar>
ProductWeights<Scalar>::ProductWeights(const Config& config, int max_columns, Passes passes,
                                       MatrixPrecision precision, network::ParameterLayout& layout)
    : m_n_products(config.n_products) {
  if (!config.grows() && config.n_conditions == 0) {
    m_offset = layout.add("components/logits", config.n_products, 1);
    return;
  }
  network::NetworkConfig network;
  network.name = "components";
  if (config.grows())
    network.time = {config.time_features, config.time_frequency_min, config.time_frequency_max};
  network.n_conditions = config.n_conditions;
  network.hidden = {hidden_width};
  network.outputs_per_stage = config.n_products;
  network.max_columns = max_columns;
  network.passes = passes;
  network.precision = precision;
  m_network = std::make_unique<network::MaskedNetwork<Scalar>>(network, layout);
}

template <class Scalar>
void ProductWeights<Scalar>::initialise(std::vector<double>& parameters, std::uint64_t seed) const {
  if (m_network) m_network->initialise(parameters, seed);
}

template <class Scalar>
void ProductWeights<Scalar>::set_gradient_listener(GradientListener* listener) {
  if (m_network) m_network->set_gradient_listener(listener);
}

template <class Scalar>
void ProductWeights<Scalar>::evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                      network::Columns columns, const ConstStridedVector<Scalar>& tau,
                                      const ConstStridedVector<Scalar>& tau_dot,
                                      const ConstMatrix<Scalar>& conditions) {
  if (!m_network) return;
  m_network->begin(space, columns, tau, tau_dot, conditions);
  m_network->evaluate(space, parameters, 0);
}

template <class Scalar>
ProductLogits<Scalar> ProductWeights<Scalar>::logits(const ConstVector<Scalar>& parameters) const {
  if (!m_network) return {parameters.data() + m_offset, 0};
  const Matrix<Scalar>& outputs = m_network->outputs();
  return {outputs.data(), static_cast<int>(outputs.stride(1))};
}

template <class Scalar>
void ProductWeights<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                     const Vector<Scalar>& parameters_bar, network::AdjointScope scope) {
  if (m_network) m_network->adjoint(space, parameters, parameters_bar, scope);
}

template <class Scalar>
void ProductWeights<Scalar>::time_adjoint(const ExecutionSpace& space,
                                          const StridedVector<Scalar>& tau_bar) const {
  if (m_network) m_network->time_adjoint(space, tau_bar, {});
}

template class ProductWeights<float>;
template class ProductWeights<double>;

}  // namespace rhoflux::density
