#pragma once

#include <KokkosBlas3_gemm.hpp>
#include <algorithm>
#include <cstdint>

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

/// Several products of one shape, the operands of each a given distance behind those of the one before.
struct Batch {
  int count;
  std::int64_t a, b, c;
};
template <class Scalar>
void cublas_gemm_batch(const ExecutionSpace& space, const ProductShape& shape, const Batch& batch,
                       MatrixPrecision precision, Operand<const Scalar> a, Operand<const Scalar> b,
                       Operand<Scalar> c);

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

/// Slices of columns, which an accelerator multiplies side by side: the only way to keep it busy with a product whose
/// result is small and whose sums are long.
struct Slices {
  int count = 1;
  int length = 0;  ///< columns of each; what is left over belongs to the first
};

/// Slices of n columns, at most `most`.
inline Slices slices_of(int n, int most) {
  constexpr int shortest = 512;
  const int count = std::max(1, std::min(most, n / shortest));
  return {count, n / count};
}

/// C_k = A_k B_k^T with the slices of A and B; the results lie `distance` entries apart, the first at c.
template <class AView, class BView, class CView>
void multiply_slices(const ExecutionSpace& space, const AView& a, const BView& b, const Slices& slices,
                     const CView& c, std::int64_t distance, MatrixPrecision precision) {
  using Scalar = typename CView::non_const_value_type;
  const int n = static_cast<int>(a.extent(1));
  const auto part = [](const auto& matrix, int begin, int end) {
    return Kokkos::subview(matrix, Kokkos::ALL, Kokkos::make_pair(begin, end));
  };
#if defined(KOKKOS_ENABLE_CUDA)
  const int lda = detail::leading_dimension(a), ldb = detail::leading_dimension(b);
  const std::int64_t length = slices.length;
  detail::cublas_gemm_batch<Scalar>(space,
                                    {Transpose::no, Transpose::yes, static_cast<int>(c.extent(0)),
                                     static_cast<int>(c.extent(1)), slices.length},
                                    {slices.count, length * lda, length * ldb, distance}, precision,
                                    {a.data(), lda}, {b.data(), ldb},
                                    {c.data(), detail::leading_dimension(c)});
#else
  for (int k = 0; k < slices.count; ++k) {
    const UnmanagedMatrix<Scalar> whole(c.data() + k * distance, c.stride(1), c.extent(1));
    const auto result = Kokkos::subview(whole, Kokkos::make_pair(std::size_t{0}, c.extent(0)), Kokkos::ALL);
    const int begin = k * slices.length, end = begin + slices.length;
    gemm(space, Transpose::no, Transpose::yes, part(a, begin, end), part(b, begin, end), Scalar(0), result,
         precision);
  }
#endif
  const int done = slices.count * slices.length;
  if (done < n)
    gemm(space, Transpose::no, Transpose::yes, part(a, done, n), part(b, done, n), Scalar(1), c, precision);
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
