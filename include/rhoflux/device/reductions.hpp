#pragma once

#include "rhoflux/device/lanes.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux {

/// Calls function(index, sums..) for index = 0..count-1, which adds to the sums; they start at zero. On a host the
/// calls are made in order by the calling thread, so that the sums keep their bits and threads may sum at once
/// (Kokkos's own reductions share a buffer of the process).
template <class Space, class Function, class... Sums>
void sum_over(const Space& space, const char* label, int count, const Function& function, Sums&... sums) {
  ((sums = Sums(0)), ...);
  if constexpr (runs_on_host<Space>) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, 1), [&](int) {
      for (int index = 0; index < count; ++index) function(index, sums...);
    });
  } else {
    Kokkos::parallel_reduce(label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, count),
                            function, sums...);
  }
}

/// Where two sums are added up, each times a factor, in the memory of the execution space.
struct PairOfSums {
  Vector<double> sums;  ///< (2)
  double factors[2] = {1, 1};
};

namespace detail {

struct Pair {
  double first, second;
};

/// A reduction of Kokkos whose result is added to what is there.
template <class Function>
struct PairReduction {
  using value_type = Pair;  // NOLINT(readability-identifier-naming): the name that Kokkos asks for
  Function function;
  double* sums;
  double first_factor, second_factor;

  KOKKOS_INLINE_FUNCTION void operator()(int index, Pair& sum) const {
    function(index, sum.first, sum.second);
  }
  KOKKOS_INLINE_FUNCTION void init(Pair& sum) const { sum.first = sum.second = 0; }
  KOKKOS_INLINE_FUNCTION void join(Pair& sum, const Pair& other) const {
    sum.first += other.first;
    sum.second += other.second;
  }
  KOKKOS_INLINE_FUNCTION void final(Pair& sum) const {
    sum.first = sums[0] + first_factor * sum.first;
    sum.second = sums[1] + second_factor * sum.second;
  }
};

}  // namespace detail

/// Calls function(index, first, second) for index = 0..count-1, which adds to the two sums; they start at zero and are
/// added to `to` at the end. Nobody waits for them. On a host as sum_over.
template <class Space, class Function>
void add_sums(const Space& space, const char* label, int count, const Function& function,
              const PairOfSums& to) {
  if (count == 0) return;
  if constexpr (runs_on_host<Space>) {
    double first = 0, second = 0;
    sum_over(space, label, count, function, first, second);
    to.sums(0) += to.factors[0] * first;
    to.sums(1) += to.factors[1] * second;
  } else {
    using Result = Kokkos::View<detail::Pair, MemorySpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
    Kokkos::parallel_reduce(
        label, Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>(space, 0, count),
        detail::PairReduction<Function>{function, to.sums.data(), to.factors[0], to.factors[1]},
        Result(reinterpret_cast<detail::Pair*>(to.sums.data())));
  }
}

/// Adds the sum of each column of `values` to the entry of `to` that `places` names for it.
template <class Scalar>
void add_column_sums(const ExecutionSpace& space, const char* label, const Matrix<Scalar>& values,
                     const Vector<int>& places, const Vector<Scalar>& to) {
  const int n_rows = static_cast<int>(values.extent(0));
  const Matrix<Scalar> v = values;
  const Vector<int> at = places;
  const Vector<Scalar> sums = to;
  for_each_group(
      space, label, static_cast<int>(values.extent(1)), n_rows, KOKKOS_LAMBDA(int column, const Lane& lane) {
        Scalar sum = 0;
        for (int row = lane.index(); row < n_rows; row += lane.count()) sum += v(row, column);
        sum = lane.sum(sum);
        if (lane.is_first()) sums(at(column)) += sum;
      });
}

}  // namespace rhoflux
