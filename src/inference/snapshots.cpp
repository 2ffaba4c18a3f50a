#include "rhoflux/inference/snapshots.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "rhoflux/core/time_names.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/metrics/statistics.hpp"

namespace rhoflux::inference {

namespace {

/// The rows of a split with |their time - t| <= window.
Snapshot rows_within(const io::PopulationFile& file, io::Split split, double t, double window) {
  Snapshot found;
  found.t = t;
  std::int64_t row = 0;
  file.for_each_marks([&](const io::RowMarks& rows) {
    for (std::size_t k = 0; k < rows.t.size(); ++k) {
      if (split != io::Split::all && rows.split[k] != split) continue;
      if (std::fabs(rows.t[k] - t) <= window) {
        if (found.count == 0) found.begin = row;
        ++found.count;
      }
      ++row;
    }
  });
  return found;
}

}  // namespace

Snapshot find_snapshot(const io::PopulationFile& file, io::Split split, double t, const TimeMatch& match) {
  if (match.window > 0)
    if (const Snapshot found = rows_within(file, split, t, match.window); found.count > 0) return found;
  const std::optional<double> named = file.named_time(t);
  Snapshot found = named ? rows_within(file, split, *named, 0) : rows_within(file, split, t, match.tolerance);
  if (found.count == 0) found.t = t;
  return found;
}

std::string first_times(const io::PopulationFile& file, io::Split split) {
  std::vector<double> times;
  file.for_each_marks([&](const io::RowMarks& rows) {
    for (std::size_t k = 0; k < rows.t.size(); ++k)
      if (split == io::Split::all || rows.split[k] == split)
        if (times.size() < data::TimeTable::most_listed && (times.empty() || rows.t[k] != times.back()))
          times.push_back(rows.t[k]);
  });
  return list_of_times(file.info().time, times);
}

CountedRows counted_rows(const io::PopulationRows& rows) {
  CountedRows counted;
  counted.n_dims = rows.n_dims;
  const auto dims = static_cast<std::ptrdiff_t>(rows.n_dims);
  auto x = rows.x.begin();
  for (const double w : rows.weight) {
    if (w > 0) {
      counted.x.insert(counted.x.end(), x, x + dims);
      counted.weight.push_back(w);
    }
    x += dims;
  }
  const auto differs = [&](double w) { return w != counted.weight.front(); };
  counted.has_equal_weights = std::none_of(counted.weight.begin(), counted.weight.end(), differs);
  return counted;
}

std::vector<double> equal_mass_points(const CountedRows& rows, std::int64_t n) {
  const auto dims = static_cast<std::size_t>(rows.n_dims), keep = static_cast<std::size_t>(n);
  return rows.has_equal_weights ? metrics::thinned(rows.x, dims, keep)
                                : metrics::thinned_by_weight(rows.x, rows.weight, dims, keep);
}

std::vector<double> equal_mass_conditions(const io::PopulationRows& rows, std::int64_t n) {
  if (rows.conditions.empty()) return {};
  io::PopulationRows conditions = rows;
  conditions.n_dims = static_cast<int>(rows.conditions.size() / rows.t.size());
  conditions.x = rows.conditions;
  return equal_mass_points(counted_rows(conditions), n);
}

}  // namespace rhoflux::inference
