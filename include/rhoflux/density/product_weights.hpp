#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rhoflux/core/function.hpp"
#include "rhoflux/density/config.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/network/masked_network.hpp"

namespace rhoflux::density {

/// The logits of gamma at each column of an evaluation: its values, then its tangents.
template <class Scalar>
struct ProductLogits {
  const Scalar* first = nullptr;  ///< (K) of column 0
  int stride = 0;                 ///< from one column to the next; 0: the same in all
  RHOFLUX_FUNCTION const Scalar* at(int column) const {
    return first + static_cast<std::size_t>(column) * static_cast<std::size_t>(stride);
  }
};

/// The weights gamma_k of a mixture of products: K parameters, or the softmax of a small network of what they may depend
/// on: of time where they grow (model.md section 10), and of the conditions where there are any (section 11).
template <class Scalar>
class ProductWeights {
 public:
  /// @param max_columns samples times (1 + tangents) of one call
  ProductWeights(const Config& config, int max_columns, Passes passes, MatrixPrecision precision,
                 network::ParameterLayout& layout);

  bool is_constant() const { return m_network == nullptr; }
  int n_products() const { return m_n_products; }
  /// Offset of the logits in the parameters, where they are constant.
  int offset() const { return m_offset; }
  void initialise(std::vector<double>& parameters, std::uint64_t seed) const;
  void set_gradient_listener(GradientListener* listener);

  /// See MaskedNetwork::begin and evaluate. Nothing to do where the weights are constant.
  void evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, network::Columns columns,
                const ConstStridedVector<Scalar>& tau, const ConstStridedVector<Scalar>& tau_dot,
                const ConstMatrix<Scalar>& conditions);
  /// Of the last evaluation.
  ProductLogits<Scalar> logits(const ConstVector<Scalar>& parameters) const;

  /// Adjoint of the logits (K, columns), to be filled before `adjoint`; weights that are constant have none.
  Matrix<Scalar> logits_bar() const { return m_network ? m_network->outputs_bar() : Matrix<Scalar>(); }
  void adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const Vector<Scalar>& parameters_bar, network::AdjointScope scope);
  /// Adds the adjoint of tau (n).
  void time_adjoint(const ExecutionSpace& space, const StridedVector<Scalar>& tau_bar) const;

 private:
  int m_n_products, m_offset = 0;
  std::unique_ptr<network::MaskedNetwork<Scalar>> m_network;  ///< null: constant
};

extern template class ProductWeights<float>;
extern template class ProductWeights<double>;

}  // namespace rhoflux::density
