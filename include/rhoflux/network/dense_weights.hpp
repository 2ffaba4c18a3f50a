#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/device/linear_algebra.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/network/parameter_layout.hpp"
#include "rhoflux/network/stages.hpp"

namespace rhoflux::network {

/// Where the weights of one stage of one layer lie in the parameters: (rows of the stage, visible rows of the layer
/// below), then the biases of the rows.
struct StageBlock {
  int weight = 0;
  int bias = 0;
  int end = 0;  ///< of the bias
};

/// Copies of the weights of all layers as whole matrices, the entries that the masks forbid being zero, and the adjoints
/// of such matrices. A product with a whole layer at once is what an accelerator does well; a CPU saves more by leaving
/// out the zeros.
template <class Scalar>
class DenseWeights {
 public:
  /// Nothing; only to be assigned to.
  DenseWeights() = default;
  /// @param layers inputs, hidden.., outputs
  /// @param blocks by layer (the one that the block leads to, less 1) and stage
  /// @param n_columns most columns of one adjoint pass: samples and their tangents
  DenseWeights(const std::vector<StagedLayer>& layers, const std::vector<std::vector<StageBlock>>& blocks,
               int n_columns, bool has_adjoint);

  /// The copies from the parameters.
  void pack(const ExecutionSpace& space, const ConstVector<Scalar>& parameters) const;
  /// Weights (rows of the layer `layer` + 1, rows of the layer `layer`) and biases.
  UnmanagedMatrix<Scalar> weight(int layer) const { return matrix(m_values, layer); }
  ConstVector<Scalar> bias(int layer) const;

  /// Adjoint of the weights of a layer, to be written before `add_to`: the first of some slices, which add up to it and
  /// lie slice_distance() entries apart.
  UnmanagedMatrix<Scalar> weight_bar(int layer) const { return matrix(m_bars, layer); }
  std::int64_t slice_distance() const { return static_cast<std::int64_t>(m_values.extent(0)); }
  Slices slices(int n_columns) const { return slices_of(n_columns, m_n_slices); }
  /// Samples of the blocks over which the adjoint of a bias is added up, and the sums over each, (n_blocks, rows), to be
  /// written before `add_to`.
  int samples_per_block(int n_samples) const { return (n_samples + m_n_blocks - 1) / m_n_blocks; }
  Matrix<Scalar> bias_sums(int layer) const;
  /// Sets what `add_to` adds to zero, for passes that do not write all of it.
  void clear_bars(const ExecutionSpace& space) const;
  /// Adds the adjoints, of so many samples with their tangents, to those of the parameters.
  void add_to(const ExecutionSpace& space, const Vector<Scalar>& parameters_bar, int n_samples,
              int n_columns) const;

 private:
  struct Layer {
    int rows = 0, columns = 0;
    int weight = 0;  ///< offset in the copies
    int bias = 0;    ///< offset in the copies of the biases
  };
  const Layer& layer_at(int layer) const { return m_layers[static_cast<std::size_t>(layer)]; }
  UnmanagedMatrix<Scalar> matrix(const Vector<Scalar>& values, int layer) const {
    const Layer& at = layer_at(layer);
    return UnmanagedMatrix<Scalar>(values.data() + at.weight, static_cast<std::size_t>(at.rows),
                                   static_cast<std::size_t>(at.columns));
  }

  std::vector<Layer> m_layers;
  int m_n_blocks = 1, m_n_slices = 1;
  Vector<int> m_weight_source, m_bias_source;  ///< offset in the parameters of each entry; -1: always zero
  Vector<Scalar> m_values;                     ///< weights of all layers
  Vector<Scalar> m_bars;                       ///< their adjoints, slice by slice
  Vector<Scalar> m_biases;                     ///< of all layers
  Matrix<Scalar> m_bias_sums;                  ///< (n_blocks, biases of all layers)
};

extern template class DenseWeights<float>;
extern template class DenseWeights<double>;

}  // namespace rhoflux::network
