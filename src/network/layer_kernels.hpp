#pragma once

#include <type_traits>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/network/activation.hpp"
#include "rhoflux/network/columns.hpp"

/// What happens to one stage of one layer besides its matrix products: bias, activation and tangents, and their
/// adjoints.
namespace rhoflux::network {

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

/// y and h of one stage of a hidden layer, (rows, columns of the evaluation): pre-activations and activations, or
/// what takes their place.
template <class Scalar>
struct Layer {
  Matrix<Scalar> y, h;
  ConstVector<Scalar> bias;  ///< (rows)
  Columns columns;
};

/// h += bias, of the outputs.
template <class Scalar>
void add_bias(const ExecutionSpace& space, const Layer<Scalar>& layer, int rows) {
  const Matrix<Scalar> h = layer.h;
  const ConstVector<Scalar> bias = layer.bias;
  for_each_entry(
      space, "output bias", rows, layer.columns.n_samples,
      KOKKOS_LAMBDA(int r, int s) { h(r, s) += bias(r); });
}

/// h = a(y + bias); leaves a'(y + bias) in y, for the adjoint.
template <class Scalar>
void activate_values(const ExecutionSpace& space, const Layer<Scalar>& layer, int rows) {
  const Matrix<Scalar> y = layer.y, h = layer.h;
  const ConstVector<Scalar> bias = layer.bias;
  for_each_entry(
      space, "activation", rows, layer.columns.n_samples, KOKKOS_LAMBDA(int r, int s) {
        const Silu<Scalar> a = silu(y(r, s) + bias(r));
        h(r, s) = a.value;
        y(r, s) = a.slope;
      });
}

/// h = a(y + bias) and h_dot_j = a'(y + bias) y_dot_j; leaves y + bias in y.
/// @tparam known number of tangents, or -1: columns.n_tangents
template <int known, class Scalar>
void activate_with_tangents(const ExecutionSpace& space, const Layer<Scalar>& layer, int rows) {
  const Matrix<Scalar> y = layer.y, h = layer.h;
  const ConstVector<Scalar> bias = layer.bias;
  const int n = layer.columns.n_samples, n_tangents = layer.columns.n_tangents;
  for_each_entry(
      space, "activation and tangents", rows, n, KOKKOS_LAMBDA(int r, int s) {
        const Scalar value = y(r, s) + bias(r);
        const Silu<Scalar> a = silu(value);
        h(r, s) = a.value;
        y(r, s) = value;
        const int last = known < 0 ? n_tangents : known;
        for (int j = 1; j <= last; ++j) h(r, j * n + s) = a.slope * y(r, j * n + s);
      });
}

/// h_dot = a'(y) y_dot of one group of tangents.
template <class Scalar>
void activate_tangent_group(const ExecutionSpace& space, const Layer<Scalar>& layer, int rows, int group) {
  const Matrix<Scalar> y = layer.y, h = layer.h;
  const int n = layer.columns.n_samples, column = group * n;
  for_each_entry(
      space, "activation tangent", rows, n,
      KOKKOS_LAMBDA(int r, int s) { h(r, column + s) = silu(y(r, s)).slope * y(r, column + s); });
}

/// Sums of y_bar over blocks of samples, (n_blocks, rows): what the adjoint of the bias is the sum of. Empty: not wanted.
template <class Scalar>
struct BiasSums {
  Matrix<Scalar> sums;
  int samples_per_block = 1;
};

/// The adjoints of one entry; each returns y_bar(r, s).
namespace adjoints {

/// y_bar = h_bar, of the outputs.
template <class Scalar>
struct OfOutputs {
  ConstMatrix<Scalar> bar;
  KOKKOS_INLINE_FUNCTION Scalar operator()(int r, int s) const { return bar(r, s); }
};

/// h_bar *= a'(y), which y holds.
template <class Scalar>
struct OfValues {
  ConstMatrix<Scalar> slope;
  Matrix<Scalar> bar;
  KOKKOS_INLINE_FUNCTION Scalar operator()(int r, int s) const { return bar(r, s) *= slope(r, s); }
};

/// y_bar = a'(y) h_bar + a''(y) sum_j y_dot_j h_dot_bar_j and y_dot_bar_j = a'(y) h_dot_bar_j, in place.
/// @tparam known number of tangents, or -1: columns.n_tangents
template <int known, class Scalar>
struct OfTangents {
  ConstMatrix<Scalar> y;
  Matrix<Scalar> bar;
  Columns columns;
  RHOFLUX_FUNCTION Scalar operator()(int r, int s) const {
    const int n = columns.n_samples, last = known < 0 ? columns.n_tangents : known;
    const Silu<Scalar> a = silu(y(r, s));
    Scalar through_slope = 0;
    for (int j = 1; j <= last; ++j) {
      through_slope += y(r, j * n + s) * bar(r, j * n + s);
      bar(r, j * n + s) *= a.slope;
    }
    return bar(r, s) = a.slope * bar(r, s) + a.curvature * through_slope;
  }
};

}  // namespace adjoints

/// Calls the adjoint of each entry, and adds up what it returns where that is wanted.
template <class Scalar, class Adjoint>
void for_each_adjoint(const ExecutionSpace& space, const char* label, const Adjoint& adjoint, int rows, int n,
                      const BiasSums<Scalar>& wanted) {
  if (wanted.sums.extent(0) == 0) return for_each_entry(space, label, rows, n, adjoint);
  const Matrix<Scalar> sums = wanted.sums;
  for_each_block_row(
      space, label, rows, n, wanted.samples_per_block, KOKKOS_LAMBDA(int r, int block, Range samples) {
        Scalar sum = 0;
        for (int s = samples.begin; s < samples.end; ++s) sum += adjoint(r, s);
        sums(block, r) = sum;
      });
}

/// bias_bar_r += sum_s y_bar(r, s).
template <class Scalar>
void bias_adjoint(const ExecutionSpace& space, const ConstMatrix<Scalar>& y_bar,
                  const Vector<Scalar>& bias_bar, int n) {
  const ConstMatrix<Scalar> bar = y_bar;
  const Vector<Scalar> sum = bias_bar;
  for_each_entry_by_row(
      space, "bias adjoint", static_cast<int>(sum.extent(0)), n,
      KOKKOS_LAMBDA(int r, int s) { sum(r) += bar(r, s); });
}

template <class Scalar>
void activate(const ExecutionSpace& space, const Layer<Scalar>& layer, int rows) {
  if (layer.columns.n_tangents == 0) return activate_values(space, layer, rows);
  with_tangents(layer.columns.n_tangents,
                [&](auto known) { activate_with_tangents<decltype(known)::value>(space, layer, rows); });
}

/// Turns the adjoint of h of a hidden layer into that of y, in place.
/// @param evaluated the columns that were evaluated, of which columns `covered` are followed
template <class Scalar>
void activation_adjoint(const ExecutionSpace& space, const ConstMatrix<Scalar>& y, const Matrix<Scalar>& bar,
                        int rows, Columns evaluated, Columns covered, const BiasSums<Scalar>& sums = {}) {
  if (evaluated.n_tangents == 0)
    return for_each_adjoint(space, "activation adjoint", adjoints::OfValues<Scalar>{y, bar}, rows,
                            covered.n_samples, sums);
  with_tangents(covered.n_tangents, [&](auto known) {
    using OfTangents = adjoints::OfTangents<decltype(known)::value, Scalar>;
    for_each_adjoint(space, "activation and tangents adjoint", OfTangents{y, bar, covered}, rows,
                     covered.n_samples, sums);
  });
}

}  // namespace rhoflux::network
