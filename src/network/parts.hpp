#pragma once

#include "rhoflux/device/types.hpp"

/// Parts of the parameters and of weights, as views.
namespace rhoflux::network {

/// The (rows, columns) matrix at an offset of a parameter vector, of constants or not.
template <class VectorType>
auto weight_view(const VectorType& parameters, int offset, int rows, int columns) {
  return UnmanagedMatrix<typename VectorType::value_type>(
      parameters.data() + offset, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns));
}

/// Part [begin, end) of a vector.
template <class VectorType>
VectorType part_of(const VectorType& vector, int begin, int end) {
  return Kokkos::subview(vector, Kokkos::make_pair(begin, end));
}

/// The entries of the rows and columns given.
template <class Scalar>
UnmanagedMatrix<Scalar> part_of(const UnmanagedMatrix<Scalar>& matrix, Range rows, Range columns) {
  return Kokkos::subview(matrix, Kokkos::make_pair(rows.begin, rows.end),
                         Kokkos::make_pair(columns.begin, columns.end));
}

}  // namespace rhoflux::network
