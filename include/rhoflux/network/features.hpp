#pragma once

#include <vector>

#include "rhoflux/device/types.hpp"

namespace rhoflux::network {

/// Sinusoidal features of one scalar v: sin(w_k v), cos(w_k v), k = 1..n, with geometric angular frequencies
/// w_k from `frequency_min` to `frequency_max` (Tancik et al. 2020), optionally after v itself.
struct FourierConfig {
  int n_features = 0;  ///< sines plus cosines, even
  double frequency_min = 0.5;
  double frequency_max = 16.0;
  bool include_value = false;
  int size() const { return n_features + (include_value ? 1 : 0); }
};

/// Angular frequencies divided by 2 pi, in turns.
std::vector<double> frequencies_in_turns(const FourierConfig& config);

template <class Scalar>
class FourierFeatures {
 public:
  FourierFeatures() = default;
  explicit FourierFeatures(const FourierConfig& config);
  int size() const { return m_config.size(); }

  /// Writes rows [first_row, first_row + size()) of `features`, whose columns are `n` values followed by
  /// `n_tangents` groups of n tangents.
  /// @param values (n), element s of the scalar of sample s at stride `stride`
  /// @param tangents null, or the tangents of the scalar: group j, sample s at index (j * n + s) * stride
  void forward(const ExecutionSpace& space, const Scalar* values, const Scalar* tangents, int stride, int n,
               int n_tangents, int first_row, const Matrix<Scalar>& features) const;

  /// Writes tangent group `group` (1, 2, ..) of columns whose values `forward` has written.
  /// @param tangents null (zero), or the tangent of sample s at s * stride
  void tangent(const ExecutionSpace& space, const Scalar* tangents, int stride, int n, int group,
               int first_row, const Matrix<Scalar>& features) const;

  /// Adds the adjoint of the values to values_bar and, unless null, that of the tangents to tangents_bar
  /// (both strided as in `forward`); values receive the part through their tangents too.
  void adjoint(const ExecutionSpace& space, const Matrix<Scalar>& features,
               const Matrix<Scalar>& features_bar, int n, int n_tangents, int first_row, int stride,
               Scalar* values_bar, Scalar* tangents_bar) const;

 private:
  FourierConfig m_config;
  Vector<Scalar> m_turns;
};

}  // namespace rhoflux::network
