#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/core/mass.hpp"

namespace rhoflux::flux {

/// Base flux of the autoregressive family. Mixtures of products have one of their own, which keeps the
/// quantiles of each factor: the triangular flux of each product.
enum class Kind { triangular, sigmoid };

/// Divergence-free part added to the base flux.
enum class DivergenceFree { none, density_weighted, antisymmetric };

/// Volatility g(t) of dX = u dt + g dW: constant, or linear between knots and constant beyond them.
struct Volatility {
  std::vector<double> times;           ///< ascending, time units of the data; empty: constant
  std::vector<double> values = {0.0};  ///< units of the data / sqrt(time)

  double at(double t) const;
  /// int g^2 dt from t0 to t1 (t1 >= t0), exact.
  double integral_of_square(double t0, double t1) const;
  bool is_zero() const;
  /// "0.5" or "0:0.5,4:0.1", which parse() reads back to the same bits.
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone: not a number, a negative one, times that do not ascend.
  static Volatility parse(const std::string& text);
  static constexpr const char* type = "number, or time:value pairs separated by commas";
};

/// How the drift follows from the density ([flux] of the deck).
struct Config {
  Kind kind = Kind::triangular;
  DivergenceFree divergence_free = DivergenceFree::none;
  std::vector<int> hidden = {64, 64};  ///< hidden layers of the divergence-free part
  Volatility volatility;               ///< g of the model's drift
  MassKnots mass;                      ///< of a density that grows, at model times tau

  /// Throws Error (bad input) naming the key and what is allowed.
  void validate() const;
};

}  // namespace rhoflux::flux

namespace rhoflux {

template <>
struct EnumText<flux::Kind> {
  static constexpr EnumName<flux::Kind> names[] = {{"triangular", flux::Kind::triangular},
                                                   {"sigmoid", flux::Kind::sigmoid}};
};

template <>
struct EnumText<flux::DivergenceFree> {
  static constexpr EnumName<flux::DivergenceFree> names[] = {
      {"none", flux::DivergenceFree::none},
      {"density_weighted", flux::DivergenceFree::density_weighted},
      {"antisymmetric", flux::DivergenceFree::antisymmetric}};
};

}  // namespace rhoflux
