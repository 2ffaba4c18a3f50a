#pragma once

#include <KokkosBlas3_gemm.hpp>

#include "rhoflux/device/types.hpp"

namespace rhoflux {

enum class Transpose { no, yes };

#if defined(KOKKOS_ENABLE_CUDA)
namespace detail {

/// A matrix of LayoutLeft by its first entry and the distance of its columns.
template <class Scalar>
struct Operand {
  Scalar* data;
  int leading_dimension;
};
struct ProductShape {
  Transpose a, b;
  int m, n, k;
};
/// C = A' B' + beta C by cuBLAS, enqueued on the instance. Throws std::runtime_error where cuBLAS fails.
template <class Scalar>
void cublas_gemm(const ExecutionSpace& space, const ProductShape& shape, MatrixPrecision precision,
                 Operand<const Scalar> a, Operand<const Scalar> b, Scalar beta, Operand<Scalar> c);

template <class View>
int leading_dimension(const View& matrix) {
  return std::max(1, static_cast<int>(matrix.stride(1)));
}

}  // namespace detail
#endif

/// C = A' B' + beta C with A' and B' the matrices or their transposes. The one place that knows how the libraries of
/// products and their versions differ: KokkosKernels on hosts (from version 4 on the product is enqueued on the given
/// instance) and on other devices, cuBLAS itself on NVIDIA's, whose workspace and precision are then ours to set.
/// @param precision of products of floats, where the device has a choice
template <class AView, class BView, class CView>
void gemm(const ExecutionSpace& space, Transpose transpose_a, Transpose transpose_b, const AView& a,
          const BView& b, typename CView::non_const_value_type beta, const CView& c,
          [[maybe_unused]] MatrixPrecision precision = MatrixPrecision::full) {
  using Scalar = typename CView::non_const_value_type;
#if defined(KOKKOS_ENABLE_CUDA)
  const int m = static_cast<int>(c.extent(0)), n = static_cast<int>(c.extent(1));
  const int k = static_cast<int>(a.extent(transpose_a == Transpose::yes ? 0 : 1));
  detail::cublas_gemm<Scalar>(
      space, {transpose_a, transpose_b, m, n, k}, precision, {a.data(), detail::leading_dimension(a)},
      {b.data(), detail::leading_dimension(b)}, beta, {c.data(), detail::leading_dimension(c)});
#else
  const char* mode_a = transpose_a == Transpose::yes ? "T" : "N";
  const char* mode_b = transpose_b == Transpose::yes ? "T" : "N";
#if KOKKOS_VERSION >= 40000
  KokkosBlas::gemm(space, mode_a, mode_b, Scalar(1), a, b, beta, c);
#else
  (void)space;
  KokkosBlas::gemm(mode_a, mode_b, Scalar(1), a, b, beta, c);
#endif
#endif
}

/// The entries of the rows and columns given.
template <class Scalar>
auto block_of(const Matrix<Scalar>& matrix, Range rows, Range columns) {
  return Kokkos::subview(matrix, Kokkos::make_pair(rows.begin, rows.end),
                         Kokkos::make_pair(columns.begin, columns.end));
}
/// Rows [rows.begin, rows.end) of the first n_columns columns.
template <class Scalar>
auto block_of(const Matrix<Scalar>& matrix, Range rows, int n_columns) {
  return block_of(matrix, rows, Range{0, n_columns});
}

}  // namespace rhoflux
