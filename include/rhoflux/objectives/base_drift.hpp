#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/objectives/potential.hpp"

namespace rhoflux::objectives {

/// v(x), from which the control term measures the drift; units of the data / time.
///
/// "zero"; "linear A : b", v = A x + b, with b of D numbers and A a number, D numbers (a diagonal) or D x D
/// row by row; "gradient POTENTIAL", v = -grad V of a potential that is not a table.
struct BaseDrift {
  enum class Kind { zero, linear, gradient };
  Kind kind = Kind::zero;
  std::vector<double> matrix;  ///< (D, D) A
  std::vector<double> offset;  ///< (D) b
  std::size_t n_given = 1;     ///< numbers that gave A: 1, D or D * D
  Potential potential;         ///< V

  /// D; 0 for zero.
  int n_dims() const { return kind == Kind::gradient ? potential.n_dims() : static_cast<int>(offset.size()); }
  /// A text that parse() reads back to the same bits.
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static BaseDrift parse(const std::string& text);
  static constexpr const char* type = "a vector field";
};

}  // namespace rhoflux::objectives

namespace rhoflux {
template <>
struct EnumText<objectives::BaseDrift::Kind> {
  using Kind = objectives::BaseDrift::Kind;
  static constexpr EnumName<Kind> names[] = {
      {"zero", Kind::zero}, {"linear", Kind::linear}, {"gradient", Kind::gradient}};
};
}  // namespace rhoflux
