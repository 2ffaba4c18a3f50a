#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"

namespace rhoflux::objectives {

/// A distribution that is given at one end of the time range, x in the units of the data: a mixture of
/// Gaussians or the training rows of a population file.
///
/// Written "gaussian m : V : w; ...": m is a list of D numbers; V a variance, D variances, or a covariance of
/// D x D numbers row by row; w the part's share, 1 if left out, and shares are divided by their sum. Or "file
/// PATH". Or "none".
struct EndpointDistribution {
  enum class Kind { none, gaussians, file };
  struct Part {
    std::vector<double> mean;        ///< (D)
    std::vector<double> covariance;  ///< (D, D)
    std::vector<double> root;        ///< (D, D) lower triangular, root root^T = covariance
    double weight = 1;
    std::size_t n_given = 1;  ///< numbers that gave the covariance: 1, D or D * D
  };
  Kind kind = Kind::none;
  std::vector<Part> parts;
  std::string path;

  bool is_given() const { return kind != Kind::none; }
  /// D, or 0 where a file knows it.
  int n_dims() const { return parts.empty() ? 0 : static_cast<int>(parts.front().mean.size()); }
  /// E x (D) and the variance of each coordinate (D), of Gaussians.
  std::vector<double> mean() const;
  std::vector<double> variance() const;
  /// A text that parse() reads back to the same bits.
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static EndpointDistribution parse(const std::string& text);
  static constexpr const char* type = "an endpoint distribution, its parts separated by semicolons";
};

}  // namespace rhoflux::objectives

namespace rhoflux {
template <>
struct EnumText<objectives::EndpointDistribution::Kind> {
  using Kind = objectives::EndpointDistribution::Kind;
  static constexpr EnumName<Kind> names[] = {
      {"none", Kind::none}, {"gaussian", Kind::gaussians}, {"file", Kind::file}};
};
}  // namespace rhoflux
