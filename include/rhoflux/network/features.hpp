#pragma once

#include <vector>

#include "rhoflux/device/types.hpp"
#include "rhoflux/network/columns.hpp"

namespace rhoflux::network {

/// Whether the features have v itself before its sines and cosines.
enum class RawValue { left_out, included };

/// Sinusoidal features of one scalar v: sin(w_k v), cos(w_k v), k = 1..n, with geometric angular frequencies
/// w_k from `frequency_min` to `frequency_max` (Tancik et al. 2020), optionally after v itself.
struct FourierConfig {
  int n_features = 0;  ///< sines plus cosines, even
  double frequency_min = 0.5;
  double frequency_max = 16.0;
  RawValue raw_value = RawValue::left_out;
  bool includes_value() const { return raw_value == RawValue::included; }
  int size() const { return n_features + (includes_value() ? 1 : 0); }
};

/// Angular frequencies divided by 2 pi, in turns.
std::vector<double> frequencies_in_turns(const FourierConfig& config);

template <class Scalar>
class FourierFeatures {
 public:
  FourierFeatures() = default;
  explicit FourierFeatures(const FourierConfig& config);
  int size() const { return m_config.size(); }

  /// Writes the features of n values and the tangents of the features, in columns as Columns says.
  /// @param values (n_samples)
  /// @param tangents (n_tangents * n_samples) of the values, group by group; empty: zero
  /// @param[out] features (size(), at least columns.total())
  void forward(const ExecutionSpace& space, Columns columns, const ConstStridedVector<Scalar>& values,
               const ConstStridedVector<Scalar>& tangents, const Matrix<Scalar>& features) const;

  /// Writes tangent group `group` (1, 2, ..) of columns whose values `forward` has written.
  /// @param tangents (n_samples); empty: zero
  void tangent(const ExecutionSpace& space, int n_samples, int group,
               const ConstStridedVector<Scalar>& tangents, const Matrix<Scalar>& features) const;

  /// Adds the adjoint of the values to values_bar (n_samples) and, unless empty, that of the tangents to
  /// tangents_bar (n_tangents * n_samples); values receive the part through their tangents too.
  /// @param features, features_bar (size(), at least columns.total())
  void adjoint(const ExecutionSpace& space, Columns columns, const ConstMatrix<Scalar>& features,
               const ConstMatrix<Scalar>& features_bar, const StridedVector<Scalar>& values_bar,
               const StridedVector<Scalar>& tangents_bar) const;

 private:
  FourierConfig m_config;
  Vector<Scalar> m_turns;
};

}  // namespace rhoflux::network
