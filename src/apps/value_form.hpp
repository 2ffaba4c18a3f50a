#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/metrics/statistics.hpp"

/// What the values of options and arguments may be: one check, and one text, for each form.
namespace rhoflux::apps {

/// A fixed value and what it stands for (empty: the option's explanation says it).
struct NamedValue {
  std::string text, explanation;
};

struct ValueForm {
  enum class Completion { nothing, file_names };

  std::string name;                 ///< stands for the value in usage texts, e.g. "N"; empty: there is none
  std::string allowed;              ///< in words, e.g. "1 or more"; empty: any text, or one of the choices
  std::vector<NamedValue> choices;  ///< the fixed values that are accepted
  Completion completion = Completion::nothing;  ///< what else a shell may offer
  /// Throws Error (bad input) with the reason alone.
  std::function<void(const std::string&)> check = [](const std::string&) {};
};

/// The form of an option that takes no value.
inline ValueForm no_value() {
  return {};
}

ValueForm any_text(const std::string& name);
ValueForm file_name();

/// A whole number from `least` to `most`, divisible by `multiple`, written out in digits.
ValueForm whole_number(std::int64_t least, std::int64_t most = std::numeric_limits<std::int64_t>::max(),
                       std::int64_t multiple = 1);

/// A finite decimal number from `least` to `most`.
/// @param name what stands for it in usage texts, e.g. "T" for a time
ValueForm number(const std::string& name, double least = -std::numeric_limits<double>::infinity(),
                 double most = std::numeric_limits<double>::infinity());

/// Whole numbers from `least` to `most`, separated by commas.
ValueForm whole_numbers(std::int64_t least, std::int64_t most);

/// One time, and times, as Arguments::time() and Arguments::times() read them: what dates and labels stand for, only a
/// checkpoint says.
ValueForm time();
ValueForm times();

/// What parse_intervals() reads.
ValueForm intervals();

/// The volatility g of dX = u dt + g dW: a number, or t:g pairs (see flux::Volatility).
ValueForm volatility();

/// One of the values.
ValueForm choice(std::vector<NamedValue> values);

/// One of the values, or the name of a file.
ValueForm choice_or_file(std::vector<NamedValue> values);

/// One of the texts of an enumeration.
template <class Enum>
ValueForm choice() {
  std::vector<NamedValue> values;
  for (const EnumName<Enum>& entry : EnumText<Enum>::names) values.push_back({entry.text, ""});
  return choice(std::move(values));
}

/// Whole numbers separated by commas. Throws Error (bad input) with the reason alone.
std::vector<std::int64_t> parse_whole_numbers(const std::string& text, std::int64_t least, std::int64_t most);

/// Intervals "low:high" with low < high, separated by commas. Throws Error (bad input) with the reason alone.
std::vector<metrics::Interval> parse_intervals(const std::string& text);

}  // namespace rhoflux::apps
