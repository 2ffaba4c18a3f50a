#include "rhoflux/inference/held_out.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/inference/snapshots.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr std::uint64_t lot_stream = 3101;     ///< of the halves, one for each time
constexpr std::uint64_t sample_stream = 4101;  ///< of the model samples, one for each time

/// The nearest times with rows on either side that are not held out; NaN: there is none.
struct Neighbours {
  double before = std::numeric_limits<double>::quiet_NaN();
  double after = std::numeric_limits<double>::quiet_NaN();
  bool both() const { return !std::isnan(before) && !std::isnan(after); }
};
Neighbours neighbours_of(double t, const data::TimeTable& table, const std::vector<double>& held_out) {
  Neighbours found;
  for (const data::TimeRows& at : table.times) {
    if (at.of(io::Split::all).rows == 0) continue;
    if (std::find(held_out.begin(), held_out.end(), at.t) != held_out.end()) continue;
    if (at.t < t) found.before = at.t;
    if (at.t > t && std::isnan(found.after)) found.after = at.t;
  }
  return found;
}

/// The rows of all splits at time t; none for NaN. Collective.
io::PopulationRows rows_at(const io::PopulationFile& file, double t) {
  const Snapshot found = std::isnan(t) ? Snapshot() : find_snapshot(file, io::Split::all, t);
  return file.read_split(io::Split::all, found.begin, found.begin + found.count);
}

/// The points (n, n_dims) in an order by lot.
std::vector<double> shuffled(const std::vector<double>& points, std::size_t dims, const RandomStream& lot) {
  const std::size_t n = points.size() / dims;
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t row = 0; row < n; ++row) order.emplace_back(lot.uniforms(row, 0).first, row);
  std::sort(order.begin(), order.end());
  std::vector<double> result;
  for (const auto& [key, row] : order)
    result.insert(result.end(), &points[row * dims], &points[row * dims] + dims);
  return result;
}

metrics::Wasserstein mean_of(const metrics::Wasserstein& a, const metrics::Wasserstein& b) {
  return {0.5 * (a.w1 + b.w1), 0.5 * (a.w2 + b.w2)};
}

/// The comparison at one time, all points in model units.
class HeldOutTime {
 public:
  /// @param rows those that are held out
  HeldOutTime(const Inference& inference, const io::PopulationRows& rows, std::int64_t n,
              const RandomStream& lot)
      : m_inference(inference), m_dims(static_cast<std::size_t>(rows.n_dims)), m_n(n) {
    const CountedRows counted = counted_rows(rows);
    const std::vector<double> points =
        shuffled(inference.model().units.to_model(equal_mass_points(counted, 2 * n)), m_dims, lot);
    const auto half = points.begin() + static_cast<std::ptrdiff_t>(points.size() / 2);
    m_first.assign(points.begin(), half);
    m_second.assign(half, points.end());
  }

  /// To the halves. @param points (n, n_dims), or (2 n, n_dims): the first n of them to the first half
  metrics::Wasserstein to_halves(const std::vector<double>& points) const {
    const std::size_t others = points.size() > m_first.size() ? m_first.size() : 0;
    return mean_of(distance(m_first, points.data()), distance(m_second, points.data() + others));
  }
  metrics::Wasserstein between_halves() const { return distance(m_first, m_second.data()); }
  /// (n, n_dims) that stand for the rows.
  std::vector<double> points_of(const io::PopulationRows& rows) const {
    return m_inference.model().units.to_model(equal_mass_points(counted_rows(rows), m_n));
  }

 private:
  metrics::Wasserstein distance(const std::vector<double>& half, const double* points) const {
    return metrics::wasserstein(half.data(), points, static_cast<int>(m_n), static_cast<int>(m_dims));
  }

  const Inference& m_inference;
  std::size_t m_dims;
  std::int64_t m_n;
  std::vector<double> m_first, m_second;
};

/// (1 - f) a_i + f b_m(i).
std::vector<double> between(const std::vector<double>& a, const std::vector<double>& b,
                            const std::vector<int>& matching, double f) {
  const std::size_t dims = a.size() / matching.size();
  std::vector<double> points;
  for (std::size_t row = 0; row < matching.size(); ++row)
    for (std::size_t i = 0; i < dims; ++i)
      points.push_back((1 - f) * a[row * dims + i] +
                       f * b[static_cast<std::size_t>(matching[row]) * dims + i]);
  return points;
}

void append(const metrics::Wasserstein& w, std::vector<double>& numbers) {
  numbers.insert(numbers.end(), {w.w1, w.w2});
}
metrics::Wasserstein wasserstein_at(const double* numbers) {
  return {numbers[0], numbers[1]};
}

/// rows, points, then W1 and W2 of the model, of the floor (NaN: none), at the fraction and at the midpoint (NaN: none).
constexpr std::size_t numbers_of_time = 10;

/// Rows of the time and of its neighbours.
struct Rows {
  io::PopulationRows held_out, before, after;
};

std::vector<double> numbers_at(const Inference& inference, const Rows& rows, double fraction, std::uint64_t k,
                               const HeldOutOptions& options) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const CountedRows counted = counted_rows(rows.held_out);
  const std::int64_t n_before = counted_rows(rows.before).size(), n_after = counted_rows(rows.after).size();
  std::int64_t n = std::min(options.max_points, counted.size() / 2);
  const bool has_neighbours = n_before > 0 && n_after > 0;
  if (has_neighbours) n = std::min({n, n_before, n_after});
  std::vector<double> numbers = {static_cast<double>(counted.size()), static_cast<double>(n)};
  if (n == 0) {
    numbers.resize(numbers_of_time, none);
    return numbers;
  }
  const HeldOutTime time(inference, rows.held_out, n,
                         RandomStream(options.seed, RandomPurpose::metrics, lot_stream + k));
  const ConditionScope scope(
      inference, options.condition.empty() ? equal_mass_conditions(rows.held_out, 2 * n) : options.condition);
  const Units& units = inference.model().units;
  append(time.to_halves(units.to_model(
             inference.sample_at(rows.held_out.t.front(), 0, 2 * n, options.seed, sample_stream + k))),
         numbers);
  append(counted.has_equal_weights ? time.between_halves() : metrics::Wasserstein{none, none}, numbers);
  if (!has_neighbours) {
    numbers.resize(numbers_of_time, none);
    return numbers;
  }
  const std::vector<double> a = time.points_of(rows.before), b = time.points_of(rows.after);
  const std::vector<int> matching =
      metrics::optimal_matching(a.data(), b.data(), static_cast<int>(n), units.n_dims(), 2);
  for (const double f : {fraction, 0.5}) append(time.to_halves(between(a, b, matching, f)), numbers);
  return numbers;
}

/// The times of the file that are meant. Throws Error (bad input) where there is none.
std::vector<double> times_of_file(const io::PopulationFile& file, const mpi::Communicator& comm,
                                  const data::TimeTable& table, const std::vector<double>& given) {
  if (table.is_continuous())
    fail_input(file.path() + ": has events in continuous time, of which no snapshot can be held out");
  std::vector<double> times;
  mpi::on_every_rank(comm, [&] {
    for (const double t : given) {
      const Snapshot found = find_snapshot(file, io::Split::all, t);
      if (found.count == 0)
        fail_input(file.path() + ": has no rows at the held-out time " + time_text(file.info().time, t) +
                   "; its times are " + first_times(file, io::Split::all));
      times.push_back(file.named_time(t).value_or(t));
    }
  });
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

}  // namespace

std::vector<HeldOutFigures> compare_held_out(const Inference& inference, const io::PopulationFile& file,
                                             const mpi::Communicator& comm, const HeldOutOptions& options) {
  const ScopedRegion region("optimal transport");
  const data::TimeTable table = data::read_time_table(file, comm);
  const std::vector<double> times = times_of_file(file, comm, table, options.times);
  std::vector<Neighbours> neighbours;
  std::vector<double> fractions;
  for (const double t : times) {
    neighbours.push_back(neighbours_of(t, table, times));
    const Neighbours& of = neighbours.back();
    fractions.push_back((t - of.before) / (of.after - of.before));
  }
  const auto count = static_cast<std::int64_t>(times.size());
  Progress progress(options.progress, "held-out times", count, "times");
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const auto k = static_cast<std::size_t>(begin);
    const bool is_mine = begin < end;
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    const bool has_both = is_mine && neighbours[k].both();
    Rows rows;
    rows.held_out = rows_at(file, is_mine ? times[k] : none);
    rows.before = rows_at(file, has_both ? neighbours[k].before : none);
    rows.after = rows_at(file, has_both ? neighbours[k].after : none);
    if (!is_mine) return std::vector<double>();
    const std::vector<double> numbers =
        numbers_at(inference, rows, fractions[k], static_cast<std::uint64_t>(k), options);
    progress.advance(comm.size());
    return numbers;
  };
  const std::vector<double> all = mpi::over_blocks(comm, {count, 1}, compute);
  std::vector<HeldOutFigures> figures;
  for (std::size_t k = 0; k < times.size(); ++k) {
    const double* numbers = &all[k * numbers_of_time];
    HeldOutFigures at;
    at.t = times[k];
    at.rows = static_cast<std::int64_t>(numbers[0]);
    at.points = static_cast<std::int64_t>(numbers[1]);
    at.model = wasserstein_at(numbers + 2);
    if (!std::isnan(numbers[4])) at.floor = wasserstein_at(numbers + 4);
    if (!std::isnan(numbers[6]))
      at.interpolation = {neighbours[k].before, neighbours[k].after, fractions[k],
                          wasserstein_at(numbers + 6), wasserstein_at(numbers + 8)};
    figures.push_back(at);
  }
  return figures;
}

namespace {

/// The distances of one order.
std::string line_of(const HeldOutFigures& at, const char* name, double metrics::Wasserstein::*w) {
  std::string line = std::string("  ") + name + " (std.): model " + formatted("%.4f", at.model.*w);
  if (at.interpolation) {
    const HeldOutFigures::Interpolation& of = *at.interpolation;
    line += "; optimal transport " + formatted("%.4f", of.at_midpoint.*w) + " at its midpoint, " +
            formatted("%.4f", of.at_fraction.*w) + " at " + formatted("%.3g", of.fraction) +
            "; model / these " + formatted("%.3f", at.model.*w / (of.at_midpoint.*w)) + ", " +
            formatted("%.3f", at.model.*w / (of.at_fraction.*w));
  }
  if (at.floor)
    line += "; floor " + formatted("%.4f", (*at.floor).*w) + ", model / floor " +
            formatted("%.3f", at.model.*w / ((*at.floor).*w));
  return line;
}

}  // namespace

std::vector<std::string> to_text(const std::vector<HeldOutFigures>& figures, const TimeMeaning& meaning) {
  std::vector<double> times;
  for (const HeldOutFigures& at : figures) times.push_back(at.t);
  const std::vector<std::string> texts = time_texts(meaning, times);
  std::vector<std::string> lines;
  double ratio = 0;
  std::size_t n_ratios = 0;
  for (std::size_t k = 0; k < figures.size(); ++k) {
    const HeldOutFigures& at = figures[k];
    std::string head = "held out t = " + texts[k] + ": " + counted(at.rows, "row") + " in two halves, " +
                       counted(at.points, "point") + " on each side";
    if (at.points == 0) {
      lines.push_back(head + ": too few rows, no distances");
      continue;
    }
    if (at.interpolation)
      head += "; optimal transport from t = " + time_text(meaning, at.interpolation->before) + " to " +
              time_text(meaning, at.interpolation->after);
    else
      head += "; not between two times that are left, so that nothing can be interpolated";
    lines.push_back(head);
    lines.push_back(line_of(at, "W1", &metrics::Wasserstein::w1));
    lines.push_back(line_of(at, "W2", &metrics::Wasserstein::w2));
    if (!at.floor)
      lines.emplace_back("  no floor: the rows have different weights, so that halves of them share rows");
    if (at.interpolation) {
      ratio += at.model.w1 / at.interpolation->at_midpoint.w1;
      ++n_ratios;
    }
  }
  if (n_ratios > 1)
    lines.push_back("mean over the held-out times of W1, model / midpoint of optimal transport: " +
                    formatted("%.3f", ratio / static_cast<double>(n_ratios)));
  return lines;
}

}  // namespace rhoflux::inference
