#pragma once

#include <limits>
#include <string>

#include "rhoflux/core/error.hpp"
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
/// Some columns of one row, neighbouring rows beside each other in memory: the place is computed once for all of them.
template <class Function>
struct EntryLoop {
  Function function;
  int n_rows, n_columns;
  KOKKOS_INLINE_FUNCTION void operator()(int item) const {
    const int row = item % n_rows, begin = item / n_rows * columns_of_entry_loop;
    RHOFLUX_UNROLL
    for (int k = 0; k < columns_of_entry_loop; ++k)
      if (begin + k < n_columns) function(row, begin + k);
  }
};
/// A row of one block of columns.
template <class Function>
struct RowOfBlock {
  Function function;
  int n_rows, n_columns, block_length;
  KOKKOS_INLINE_FUNCTION void operator()(int item) const {
    const int block = item / n_rows, begin = block * block_length;
    const int end = begin + block_length < n_columns ? begin + block_length : n_columns;
    function(item % n_rows, block, Range{begin, end});
  }
};

/// Work items whose functor travels with the launch: without the hint Kokkos copies a large one to a buffer, which waits
/// for the kernel that used it before.
template <class Space>
auto light_range(const Space& space, int count) {
  return Kokkos::Experimental::require(Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, count),
                                       Kokkos::Experimental::WorkItemProperty::HintLightWeight);
}
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
    const int n_items = (n_columns + columns_of_entry_loop - 1) / columns_of_entry_loop;
    if (n_items > std::numeric_limits<int>::max() / n_rows)
      fail_input("a matrix of " + std::to_string(n_rows) + " x " + std::to_string(n_columns) +
                 " entries is too large for one pass; take smaller batches");
    Kokkos::parallel_for(label, detail::light_range(space, n_rows * n_items),
                         detail::EntryLoop<Function>{function, n_rows, n_columns});
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
  Kokkos::parallel_for(label, detail::light_range(space, count), function);
}

/// Calls function(row, block, columns) for each row and each block of block_length columns; calls are independent.
template <class Space, class Function>
void for_each_block_row(const Space& space, const char* label, int n_rows, int n_columns, int block_length,
                        const Function& function) {
  if (n_rows == 0 || n_columns == 0) return;
  const int n_blocks = (n_columns + block_length - 1) / block_length;
  Kokkos::parallel_for(label, detail::light_range(space, n_rows * n_blocks),
                       detail::RowOfBlock<Function>{function, n_rows, n_columns, block_length});
}

}  // namespace rhoflux
