#pragma once

#include "rhoflux/core/enum_text.hpp"

namespace rhoflux {

/// Arithmetic of training; inference is always in double precision.
enum class Precision { single_precision, double_precision };

/// Of the factors in products of matrices of floats.
enum class MatrixPrecision {
  full,
  tf32,  ///< rounded to 11 significant bits, which the matrix units of some devices multiply faster; sums stay single
};

template <>
struct EnumText<Precision> {
  static constexpr EnumName<Precision> names[] = {{"single", Precision::single_precision},
                                                  {"double", Precision::double_precision}};
};

template <>
struct EnumText<MatrixPrecision> {
  static constexpr EnumName<MatrixPrecision> names[] = {{"full", MatrixPrecision::full},
                                                        {"tf32", MatrixPrecision::tf32}};
};

}  // namespace rhoflux
