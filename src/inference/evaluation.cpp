#include "rhoflux/inference/evaluation.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/inference/snapshots.hpp"
#include "rhoflux/metrics/wasserstein.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr std::int64_t rows_per_block = 1024;

/// Sums over rows at one time.
struct TimeSum {
  double nll = 0;           ///< of weight times NLL
  data::RowCount count;     ///< of weight above 0
  std::int64_t n_rows = 0;  ///< whatever their weight
};

/// Sums over a split, and by distinct time; none of these where there are too many times.
struct NllSums {
  double nll = 0, weight = 0;
  std::map<double, TimeSum> by_time;
  bool has_too_many_times = false;
  std::map<std::vector<double>, TimeSum> by_condition;  ///< empty where there are too many
};

/// Sums of one block of rows.
struct BlockSums {
  double nll = 0, weight = 0;
  std::map<double, TimeSum> by_time;
  std::map<std::vector<double>, TimeSum> by_condition;

  BlockSums(const io::PopulationRows& rows, const std::vector<double>& log_density) {
    const std::size_t width = log_density.empty() ? 0 : rows.conditions.size() / log_density.size();
    for (std::size_t row = 0; row < log_density.size(); ++row) {
      TimeSum& entry = by_time[rows.t[row]];
      ++entry.n_rows;
      const double w = rows.weight[row];
      if (w == 0) continue;  // whatever its density, and be it 0
      nll -= w * log_density[row];
      weight += w;
      entry.nll -= w * log_density[row];
      entry.count.add(w);
      if (width == 0) continue;
      const double* condition = &rows.conditions[row * width];
      TimeSum& of_condition = by_condition[std::vector<double>(condition, condition + width)];
      of_condition.nll -= w * log_density[row];
      of_condition.count.add(w);
    }
  }
};

/// A TimeSum as numbers that ranks exchange.
constexpr std::size_t numbers_of_time = 8;
void append(double t, const TimeSum& sum, std::vector<double>& numbers) {
  const data::RowCount& count = sum.count;
  numbers.insert(numbers.end(), {t, sum.nll, static_cast<double>(sum.n_rows), static_cast<double>(count.rows),
                                 count.weight, count.least, count.most, count.squared});
}
void add(const double* numbers, std::map<double, TimeSum>& by_time) {
  TimeSum& sum = by_time[numbers[0]];
  sum.nll += numbers[1];
  sum.n_rows += static_cast<std::int64_t>(numbers[2]);
  sum.count += {static_cast<std::int64_t>(numbers[3]), numbers[4], numbers[5], numbers[6], numbers[7]};
}

/// The sums of each condition in each block, with the condition before them, in the order of the blocks.
void add_conditions(const std::vector<double>& numbers, std::size_t n_variables, NllSums& sums) {
  const std::size_t width = n_variables + numbers_of_time;
  for (std::size_t k = 0; n_variables > 0 && k + width <= numbers.size(); k += width) {
    const auto at = numbers.begin() + static_cast<std::ptrdiff_t>(k);
    const std::vector<double> condition(at, at + static_cast<std::ptrdiff_t>(n_variables));
    std::map<double, TimeSum> one = {{0.0, sums.by_condition[condition]}};
    add(&numbers[k + n_variables], one);
    sums.by_condition[condition] = one[0.0];
  }
}

NllSums sum_nll(const Inference& inference, const io::PopulationFile& file, const mpi::Communicator& comm,
                const EvaluationOptions& options) {
  const auto max_times = static_cast<std::size_t>(options.max_times);
  std::set<std::vector<double>> conditions;  // of this rank
  std::vector<double> condition_entries;
  std::set<double> times;       // of this rank
  std::vector<double> entries;  // the sums of each time in each block
  const std::int64_t n_rows = file.info().count(options.split);
  Progress progress(options.progress, "likelihood", n_rows, "rows");  // as if all ranks were as far
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const io::PopulationRows rows = file.read_split(options.split, begin, end);
    const ConditionScope scope(inference, options.condition.empty() ? rows.conditions : options.condition);
    const BlockSums block(rows, inference.standardised_log_density(rows.t, rows.x));
    for (const auto& [condition, sum] : block.by_condition) {
      conditions.insert(condition);
      if (conditions.size() > static_cast<std::size_t>(options.max_conditions)) break;
      condition_entries.insert(condition_entries.end(), condition.begin(), condition.end());
      append(0, sum, condition_entries);
    }
    for (const auto& [t, sum] : block.by_time) {
      times.insert(t);
      if (times.size() > max_times) break;
      append(t, sum, entries);
    }
    progress.advance((end - begin) * comm.size());
    return std::vector<double>{block.nll, block.weight};
  };
  NllSums sums;
  // In the order of the blocks, so that every rank count gives the same bits.
  const std::vector<double> totals = mpi::over_blocks(comm, {n_rows, rows_per_block}, compute);
  for (std::size_t k = 0; k + 2 <= totals.size(); k += 2) {
    sums.nll += totals[k];
    sums.weight += totals[k + 1];
  }
  if (!comm.any(conditions.size() > static_cast<std::size_t>(options.max_conditions)))
    add_conditions(comm.all_gather(condition_entries), file.conditions().size(), sums);
  if (sums.by_condition.size() > static_cast<std::size_t>(options.max_conditions)) sums.by_condition.clear();
  sums.has_too_many_times = comm.any(times.size() > max_times);
  if (sums.has_too_many_times) return sums;
  const std::vector<double> all = comm.all_gather(entries);
  for (std::size_t k = 0; k + numbers_of_time <= all.size(); k += numbers_of_time) add(&all[k], sums.by_time);
  sums.has_too_many_times = sums.by_time.size() > max_times;
  if (sums.has_too_many_times) sums.by_time.clear();
  return sums;
}

/// The rows of one condition.
io::PopulationRows rows_of(const io::PopulationRows& rows, const std::vector<double>& condition) {
  const auto dims = static_cast<std::size_t>(rows.n_dims), width = condition.size();
  io::PopulationRows chosen;
  chosen.n_dims = rows.n_dims;
  for (std::size_t row = 0; row < rows.t.size(); ++row) {
    if (!std::equal(condition.begin(), condition.end(), &rows.conditions[row * width])) continue;
    chosen.t.push_back(rows.t[row]);
    chosen.x.insert(chosen.x.end(), &rows.x[row * dims], &rows.x[row * dims] + dims);
    chosen.weight.push_back(rows.weight[row]);
    chosen.conditions.insert(chosen.conditions.end(), condition.begin(), condition.end());
  }
  return chosen;
}

/// Exact distances between a snapshot, of which at most `n` points are taken, and as many samples, in model units.
metrics::Wasserstein compare_snapshot(const Inference& inference, const io::PopulationRows& rows,
                                      const std::vector<double>& condition, std::int64_t n,
                                      std::uint64_t seed, std::uint64_t stream) {
  const Units& units = inference.model().units;
  const ConditionScope scope(inference, condition.empty() ? equal_mass_conditions(rows, n) : condition);
  const std::vector<double> samples = units.to_model(inference.sample_at(rows.t.front(), 0, n, seed, stream));
  const CountedRows counted = counted_rows(rows);
  const auto count = static_cast<int>(n);
  if (!counted.has_equal_weights && counted.size() == n) {
    const std::vector<double> points = units.to_model(counted.x);
    return metrics::wasserstein({points.data(), counted.weight.data(), count}, samples.data(), count,
                                units.n_dims());
  }
  const std::vector<double> points = units.to_model(equal_mass_points(counted, n));
  return metrics::wasserstein(points.data(), samples.data(), count, units.n_dims());
}

/// Fills in W1 and W2 of every snapshot, each found by one rank.
/// @param n_rows rows of each snapshot in the split, whatever their weight; in order of time these are all its rows
void compare_snapshots(const Inference& inference, const io::PopulationFile& file,
                       const mpi::Communicator& comm, const EvaluationOptions& options,
                       const std::vector<std::int64_t>& n_rows, std::vector<TimeFigures>& snapshots,
                       std::vector<ConditionFigures>& conditions) {
  const ScopedRegion region("optimal transport");
  std::vector<std::int64_t> first = {0};  // row of the snapshot within the split
  for (const std::int64_t n : n_rows) first.push_back(first.back() + n);
  for (TimeFigures& snapshot : snapshots)
    snapshot.w_count = std::min(snapshot.count, options.max_transport_points);
  const auto count = static_cast<std::int64_t>(snapshots.size());
  Progress progress(options.progress, "W1 and W2", count, "snapshots");
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const auto k = static_cast<std::size_t>(begin);
    const io::PopulationRows rows =
        file.read_split(options.split, first[k], first[static_cast<std::size_t>(end)]);
    if (begin == end) return std::vector<double>();
    std::vector<double> numbers(2, 0.0);
    if (snapshots[k].count > 0) {
      const metrics::Wasserstein w =
          compare_snapshot(inference, rows, options.condition, snapshots[k].w_count, options.seed,
                           static_cast<std::uint64_t>(k));
      numbers = {w.w1, w.w2};
    }
    for (const ConditionFigures& figures : conditions) {
      const io::PopulationRows own = rows_of(rows, figures.condition);
      const std::int64_t n_own = counted_rows(own).size(), n = std::min(n_own, options.max_transport_points);
      metrics::Wasserstein w = {};
      if (n > 0)
        w = compare_snapshot(inference, own, figures.condition, n, options.seed,
                             static_cast<std::uint64_t>(k));
      numbers.insert(numbers.end(), {static_cast<double>(n_own), static_cast<double>(n), w.w1, w.w2});
    }
    progress.advance(comm.size());
    return numbers;
  };
  const std::vector<double> distances = mpi::over_blocks(comm, {count, 1}, compute);
  const std::size_t width = 2 + 4 * conditions.size();
  for (std::size_t k = 0; k < snapshots.size(); ++k) {
    const double* numbers = &distances[k * width];
    snapshots[k].w1 = numbers[0];
    snapshots[k].w2 = numbers[1];
    for (std::size_t c = 0; c < conditions.size(); ++c) {
      const double* of = numbers + 2 + 4 * c;
      if (of[0] > 0)
        conditions[c].times.push_back({snapshots[k].t, static_cast<std::int64_t>(of[0]), of[2], of[3],
                                       static_cast<std::int64_t>(of[1])});
    }
  }
}

/// Throws Error (bad input) where the file does not fit the model or the split has no row that counts.
void require_fitting(const Inference& inference, const io::PopulationFile& file, const data::TimeTable& table,
                     io::Split split) {
  const io::PopulationInfo& info = file.info();
  if (info.n_dims != inference.n_dims())
    fail_input(file.path() + ": /x has " + counted(info.n_dims, "coordinate") + ", the model has " +
               std::to_string(inference.n_dims()));
  if (table.of(split).rows > 0) return;
  fail_input(file.path() + ": has no rows in the split '" + io::to_string(split) + "'" +
             (info.count(split) > 0 ? " but of weight 0" : "") +
             "; give another one with --split train, val, test or all");
}

/// Figures of the snapshots but for W1 and W2, those at which every row of the split has weight 0 included.
std::vector<TimeFigures> figures_by_time(const NllSums& sums) {
  std::vector<TimeFigures> all;
  for (const auto& [t, entry] : sums.by_time) {
    TimeFigures figures;
    figures.t = t;
    figures.count = entry.count.rows;
    figures.effective_count = entry.count.effective();
    figures.nll = entry.nll / entry.count.weight;
    all.push_back(figures);
  }
  return all;
}

}  // namespace

Evaluation evaluate(const Inference& inference, const io::PopulationFile& file, const mpi::Communicator& comm,
                    const EvaluationOptions& options) {
  const data::TimeTable table = data::read_time_table(file, comm);
  require_fitting(inference, file, table, options.split);
  Evaluation result;
  result.count = table.of(options.split).rows;
  result.effective_count = table.of(options.split).effective();
  result.is_weighted = file.info().has_weight;
  const NllSums sums = sum_nll(inference, file, comm, options);
  result.nll_standardised = sums.nll / sums.weight;
  result.nll_original = result.nll_standardised + inference.model().units.log_volume();
  for (const auto& [condition, sum] : sums.by_condition)
    result.conditions.push_back({condition,
                                 inference.conditions().text_of(condition.data()),
                                 sum.count.rows,
                                 sum.nll / sum.count.weight,
                                 {}});
  if (table.is_continuous())
    result.time_kind = TimeKind::events;
  else if (sums.has_too_many_times)
    result.time_kind = TimeKind::too_many_times;
  if (result.time_kind != TimeKind::snapshots) return result;
  std::vector<std::int64_t> n_rows;
  for (const auto& [t, entry] : sums.by_time) n_rows.push_back(entry.n_rows);
  result.times = figures_by_time(sums);
  compare_snapshots(inference, file, comm, options, n_rows, result.times, result.conditions);
  result.mass = compare_mass(inference, table, options.split);
  const auto is_empty = [](const TimeFigures& figures) { return figures.count == 0; };
  result.times.erase(std::remove_if(result.times.begin(), result.times.end(), is_empty), result.times.end());
  for (const data::TimeRows& at : table.times)
    if (at.of(options.split).rows == 0 && at.of(io::Split::all).rows > 0)
      result.times_without_rows.push_back(at.t);
  return result;
}

}  // namespace rhoflux::inference
