#pragma once

#include <string>

#include "rhoflux/core/enum_text.hpp"

namespace rhoflux::objectives {

/// What the congestion term averages: the density where a sample is, E rho, or a kernel of two independent
/// samples of the same time, E K(x - y).
///
/// | text | K(d), d in the units of the data |
/// |---|---|
/// | density | the delta function, so that E K = E rho |
/// | inverse_quadratic l | 1 / (1 + |d|^2 / l^2) |
/// | gaussian l | exp(-|d|^2 / (2 l^2)) |
struct PairKernel {
  enum class Kind { density, inverse_quadratic, gaussian };
  Kind kind = Kind::density;
  double length = 1;  ///< l

  bool is_pairwise() const { return kind != Kind::density; }
  /// A text that parse() reads back to the same bits.
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static PairKernel parse(const std::string& text);
  static constexpr const char* type = "density, or inverse_quadratic or gaussian and a length";
};

}  // namespace rhoflux::objectives

namespace rhoflux {
template <>
struct EnumText<objectives::PairKernel::Kind> {
  using Kind = objectives::PairKernel::Kind;
  static constexpr EnumName<Kind> names[] = {{"density", Kind::density},
                                             {"inverse_quadratic", Kind::inverse_quadratic},
                                             {"gaussian", Kind::gaussian}};
};
}  // namespace rhoflux
