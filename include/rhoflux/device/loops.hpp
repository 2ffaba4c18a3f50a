#pragma once

#include <string>

#include "rhoflux/core/math.hpp"
#include "rhoflux/device/types.hpp"

namespace rhoflux {

namespace detail {
/// One column, vectorised over its rows.
template <class Function>
struct ColumnLoop {
  Function function;
  int n_rows;
  KOKKOS_INLINE_FUNCTION void operator()(int column) const {
    RHOFLUX_SIMD
    for (int row = 0; row < n_rows; ++row) function(row, column);
  }
};
/// A block of rows, columns outermost: the order in which a sum over columns runs through memory.
template <class Function>
struct RowBlockLoop {
  Function function;
  int n_rows, n_columns, block;
  KOKKOS_INLINE_FUNCTION void operator()(int item) const {
    const int begin = item * block;
    const int end = begin + block < n_rows ? begin + block : n_rows;
    for (int column = 0; column < n_columns; ++column) {
      RHOFLUX_SIMD
      for (int row = begin; row < end; ++row) function(row, column);
    }
  }
};
}  // namespace detail

/// Calls function(row, column) once for each entry of a (n_rows, n_columns) matrix; calls are independent.
template <class Space, class Function>
void for_each_entry(const Space& space, const char* label, int n_rows, int n_columns,
                    const Function& function) {
  if (n_rows == 0 || n_columns == 0) return;
  if constexpr (runs_on_host<Space>) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, n_columns),
                         detail::ColumnLoop<Function>{function, n_rows});
  } else {
    using Policy = Kokkos::MDRangePolicy<Space, Kokkos::Rank<2>, Kokkos::IndexType<int>>;
    Kokkos::parallel_for(label, Policy(space, {0, 0}, {n_rows, n_columns}), function);
  }
}

/// Calls function(row, column) for each entry with all columns of a row in order and by one thread, so that
/// the function may accumulate into something that belongs to the row.
template <class Space, class Function>
void for_each_entry_by_row(const Space& space, const char* label, int n_rows, int n_columns,
                           const Function& function) {
  if (n_rows == 0 || n_columns == 0) return;
  const int block = runs_on_host<Space> ? 64 : 1;
  const int items = (n_rows + block - 1) / block;
  Kokkos::parallel_for(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, items),
                       detail::RowBlockLoop<Function>{function, n_rows, n_columns, block});
}

/// Calls function(index) for index = 0..count-1; calls are independent.
template <class Space, class Function>
void for_each(const Space& space, const char* label, int count, const Function& function) {
  if (count == 0) return;
  Kokkos::parallel_for(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, count), function);
}

}  // namespace rhoflux
