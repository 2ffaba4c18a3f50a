#pragma once

#include <string>
#include <vector>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/core/coordinate_names.hpp"
#include "rhoflux/core/time_names.hpp"

namespace rhoflux::data {

/// First and last time.
struct TimeEnds {
  double first = 0, last = 1;
};

/// The time range of the model: "data", from the first to the last time of the data file (0 to 1 without
/// one), or "first:last", numbers or names of times of the data.
struct TimeRange {
  bool is_given = false;
  GivenTime first, last;  ///< where given
  std::string to_string() const;
  /// The times, where given. Throws Error (bad input) that names the key for what the data do not know.
  TimeEnds in(const TimeMeaning& meaning) const;
  /// Throws Error (bad input) with the reason alone.
  static TimeRange parse(const std::string& text);
  static constexpr const char* type = "data, or first:last, each a number, a date or a label of the data";
};

/// "none", or times separated by commas: numbers, or names of times of the data.
struct TimeList {
  std::vector<GivenTime> values;
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static TimeList parse(const std::string& text);
  static constexpr const char* type =
      "none, or times separated by commas: numbers, dates or labels of the data";
};

/// The mass of the population over time: "none", 1 at all times; "counts", that of the training rows of each snapshot;
/// or "time:mass" pairs.
struct Mass {
  enum class Kind { none, counts, given };
  Kind kind = Kind::none;
  std::vector<GivenTime> t;  ///< where given: ascending
  std::vector<double> m;     ///< of each, above 0
  std::string to_string() const;
  /// The times, in the units of the data. Throws Error (bad input) with the reason alone: a name that the data do not know,
  /// or times that do not ascend.
  std::vector<double> times(const TimeMeaning& meaning) const;
  /// Throws Error (bad input) with the reason alone.
  static Mass parse(const std::string& text);
  static constexpr const char* type =
      "none, counts, or time:mass pairs separated by commas, each time a number, a date or a label";
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

/// How the training rows are weighed anew for each member of an ensemble, so that their spread is a standard error:
/// "none", not at all; "rows", each row for itself; "label:NAME", all rows of one category of /label/NAME, such as a
/// donor, alike.
struct Bootstrap {
  enum class Kind { none, rows, label };
  Kind kind = Kind::none;
  std::string label;  ///< of Kind::label
  bool is_on() const { return kind != Kind::none; }
  std::string to_string() const;
  /// Throws Error (bad input) with the reason alone.
  static Bootstrap parse(const std::string& text);
  static constexpr const char* type = "none, rows, or label:NAME";
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
  Bootstrap bootstrap;                ///< of the training rows, anew for each member of an ensemble
  bool hash = true;                   ///< SHA-256 of every input file in the provenance
};

}  // namespace rhoflux::data
