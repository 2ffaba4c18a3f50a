#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"

namespace rhoflux::density {

enum class Family { autoregressive, factorised };
enum class MixtureWeights { time_dependent, time_constant };
/// What a change of the mixture weights means (model.md section 10): mass that moves, or mass that appears and vanishes.
enum class Growth { none, weights };

/// The share beta in [0, 1] of a change of the weights that counts as growth; 1 - beta of it moves mass.
struct GrowthShare {
  bool is_learned =
      false;  ///< a function of time and of the coordinates before (autoregressive), or of time (factorised)
  double value = 1.0;  ///< where it is not learned
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static GrowthShare parse(const std::string& text);
  static constexpr const char* type = "number, or learned";
};

constexpr int max_logistics = 64;  ///< the one-sample functions keep that many numbers at hand
constexpr int max_products = 16384;
constexpr int max_members = 256;      ///< of an ensemble
constexpr int max_conditions = 4096;  ///< input rows of the conditions

/// What the density is made of ([model] in the deck).
struct Config {
  Family family = Family::autoregressive;
  int n_members = 1;                               ///< densities of which the model is the mean (ensemble)
  int n_logistics = 16;                            ///< L, logistics in each conditional
  int n_products = 32;                             ///< K, products (family = factorised)
  std::vector<int> hidden = {256, 256, 256, 256};  ///< widths of the hidden layers
  int time_features = 128;                         ///< sines and cosines of time, even
  double time_frequency_min = 0.5;                 ///< radians over the whole time range
  double time_frequency_max = 16.0;                ///< radians over the whole time range
  int coordinate_features = 0;                     ///< sines and cosines of each coordinate, even
  double coordinate_frequency_min = 0.5;           ///< radians per standard deviation
  double coordinate_frequency_max = 8.0;           ///< radians per standard deviation
  MixtureWeights weights = MixtureWeights::time_dependent;
  Growth growth = Growth::none;
  GrowthShare growth_share;  ///< growth = weights
  /// Input rows of the conditions, a number one, a category one for each of its values; 0: none. Follows from the
  /// data, not from a key of [model].
  int n_conditions = 0;

  bool grows() const { return growth != Growth::none; }
  /// What one density of the ensemble is made of.
  Config of_a_member() const {
    Config config = *this;
    config.n_members = 1;
    return config;
  }
  /// Throws Error (bad input) naming the key and what is allowed.
  void validate() const;
};

}  // namespace rhoflux::density

namespace rhoflux {

template <>
struct EnumText<density::Family> {
  static constexpr EnumName<density::Family> names[] = {{"autoregressive", density::Family::autoregressive},
                                                        {"factorised", density::Family::factorised}};
};

template <>
struct EnumText<density::MixtureWeights> {
  static constexpr EnumName<density::MixtureWeights> names[] = {
      {"time_dependent", density::MixtureWeights::time_dependent},
      {"time_constant", density::MixtureWeights::time_constant}};
};

template <>
struct EnumText<density::Growth> {
  static constexpr EnumName<density::Growth> names[] = {{"none", density::Growth::none},
                                                        {"weights", density::Growth::weights}};
};

}  // namespace rhoflux
