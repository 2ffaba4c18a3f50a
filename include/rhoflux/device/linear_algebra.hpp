#pragma once

#include <KokkosBlas3_gemm.hpp>

#include "rhoflux/device/types.hpp"

namespace rhoflux {

enum class Transpose { no, yes };

/// C = A' B' + beta C with A' and B' the matrices or their transposes. The one place that knows how the
/// versions of KokkosKernels differ: from version 4 on, the product is enqueued on the given instance.
template <class AView, class BView, class CView>
void gemm(const ExecutionSpace& space, Transpose transpose_a, Transpose transpose_b, const AView& a,
          const BView& b, typename CView::non_const_value_type beta, const CView& c) {
  using Scalar = typename CView::non_const_value_type;
  const char* mode_a = transpose_a == Transpose::yes ? "T" : "N";
  const char* mode_b = transpose_b == Transpose::yes ? "T" : "N";
#if KOKKOS_VERSION >= 40000
  KokkosBlas::gemm(space, mode_a, mode_b, Scalar(1), a, b, beta, c);
#else
  (void)space;
  KokkosBlas::gemm(mode_a, mode_b, Scalar(1), a, b, beta, c);
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
