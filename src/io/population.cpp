#include "rhoflux/io/population.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "population_format.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/population_builder.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::io {

std::string to_string(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::val:
      return "val";
    case Split::test:
      return "test";
    case Split::all:
      break;
  }
  return "all";
}

Split parse_split(const std::string& name) {
  for (const Split split : {Split::all, Split::train, Split::val, Split::test}) {
    if (name == to_string(split)) return split;
  }
  fail_input("unknown split '" + name + "'; allowed are train, val, test and all");
}

namespace {

/// The columns beside time, coordinates, weight and split.
void validate_columns(const PopulationData& data, const std::string& path) {
  const std::int64_t n = data.n_rows();
  const auto require_length = [&](const std::string& name, std::size_t found) {
    if (static_cast<std::int64_t>(found) != n) fail_input(path + ": " + name + " and t differ in length");
  };
  if (!data.growth.empty()) require_length("growth", data.growth.size());
  if (!data.id.empty()) require_length("id", data.id.size());
  if (!data.source_row.empty()) require_length("source_row", data.source_row.size());
  for (std::size_t i = 0; i < data.growth.size(); ++i)
    if (!std::isfinite(data.growth[i]))
      fail_input(path + ": growth is not finite in " + row_text(static_cast<std::int64_t>(i)));
  const auto is_code = [](double value, const std::vector<std::string>& categories) {
    return value >= 0 && value < static_cast<double>(categories.size()) && std::floor(value) == value;
  };
  for (const LabelColumn& label : data.labels) {
    require_length("label " + label.name, label.code.size());
    require_different(path + ": label " + label.name, label.categories);
    for (std::size_t i = 0; i < label.code.size(); ++i)
      if (!is_code(label.code[i], label.categories))
        fail_input(path + ": label " + label.name + " is no category in " +
                   row_text(static_cast<std::int64_t>(i)));
  }
  for (const ConditionColumn& condition : data.conditions) {
    require_length("condition " + condition.name, condition.value.size());
    require_different(path + ": condition " + condition.name, condition.categories);
    for (std::size_t i = 0; i < condition.value.size(); ++i) {
      const double value = condition.value[i];
      if (condition.categories.empty() ? !std::isfinite(value) : !is_code(value, condition.categories))
        fail_input(path + ": condition " + condition.name + " is " +
                   (condition.categories.empty() ? "not finite" : "no category") + " in " +
                   row_text(static_cast<std::int64_t>(i)));
    }
  }
}

void validate(const PopulationData& data, const std::string& path) {
  const std::int64_t n = data.n_rows();
  const auto size_of = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
  if (n < 1) fail_input(path + ": a population needs at least one row");
  if (data.n_dims < 1) fail_input(path + ": a population needs at least one coordinate");
  if (size_of(data.x) != n * data.n_dims) {
    fail_input(path + ": x has " + std::to_string(data.x.size()) + " values for " + counted(n, "row") +
               " of " + counted(data.n_dims, "coordinate"));
  }
  if (!data.weight.empty() && size_of(data.weight) != n) fail_input(path + ": weight and t differ in length");
  if (!data.split.empty() && size_of(data.split) != n) fail_input(path + ": split and t differ in length");
  if (!data.dim_names.empty() && size_of(data.dim_names) != data.n_dims) {
    fail_input(path + ": " + counted(data.dim_names.size(), "name") + " for " +
               counted(data.n_dims, "coordinate"));
  }
  validate_columns(data, path);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    const double* x = data.x.data() + i * data.n_dims;
    if (!std::isfinite(data.t[row])) fail_input(path + ": t is not finite in " + row_text(i));
    if (!std::all_of(x, x + data.n_dims, [](double v) { return std::isfinite(v); })) {
      fail_input(path + ": x is not finite in " + row_text(i));
    }
    if (!data.weight.empty() && !(std::isfinite(data.weight[row]) && data.weight[row] >= 0.0)) {
      fail_input(path + ": weight is negative or not finite in " + row_text(i));
    }
    if (!data.split.empty() && (data.split[row] < 0 || data.split[row] > 2)) {
      fail_input(path + ": split is not 0, 1 or 2 in " + row_text(i));
    }
  }
}

}  // namespace

void write_population(const std::string& path, const PopulationData& data, bool overwrite) {
  require_absent(path, overwrite);
  validate(data, path);
  PopulationBuilder builder(path, data);
  builder.add(data);
  builder.finish(data, {overwrite, !data.split.empty(), {}});
}

bool is_population(const std::string& path) {
  silence_hdf5();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored) || H5Fis_hdf5(path.c_str()) <= 0) return false;
  try {
    const Hdf5Reader file(path);
    if (file.has_attribute("/", "kind")) return file.attribute_string("/", "kind") == "population";
    return file.is_dataset("t") && file.is_dataset("x") && file.shape("t").size() == 1 &&
           file.shape("x").size() == 2;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace rhoflux::io
