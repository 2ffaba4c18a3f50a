#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rhoflux/core/text.hpp"
#include "rhoflux/core/times.hpp"

/// Conditions: covariates of a sample that do not move, such as a dose or a drug, on which density and drift depend.
/// A condition is a number, or one of several categories, which counts as its place among them (from 0).
namespace rhoflux {

/// One value, as a text: dose = 0.5, or drug = A.
struct ConditionText {
  std::string name, value;
};

/// "dose=0.5,drug=A", one value a name. Throws Error (bad input) with the reason alone.
inline std::vector<ConditionText> parse_condition(const std::string& text) {
  std::vector<ConditionText> values;
  for (const std::string& piece : split(text, ',')) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string::npos)
      fail_input("'" + std::string(trimmed(piece)) + "' must be name=value, e.g. dose=0.5");
    ConditionText value = {std::string(trimmed(piece.substr(0, equals))),
                           std::string(trimmed(piece.substr(equals + 1)))};
    if (value.name.empty() || value.value.empty())
      fail_input("'" + std::string(trimmed(piece)) + "' must be name=value, e.g. dose=0.5");
    for (const ConditionText& other : values)
      if (other.name == value.name) fail_input("'" + value.name + "' is there twice");
    values.push_back(std::move(value));
  }
  return values;
}

/// "none", or names separated by commas.
struct ConditionNames {
  std::vector<std::string> names;

  std::string to_string() const { return names.empty() ? "none" : joined(names, ","); }
  /// Throws Error (bad input) with the reason alone.
  static ConditionNames parse(const std::string& text) {
    return {text == "none" ? std::vector<std::string>() : parse_names(text)};
  }
  static constexpr const char* type = "none, or names separated by commas";
};

/// "none", or conditions separated by semicolons, "dose=2; dose=1,drug=A": the rows that have all values of one of them.
struct ConditionList {
  std::vector<std::vector<ConditionText>> conditions;

  std::string to_string() const {
    std::vector<std::string> texts;
    for (const std::vector<ConditionText>& condition : conditions) {
      texts.emplace_back();
      for (const ConditionText& value : condition)
        texts.back() += (texts.back().empty() ? "" : ",") + value.name + "=" + value.value;
    }
    return texts.empty() ? "none" : joined(texts, "; ");
  }
  /// Throws Error (bad input) with the reason alone.
  static ConditionList parse(const std::string& text) {
    ConditionList list;
    if (text == "none") return list;
    for (const std::string& piece : split(text, ';')) list.conditions.push_back(parse_condition(piece));
    return list;
  }
  static constexpr const char* type = "none, or name=value[,name=value] separated by semicolons";
};

/// "data", or values of every condition, "dose:0,1,2; drug:A": all combinations of them.
struct ConditionGrid {
  struct Values {
    std::string name;
    std::vector<std::string> texts;
  };
  std::vector<Values> values;  ///< empty: those of the data

  std::string to_string() const {
    std::vector<std::string> texts;
    for (const Values& one : values) texts.push_back(one.name + ":" + joined(one.texts, ","));
    return texts.empty() ? "data" : joined(texts, "; ");
  }
  /// Throws Error (bad input) with the reason alone.
  static ConditionGrid parse(const std::string& text) {
    ConditionGrid grid;
    if (text == "data") return grid;
    for (const std::string& piece : split(text, ';')) {
      const std::size_t colon = piece.find(':');
      if (colon == std::string::npos)
        fail_input("'" + std::string(trimmed(piece)) + "' must be name:values, e.g. dose:0,1,2");
      Values one = {std::string(trimmed(piece.substr(0, colon))), {}};
      for (const Values& other : grid.values)
        if (other.name == one.name) fail_input("'" + one.name + "' is there twice");
      for (const std::string& value : split(piece.substr(colon + 1), ',')) {
        one.texts.emplace_back(trimmed(value));
        if (one.texts.back().empty()) fail_input("'" + one.name + "': a value is missing");
      }
      grid.values.push_back(std::move(one));
    }
    return grid;
  }
  static constexpr const char* type = "data, or name:value[,value..] separated by semicolons";
};

/// What a model knows of one condition.
struct ConditionVariable {
  std::string name;
  std::vector<std::string> categories;  ///< of a category, in the order of its input rows; empty: a number
  double mean = 0,
         scale = 1;  ///< of a number: mean and deviation of the training rows; a constant has scale 1
  double least = std::numeric_limits<double>::infinity(),
         most = -least;  ///< of a number: range of the training rows

  bool is_category() const { return !categories.empty(); }
  /// Input rows of the networks.
  int n_rows() const { return is_category() ? static_cast<int>(categories.size()) : 1; }
  /// The number that a text stands for. Throws Error (bad input) with the reason and what is allowed.
  double value_of(const std::string& text) const {
    if (!is_category()) {
      const NumberRead read = read_number(text);
      if (read.fault != nullptr)
        fail_input(name + " = '" + text + "' is " + read.fault + "; allowed: " + allowed());
      return read.value;
    }
    const auto found = std::find(categories.begin(), categories.end(), text);
    if (found == categories.end()) fail_input(name + " = '" + text + "': allowed: " + allowed());
    return static_cast<double>(found - categories.begin());
  }
  /// The place of a category among those known; NaN: it is none of them.
  double place_of(const std::string& category) const {
    const auto found = std::find(categories.begin(), categories.end(), category);
    return found == categories.end() ? std::numeric_limits<double>::quiet_NaN()
                                     : static_cast<double>(found - categories.begin());
  }
  std::string text_of(double value) const {
    return is_category() ? categories[static_cast<std::size_t>(value)] : formatted("%.9g", value);
  }
  std::string allowed() const {
    if (is_category()) return joined(categories, " | ");
    if (!(least <= most)) return "a number";
    return "a number, trained on " + formatted("%.6g", least) + " to " + formatted("%.6g", most);
  }
};

/// Some conditions (n, n_variables) in C order and their weights (n).
struct WeightedConditions {
  std::vector<double> conditions, weights;
};

/// The conditions of a model: how they become inputs of the networks, and which ones it was trained on. A condition is
/// n_variables() numbers, in the order of `variables`.
struct ConditionEncoding {
  std::vector<ConditionVariable> variables;
  /// The conditions of the training rows, (n_choices, n_variables) in C order, and their weights (n_choices): each
  /// different one where there are few, else some that stand for the rows.
  std::vector<double> choices, weights;

  bool is_empty() const { return variables.empty(); }
  std::size_t n_variables() const { return variables.size(); }
  std::size_t n_choices() const { return weights.size(); }
  const double* choice(std::size_t k) const { return &choices[k * n_variables()]; }
  /// Input rows of the networks: one for a number, one for each category.
  int n_rows() const {
    int rows = 0;
    for (const ConditionVariable& variable : variables) rows += variable.n_rows();
    return rows;
  }
  /// Model units of one condition: (value - mean) / scale of a number, 0 or 1 for each category.
  /// @param set called with row and number
  template <class Set>
  void encode(const double* condition, const Set& set) const {
    int row = 0;
    for (std::size_t v = 0; v < variables.size(); ++v) {
      const ConditionVariable& variable = variables[v];
      if (!variable.is_category()) {
        set(row++, (condition[v] - variable.mean) / variable.scale);
        continue;
      }
      for (std::size_t k = 0; k < variable.categories.size(); ++k)
        set(row++, static_cast<std::size_t>(condition[v]) == k ? 1.0 : 0.0);
    }
  }
  /// Model units of conditions (n, n_variables), (n, n_rows) in C order.
  std::vector<double> encoded(const std::vector<double>& conditions) const {
    std::vector<double> result;
    for (std::size_t first = 0; first < conditions.size(); first += n_variables())
      encode(&conditions[first], [&](int, double number) { result.push_back(number); });
    return result;
  }
  /// "dose (a number, trained on 0 to 3), drug (A | B)".
  std::string allowed() const {
    std::vector<std::string> texts;
    for (const ConditionVariable& variable : variables)
      texts.push_back(variable.name + " (" + variable.allowed() + ")");
    return joined(texts);
  }
  /// "dose=0.5,drug=A".
  std::string text_of(const double* condition) const {
    std::vector<std::string> texts;
    for (std::size_t v = 0; v < variables.size(); ++v)
      texts.push_back(variables[v].name + "=" + variables[v].text_of(condition[v]));
    return joined(texts, ",");
  }
  /// The grid that has one condition.
  ConditionGrid grid_of(const double* condition) const {
    ConditionGrid grid;
    for (std::size_t v = 0; v < variables.size(); ++v)
      grid.values.push_back(
          {variables[v].name,
           {variables[v].is_category() ? variables[v].text_of(condition[v]) : print_number(condition[v])}});
    return grid;
  }
  /// The condition of some values, all of them there. Throws Error (bad input) that says what is wrong and allowed.
  std::vector<double> condition_of(const std::vector<ConditionText>& values) const {
    std::vector<double> condition;
    for (const ConditionText& value : values)
      if (!find(value.name))
        fail_input("there is no condition '" + value.name + "'; the model has " + allowed());
    for (const ConditionVariable& variable : variables) {
      const auto found = std::find_if(values.begin(), values.end(), [&](const ConditionText& value) {
        return value.name == variable.name;
      });
      if (found == values.end())
        fail_input("the value of '" + variable.name + "' is missing; the model has " + allowed());
      condition.push_back(variable.value_of(found->value));
    }
    return condition;
  }
  /// Why a condition is outside of those that the model was trained on; empty: it is not.
  std::string outside(const double* condition) const {
    for (std::size_t v = 0; v < variables.size(); ++v) {
      const ConditionVariable& variable = variables[v];
      const double value = condition[v];
      const bool is_in_range = (value >= variable.least || same_time(value, variable.least)) &&
                               (value <= variable.most || same_time(value, variable.most));
      if (!variable.is_category() && !is_in_range)
        return variable.name + " = " + variable.text_of(value) + " is outside of the training rows, " +
               formatted("%.6g", variable.least) + " to " + formatted("%.6g", variable.most);
      if (!variable.is_category()) continue;
      bool is_trained = false;
      for (std::size_t k = 0; k < n_choices(); ++k) is_trained = is_trained || choice(k)[v] == value;
      if (!is_trained) return variable.name + " = " + variable.text_of(value) + " is in no training row";
    }
    return "";
  }
  std::optional<std::size_t> find(const std::string& name) const {
    for (std::size_t v = 0; v < variables.size(); ++v)
      if (variables[v].name == name) return v;
    return std::nullopt;
  }
  /// The combinations of a grid, each with weight 1, or the choices of the training rows where it has no values.
  /// Throws as combinations().
  WeightedConditions weighted(const ConditionGrid& grid) const {
    if (grid.values.empty()) return {choices, weights};
    std::vector<double> all = combinations(grid);
    const std::size_t n = all.size() / n_variables();
    return {std::move(all), std::vector<double>(n, 1.0)};
  }
  /// The combinations of a grid, (n, n_variables). Throws Error (bad input) that says what is wrong and allowed.
  std::vector<double> combinations(const ConditionGrid& grid) const {
    for (const ConditionGrid::Values& values : grid.values)
      if (!find(values.name))
        fail_input("there is no condition '" + values.name + "'; the data have " + allowed());
    std::vector<double> result;
    std::size_t count = 1;
    std::vector<std::vector<double>> values_of;
    for (const ConditionVariable& variable : variables) {
      values_of.emplace_back();
      for (const ConditionGrid::Values& values : grid.values)
        if (values.name == variable.name)
          for (const std::string& text : values.texts) values_of.back().push_back(variable.value_of(text));
      if (values_of.back().empty())
        fail_input("the values of '" + variable.name + "' are missing; the data have " + allowed());
      count *= values_of.back().size();
    }
    for (std::size_t k = 0; k < count; ++k) {
      std::size_t rest = k;
      for (const std::vector<double>& values : values_of) {
        result.push_back(values[rest % values.size()]);
        rest /= values.size();
      }
    }
    return result;
  }
};

}  // namespace rhoflux
