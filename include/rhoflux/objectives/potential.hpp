#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"

namespace rhoflux::objectives {

/// A potential phi(x), x in the units of the data: a sum of parts of one kind.
///
/// | kind | text of a part | value |
/// |---|---|---|
/// | circles | c : R | softplus(R^2 - |x - c|^2), [HVC] 35 |
/// | quadrics | c : a : r | softplus(r - sum_i a_i (x_i - c_i)^2) |
/// | balls | c : R : k | softplus(k (R - |x - c|)) |
/// | quadratic | c : a | sum_i a_i (x_i - c_i)^2 / 2 |
/// | double_well | c : w : a | sum_i a_i ((x_i - c_i)^2 - w_i^2)^2 / 4 |
///
/// c, a and w are lists of D numbers, R, r and k single ones. Written "kind part; part; ...". Or "table
/// PATH": values on a grid in an HDF5 file, multilinear in between and constant beyond its edges.
struct Potential {
  enum class Kind { none, circles, quadrics, balls, quadratic, double_well, table };
  struct Part {
    std::vector<double> centre;  ///< (D) c
    std::vector<double> slope;   ///< (D) a; empty: the kind has none
    std::vector<double> wells;   ///< (D) w; empty: the kind has none
    double level = 0;            ///< R or r
    double sharpness = 0;        ///< k
  };
  /// Of a table: ascending coordinates of the nodes, axis by axis, and values in C order.
  struct Grid {
    std::vector<std::vector<double>> axes;
    std::vector<double> values;
  };
  Kind kind = Kind::none;
  std::vector<Part> parts;
  std::string path;  ///< of a table
  Grid grid;         ///< of a table once it has been read

  bool is_given() const { return kind != Kind::none; }
  /// True for the kinds that are high inside something and fall off outside: circles, quadrics, balls.
  bool is_obstacle() const { return kind == Kind::circles || kind == Kind::quadrics || kind == Kind::balls; }
  /// True inside an obstacle, where the argument of a softplus is positive; false for the other kinds.
  /// @param x (D)
  bool is_inside(const double* x) const;
  /// D; 0 where there is no potential or a table that has not been read.
  int n_dims() const {
    return static_cast<int>(kind == Kind::table ? grid.axes.size()
                                                : (parts.empty() ? 0 : parts.front().centre.size()));
  }
  /// A text that parse() reads back to the same bits; "none" where there is none.
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static Potential parse(const std::string& text);
  static constexpr const char* type = "a potential, its parts separated by semicolons";
};

}  // namespace rhoflux::objectives

namespace rhoflux {
template <>
struct EnumText<objectives::Potential::Kind> {
  using Kind = objectives::Potential::Kind;
  static constexpr EnumName<Kind> names[] = {
      {"none", Kind::none},   {"circles", Kind::circles},     {"quadrics", Kind::quadrics},
      {"balls", Kind::balls}, {"quadratic", Kind::quadratic}, {"double_well", Kind::double_well},
      {"table", Kind::table}};
};
}  // namespace rhoflux
