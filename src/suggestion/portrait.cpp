#include "rhoflux/suggestion/portrait.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>

#include "places_and_times.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/data/measure.hpp"
#include "rhoflux/data/time_table.hpp"

namespace rhoflux::suggestion {
namespace {

constexpr std::int64_t most_compared = 2000;  // rows whose distances are taken
constexpr double most_work = 4e8;             // differences of coordinates for them: a second
constexpr double most_counted = 1e6;          // rows that are counted
constexpr double most_placed = 2e9;           // differences of coordinates to find their places: some seconds

/// Training rows, standardised, so few that all their distances are soon known. By lot: rows that are there again may follow
/// each other at any distance.
Rows some_rows(const io::PopulationFile& file, const Units& units) {
  const int n_dims = file.info().n_dims;
  const std::int64_t n = file.info().count(io::Split::train);
  const auto most = std::min(most_compared, static_cast<std::int64_t>(std::sqrt(most_work / n_dims)));
  const double share = static_cast<double>(most) / static_cast<double>(n);
  const RandomStream random(1, RandomPurpose::suggestion, 0);
  Rows rows;
  rows.n_dims = n_dims;
  std::uint64_t position = 0;
  file.for_each_piece(io::Split::train, [&](const io::PopulationRows& piece) {
    for (std::int64_t i = 0; i < piece.size(); ++i, ++position) {
      if (position > 0 && random.uniforms(position, 0).first >= share) continue;  // never none
      rows.t.push_back(piece.t[static_cast<std::size_t>(i)]);
      for (int k = 0; k < n_dims; ++k)
        rows.x.push_back(
            units.to_model(piece.x[static_cast<std::size_t>(i * n_dims + k)], static_cast<std::size_t>(k)));
    }
  });
  return rows;
}

/// Rows that take each coordinate from another row: coordinate k of row i is that of row i + k n / D.
Rows mixed(const Rows& rows) {
  Rows result = rows;
  const std::size_t n = rows.size(), dims = static_cast<std::size_t>(rows.n_dims);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < dims; ++k) result.x[i * dims + k] = rows.row((i + k * n / dims) % n)[k];
  return result;
}

/// The share of equal values among all pairs.
double share_of_equal_pairs(std::vector<std::size_t> values) {
  std::sort(values.begin(), values.end());
  double equal = 0, run = 1;
  for (std::size_t i = 1; i < values.size(); ++i) {
    run = values[i - 1] == values[i] ? run + 1 : 1;
    equal += run - 1;
  }
  const auto n = static_cast<double>(values.size());
  return n < 2 ? 0 : equal / (0.5 * n * (n - 1));
}

/// Of each row the distance to the nearest one that lies elsewhere; rows that all lie in one place have none.
std::vector<double> neighbour_distances(const Rows& rows) {
  std::vector<double> distances;
  constexpr double none = std::numeric_limits<double>::infinity();
  const std::size_t n = rows.size();
  std::vector<double> nearest(n, none);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double square = 0;
      for (int k = 0; k < rows.n_dims; ++k) {
        const double d = rows.row(i)[k] - rows.row(j)[k];
        square += d * d;
      }
      if (!(square > 0)) continue;
      nearest[i] = std::min(nearest[i], square);
      nearest[j] = std::min(nearest[j], square);
    }
  for (const double square : nearest)
    if (square < none) distances.push_back(std::sqrt(square));
  return distances;
}

double mean_log(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return sum / static_cast<double>(values.size());
}

/// How often rows are there again, and whether events change.
void count_rows(const io::PopulationFile& file, const Units& units, const Rows& compared,
                Portrait& portrait) {
  PlacesAndTimes table(compared, portrait.n_train);
  const auto n = static_cast<double>(portrait.n_train);
  const double share = std::min(1.0, most_counted / n);
  const double places_share =
      std::min(share, most_placed / (PlacesAndTimes::most_places * portrait.n_dims * n));
  const RandomStream random(1, RandomPurpose::suggestion, 1);
  std::uint64_t position = 0;
  std::vector<double> row(static_cast<std::size_t>(portrait.n_dims));
  std::vector<std::size_t> hashes;
  file.for_each_piece(io::Split::train, [&](const io::PopulationRows& piece) {
    for (std::size_t i = 0; i < piece.t.size(); ++i, ++position) {
      const double lot = random.uniforms(position, 0).first;
      if (lot >= share) continue;
      for (std::size_t k = 0; k < row.size(); ++k)
        row[k] = units.to_model(piece.x[i * row.size() + k], k) + 0.0;  // of two zeros one
      const std::string_view bytes(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(double));
      hashes.push_back(std::hash<std::string_view>()(bytes));
      if (portrait.is_continuous && lot < places_share && piece.weight[i] > 0)
        table.count(row.data(), piece.t[i]);
    }
  });
  portrait.repeats = 1 + (n - 1) * share_of_equal_pairs(std::move(hashes));
  // Of the copies of a row as many are among those that are counted.
  if (portrait.is_continuous)
    portrait.time_information = table.information(1 + (portrait.repeats - 1) * places_share);
}

void look_at_space(const io::PopulationFile& file, const Units& units, Portrait& portrait) {
  const Rows rows = some_rows(file, units);
  portrait.n_compared = static_cast<std::int64_t>(rows.size());
  count_rows(file, units, rows, portrait);
  std::vector<double> distances = neighbour_distances(rows);
  if (distances.empty()) return;
  const double found = mean_log(distances);
  if (rows.n_dims > 1)
    if (const std::vector<double> of_mixed = neighbour_distances(mixed(rows)); !of_mixed.empty())
      portrait.fineness = std::exp(found - mean_log(of_mixed));
  std::nth_element(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2),
                   distances.end());
  portrait.neighbour = distances[distances.size() / 2];
}

void look_at_times(const io::PopulationFile& file, const mpi::Communicator& comm, Portrait& portrait) {
  const data::TimeTable table = data::read_time_table(file, comm);
  portrait.n_train = table.of(io::Split::train).rows;
  portrait.n_val = table.of(io::Split::val).rows;
  portrait.is_continuous = table.is_continuous() || (table.times.empty() && table.n_times > 1);
  portrait.n_times = table.n_times;
  if (portrait.is_continuous) return;
  portrait.n_times = 0;
  double before = 0;
  for (const data::TimeRows& rows : table.times) {
    if (rows.of(io::Split::all).rows == 0) continue;
    if (rows.of(io::Split::train).rows == 0) {
      portrait.without_train.push_back(print_number(rows.t));
      continue;
    }
    if (portrait.n_times++ > 0 && portrait.t_last > portrait.t_first)
      portrait.largest_gap =
          std::max(portrait.largest_gap, (rows.t - before) / (portrait.t_last - portrait.t_first));
    before = rows.t;
  }
}

}  // namespace

Portrait portrait_of(const io::PopulationFile& file, const mpi::Communicator& comm) {
  const io::PopulationInfo& info = file.info();
  Portrait portrait;
  portrait.path = file.path();
  portrait.n_dims = info.n_dims;
  portrait.has_growth = info.has_growth;
  for (const io::ConditionColumn& condition : info.conditions) portrait.conditions.push_back(condition.name);
  portrait.findings = data::population_health(file, comm);
  for (const data::HealthFinding& finding : portrait.findings) {
    using Kind = data::HealthFinding::Kind;
    portrait.has_few_values |= finding.kind == Kind::few_values;
    portrait.has_far_rows |= finding.kind == Kind::far_rows;
    portrait.has_changing_numbers |= finding.kind == Kind::changing_numbers;
  }
  const Units units =
      data::measure(file, comm, portrait.has_far_rows ? data::Scaling::robust : data::Scaling::standardised);
  const data::TimeSpan span = data::time_span(file, comm);
  portrait.t_first = span.first;
  portrait.t_last = span.last;
  look_at_times(file, comm, portrait);
  mpi::on_root(comm, [&] { look_at_space(file, units, portrait); });
  comm.broadcast(&portrait.neighbour, sizeof(portrait.neighbour));
  comm.broadcast(&portrait.fineness, sizeof(portrait.fineness));
  comm.broadcast(&portrait.repeats, sizeof(portrait.repeats));
  comm.broadcast(&portrait.time_information, sizeof(portrait.time_information));
  comm.broadcast(&portrait.n_compared, sizeof(portrait.n_compared));
  return portrait;
}

}  // namespace rhoflux::suggestion
