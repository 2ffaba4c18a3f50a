#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/core/coordinate_names.hpp"

namespace rhoflux::data {

/// The time range of the model: "data", from the first to the last time of the data file (0 to 1 without
/// one), or "first:last".
struct TimeRange {
  bool is_given = false;
  double first = 0, last = 1;  ///< where given
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static TimeRange parse(const std::string& text);
  static constexpr const char* type = "data, or first:last";
};

/// "none", or times separated by commas.
struct TimeList {
  std::vector<double> values;
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static TimeList parse(const std::string& text);
  static constexpr const char* type = "none, or numbers separated by commas";
};

/// The mass of the population over time: "none", 1 at all times; "counts", that of the training rows of each snapshot;
/// or "time:mass" pairs.
struct Mass {
  enum class Kind { none, counts, given };
  Kind kind = Kind::none;
  std::vector<double> t, m;  ///< where given: ascending times, in the units of the data, and masses above 0
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static Mass parse(const std::string& text);
  static constexpr const char* type = "none, counts, or time:mass pairs separated by commas";
};

/// How coordinates are brought to the scale of the model.
struct Standardise {
  enum class Kind {
    off,        ///< not at all
    deviation,  ///< mean and standard deviation
    robust      ///< median, and interquartile range / 1.349, which few bad rows do not change
  };
  Kind kind = Kind::deviation;
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static Standardise parse(const std::string& text);
  static constexpr const char* type = "true, false or robust";
};

/// [data] in the deck.
struct Config {
  std::string file;             ///< empty: no data, the distributions of the objective alone
  CoordinateNames coordinates;  ///< of the file that the model has, in its order
  Standardise standardise;  ///< train on (x - centre) / scale, per coordinate, of the training split or the
                            ///< given distributions
  TimeRange time_range;
  TimeList hold_out_times;            ///< rows at these times are left out of training and validation
  ConditionNames conditions;          ///< of /condition in the file: density and drift depend on them
  ConditionList hold_out_conditions;  ///< rows of these are left out of training and validation
  Mass mass;                          ///< of a population that grows (model.growth)
  bool hash = true;                   ///< SHA-256 of every input file in the provenance
};

}  // namespace rhoflux::data
