#pragma once

#include "rhoflux/core/enum_text.hpp"

namespace rhoflux {

/// Arithmetic of training; inference is always in double precision.
enum class Precision { single_precision, double_precision };

template <>
struct EnumText<Precision> {
  static constexpr EnumName<Precision> names[] = {{"single", Precision::single_precision},
                                                  {"double", Precision::double_precision}};
};

}  // namespace rhoflux
