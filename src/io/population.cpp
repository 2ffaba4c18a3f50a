#include "rhoflux/io/population.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "population_format.hpp"
#include "rhoflux/core/error.hpp"
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

void validate(const PopulationData& data, const std::string& path) {
  const std::int64_t n = data.n_rows();
  const auto size_of = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
  if (n < 1) fail_input(path + ": a population needs at least one row");
  if (data.n_dims < 1) fail_input(path + ": a population needs at least one coordinate");
  if (size_of(data.x) != n * data.n_dims) {
    fail_input(path + ": x has " + std::to_string(data.x.size()) + " values for " + std::to_string(n) +
               " rows of " + std::to_string(data.n_dims) + " coordinates");
  }
  if (!data.weight.empty() && size_of(data.weight) != n) fail_input(path + ": weight and t differ in length");
  if (!data.split.empty() && size_of(data.split) != n) fail_input(path + ": split and t differ in length");
  if (!data.dim_names.empty() && size_of(data.dim_names) != data.n_dims) {
    fail_input(path + ": " + std::to_string(data.dim_names.size()) + " names for " +
               std::to_string(data.n_dims) + " coordinates");
  }
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

template <class T>
std::vector<T> permuted(const std::vector<T>& values, const std::vector<std::size_t>& order,
                        std::size_t width) {
  std::vector<T> result;
  result.reserve(values.size());
  if (values.empty()) return result;
  for (const std::size_t row : order) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(row * width);
    result.insert(result.end(), first, first + static_cast<std::ptrdiff_t>(width));
  }
  return result;
}

void sort_by_time(PopulationData& data) {
  if (std::is_sorted(data.t.begin(), data.t.end())) return;
  std::vector<std::size_t> order(data.t.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return data.t[a] < data.t[b]; });
  data.t = permuted(data.t, order, 1);
  data.x = permuted(data.x, order, static_cast<std::size_t>(data.n_dims));
  data.weight = permuted(data.weight, order, 1);
  data.split = permuted(data.split, order, 1);
}

void write_file(const std::string& path, const PopulationData& data) {
  const std::int64_t n = data.n_rows();
  Hdf5Writer file(path);
  file.attribute("/", "kind", "population");
  file.attribute("/", "format_version", population_format_version);
  file.attribute("/", "dim_names", data.dim_names.empty() ? default_dim_names(data.n_dims) : data.dim_names);
  file.attribute("/", "time_unit", data.time_unit);
  file.attribute("/", "source", data.source);
  file.write("t", data.t, {n});
  file.write("x", data.x, {n, data.n_dims});
  if (!data.weight.empty()) file.write("weight", data.weight, {n});
  if (!data.split.empty()) file.write("split", data.split, {n});
  if (!data.provenance.empty()) {
    file.group("provenance");
    file.attributes("provenance", data.provenance);
  }
  file.close();
}

}  // namespace

void write_population(const std::string& path, PopulationData data, bool overwrite) {
  require_absent(path, overwrite);
  validate(data, path);
  sort_by_time(data);
  write_safely(
      path, overwrite, [&](const std::string& temporary) { write_file(temporary, data); }, read_back_check);
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
