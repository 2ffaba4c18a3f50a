#include "rhoflux/device/linear_algebra.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "support/device_data.hpp"
#include "support/precisions.hpp"

// Whole numbers below 10 make every product and sum exact in either precision, so results are compared bit
// for bit.

namespace rhoflux {
namespace {

using namespace test;

template <class Scalar>
class Gemm : public testing::Test {};
TYPED_TEST_SUITE(Gemm, Scalars);

template <class Scalar>
Matrix<Scalar> whole_numbers(int rows, int columns, unsigned seed) {
  std::vector<double> values;
  unsigned state = seed;
  for (int k = 0; k < rows * columns; ++k) {
    state = state * 1664525u + 1013904223u;
    values.push_back(static_cast<int>(state >> 24) % 19 - 9);
  }
  return to_matrix<Scalar>(values, rows);
}

struct Shape {
  int m, n, k;
};
const std::vector<Shape> shapes = {{1, 1, 1},   {5, 7, 3},     {1, 33, 17},
                                   {64, 1, 16}, {48, 128, 80}, {130, 65, 257}};

TYPED_TEST(Gemm, MatchesLoopsForEveryTransposition) {
  using Scalar = TypeParam;
  const ExecutionSpace space;
  for (const Shape& shape : shapes)
    for (const Transpose transpose_a : {Transpose::no, Transpose::yes})
      for (const Transpose transpose_b : {Transpose::no, Transpose::yes})
        for (const Scalar beta : {Scalar(0), Scalar(1), Scalar(0.5)}) {
          const bool flip_a = transpose_a == Transpose::yes, flip_b = transpose_b == Transpose::yes;
          const auto a = flip_a ? whole_numbers<Scalar>(shape.k, shape.m, 1)
                                : whole_numbers<Scalar>(shape.m, shape.k, 1);
          const auto b = flip_b ? whole_numbers<Scalar>(shape.n, shape.k, 2)
                                : whole_numbers<Scalar>(shape.k, shape.n, 2);
          const auto c = whole_numbers<Scalar>(shape.m, shape.n, 3);
          const auto before = on_host(c);
          gemm(space, transpose_a, transpose_b, a, b, beta, c);
          space.fence();
          const auto host_a = on_host(a), host_b = on_host(b), host_c = on_host(c);
          for (int i = 0; i < shape.m; ++i)
            for (int j = 0; j < shape.n; ++j) {
              Scalar sum = beta * before(i, j);
              for (int l = 0; l < shape.k; ++l)
                sum += (flip_a ? host_a(l, i) : host_a(i, l)) * (flip_b ? host_b(j, l) : host_b(l, j));
              ASSERT_EQ(host_c(i, j), sum)
                  << shape.m << "x" << shape.n << "x" << shape.k << " at (" << i << ", " << j << ")";
            }
        }
}

TYPED_TEST(Gemm, OnSubBlocksLeavesTheRestAlone) {
  using Scalar = TypeParam;
  const ExecutionSpace space;
  const auto a = whole_numbers<Scalar>(9, 40, 4), b = whole_numbers<Scalar>(50, 30, 5),
             c = whole_numbers<Scalar>(25, 30, 6);
  const auto before = on_host(c);
  const UnmanagedMatrix<Scalar> weights(a.data() + 16, 7, 11);
  gemm(space, Transpose::no, Transpose::no, weights, block_of(b, {20, 31}, 13), Scalar(1),
       block_of(c, {3, 10}, 13));
  space.fence();
  const auto host_a = on_host(a), host_b = on_host(b), host_c = on_host(c);
  for (int i = 0; i < 25; ++i)
    for (int j = 0; j < 30; ++j) {
      Scalar want = before(i, j);
      if (i >= 3 && i < 10 && j < 13)
        for (int l = 0; l < 11; ++l) want += host_a.data()[16 + l * 7 + i - 3] * host_b(20 + l, j);
      ASSERT_EQ(host_c(i, j), want) << "at (" << i << ", " << j << ")";
    }
}

/// Workspaces are not cleared: what an earlier step left in C, NaN included, must not survive beta = 0.
TYPED_TEST(Gemm, BetaZeroOverwritesNaN) {
  using Scalar = TypeParam;
  const ExecutionSpace space;
  for (const Shape& shape : shapes) {
    const auto a = whole_numbers<Scalar>(shape.m, shape.k, 7), b = whole_numbers<Scalar>(shape.k, shape.n, 8),
               c = make_matrix<Scalar>("c", shape.m, shape.n);
    Kokkos::deep_copy(c, std::numeric_limits<Scalar>::quiet_NaN());
    gemm(space, Transpose::no, Transpose::no, a, b, Scalar(0), c);
    space.fence();
    const auto host_c = on_host(c);
    for (int i = 0; i < shape.m; ++i)
      for (int j = 0; j < shape.n; ++j) ASSERT_EQ(host_c(i, j), host_c(i, j));
  }
}

TEST(BlockOf, IsAViewOfTheRowsAndFirstColumns) {
  const auto matrix = whole_numbers<double>(12, 8, 9);
  const auto block = block_of(matrix, {4, 9}, 3);
  EXPECT_EQ(block.extent(0), 5u);
  EXPECT_EQ(block.extent(1), 3u);
  EXPECT_EQ(block.data(), matrix.data() + 4);
  EXPECT_EQ(block.stride(1), matrix.stride(1));
}

}  // namespace
}  // namespace rhoflux
