#pragma once

#include <string>
#include <vector>

#include "rhoflux/device/backend.hpp"

namespace rhoflux {

/// A vector in the memory of the execution space.
template <class Scalar>
using Vector = Kokkos::View<Scalar*, Kokkos::LayoutLeft, MemorySpace>;

/// A matrix (n_features, n_samples): one column a sample, features contiguous. The same bytes as a C-order
/// (n_samples, n_features) array, so that HDF5 data and matrices share their layout.
template <class Scalar>
using Matrix = Kokkos::View<Scalar**, Kokkos::LayoutLeft, MemorySpace>;

/// Read-only and non-owning forms.
template <class Scalar>
using ConstVector = Kokkos::View<const Scalar*, Kokkos::LayoutLeft, MemorySpace>;
template <class Scalar>
using ConstMatrix = Kokkos::View<const Scalar**, Kokkos::LayoutLeft, MemorySpace>;

template <class Scalar>
using UnmanagedMatrix =
    Kokkos::View<Scalar**, Kokkos::LayoutLeft, MemorySpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

/// One row of a matrix (one feature of all samples), or a vector.
template <class Scalar>
using StridedVector = Kokkos::View<Scalar*, Kokkos::LayoutStride, MemorySpace>;
template <class Scalar>
using ConstStridedVector = Kokkos::View<const Scalar*, Kokkos::LayoutStride, MemorySpace>;

/// Row `row` of a matrix; empty where the matrix is.
template <class MatrixType>
auto row_of(const MatrixType& matrix, int row) {
  using Row = StridedVector<typename MatrixType::value_type>;
  return matrix.extent(0) == 0 ? Row() : Row(Kokkos::subview(matrix, row, Kokkos::ALL));
}

template <class Scalar>
Vector<Scalar> make_vector(const std::string& label, int size) {
  return Vector<Scalar>(label, static_cast<std::size_t>(size));
}
template <class Scalar>
Matrix<Scalar> make_matrix(const std::string& label, int rows, int columns) {
  return Matrix<Scalar>(label, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns));
}

/// A half-open range [begin, end).
struct Range {
  int begin = 0;
  int end = 0;
  KOKKOS_INLINE_FUNCTION int size() const { return end - begin; }
};

/// Some entries of a vector.
template <class Scalar>
Vector<Scalar> entries_of(const Vector<Scalar>& vector, const Range& range) {
  return Kokkos::subview(vector, Kokkos::make_pair(range.begin, range.end));
}

/// Some rows of a matrix.
template <class Scalar>
Matrix<Scalar> rows_of(const Matrix<Scalar>& matrix, Range rows) {
  return Kokkos::subview(matrix, Kokkos::make_pair(rows.begin, rows.end), Kokkos::ALL);
}

/// The same entries without a share in their ownership, which must be held elsewhere. Threads may copy such views of one
/// array at once; the owners of an array are not counted safely where Kokkos was built for one thread alone.
template <class Scalar>
Vector<Scalar> borrowed(const Vector<Scalar>& vector) {
  return Vector<Scalar>(vector.data(), vector.extent(0));
}
template <class Scalar>
Matrix<Scalar> borrowed(const Matrix<Scalar>& matrix) {
  return Matrix<Scalar>(matrix.data(), matrix.extent(0), matrix.extent(1));
}

/// A copy in the memory of the execution space.
template <class To, class From>
Vector<To> on_device(const std::vector<From>& values, const std::string& label) {
  const auto device = make_vector<To>(label, static_cast<int>(values.size()));
  const auto host = Kokkos::create_mirror_view(device);
  for (std::size_t k = 0; k < values.size(); ++k) host(k) = static_cast<To>(values[k]);
  Kokkos::deep_copy(device, host);
  return device;
}

}  // namespace rhoflux
