#include "rhoflux/inference/evaluation.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "rhoflux/core/error.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "rhoflux/metrics/wasserstein.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr std::int64_t rows_per_block = 1024;

/// Sum of NLL and count of rows by distinct time, while there are few of those.
using TimeSums = std::map<double, std::pair<double, std::int64_t>>;

/// NLL of a split, standardised, and its sums by distinct time; none of these where there are too many times.
struct NllSums {
  double total = 0;
  TimeSums by_time;
};

NllSums sum_nll(const Inference& inference, const io::PopulationFile& file, const mpi::Communicator& comm,
                const EvaluationOptions& options) {
  const auto max_times = static_cast<std::size_t>(options.max_times);
  std::set<double> times;       // of this rank
  std::vector<double> entries;  // t, sum, count of each time in each block
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const io::PopulationRows rows = file.read_split(options.split, begin, end);
    const std::vector<double> log_density = inference.standardised_log_density(rows.t, rows.x);
    double sum = 0;
    TimeSums of_block;
    for (std::size_t row = 0; row < log_density.size(); ++row) {
      sum -= log_density[row];
      auto& entry = of_block[rows.t[row]];
      entry.first -= log_density[row];
      ++entry.second;
    }
    for (const auto& [t, entry] : of_block) {
      times.insert(t);
      if (times.size() > max_times) break;
      entries.insert(entries.end(), {t, entry.first, static_cast<double>(entry.second)});
    }
    return std::vector<double>{sum};
  };
  NllSums sums;
  for (const double sum : mpi::over_blocks(comm, {file.info().count(options.split), rows_per_block}, compute))
    sums.total += sum;
  if (comm.any(times.size() > max_times)) return sums;
  // In the order of the blocks, so that every rank count gives the same bits.
  const std::vector<double> all = comm.all_gather(entries);
  for (std::size_t k = 0; k + 3 <= all.size(); k += 3) {
    auto& entry = sums.by_time[all[k]];
    entry.first += all[k + 1];
    entry.second += static_cast<std::int64_t>(all[k + 2]);
  }
  if (sums.by_time.size() > max_times) sums.by_time.clear();
  return sums;
}

/// Exact distances between a snapshot, of which `n` rows are taken evenly, and as many samples, in model units.
metrics::Wasserstein compare_snapshot(const Inference& inference, const io::PopulationRows& rows,
                                      std::int64_t n, std::uint64_t seed, std::uint64_t stream) {
  const Units& units = inference.model().units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  const std::vector<double> data =
      units.to_model(metrics::thinned(rows.x, dims, static_cast<std::size_t>(n)));
  const std::vector<double> samples = units.to_model(inference.sample_at(rows.t.front(), 0, n, seed, stream));
  return metrics::wasserstein(data.data(), samples.data(), static_cast<int>(n), units.n_dims());
}

/// Fills in W1 and W2 of every snapshot, each found by one rank. The snapshots are all rows of the split, in
/// order of time.
void compare_snapshots(const Inference& inference, const io::PopulationFile& file,
                       const mpi::Communicator& comm, const EvaluationOptions& options,
                       std::vector<TimeFigures>& snapshots) {
  const ScopedRegion region("optimal transport");
  std::vector<std::int64_t> first = {0};  // row of the snapshot within the split
  for (TimeFigures& snapshot : snapshots) {
    first.push_back(first.back() + snapshot.count);
    snapshot.w_count = std::min(snapshot.count, options.max_transport_points);
  }
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const auto k = static_cast<std::size_t>(begin);
    const io::PopulationRows rows =
        file.read_split(options.split, first[k], first[static_cast<std::size_t>(end)]);
    if (begin == end) return std::vector<double>();
    const metrics::Wasserstein w =
        compare_snapshot(inference, rows, snapshots[k].w_count, options.seed, static_cast<std::uint64_t>(k));
    return std::vector<double>{w.w1, w.w2};
  };
  const std::vector<double> distances =
      mpi::over_blocks(comm, {static_cast<std::int64_t>(snapshots.size()), 1}, compute);
  for (std::size_t k = 0; k < snapshots.size(); ++k) {
    snapshots[k].w1 = distances[2 * k];
    snapshots[k].w2 = distances[2 * k + 1];
  }
}

}  // namespace

Evaluation evaluate(const Inference& inference, const io::PopulationFile& file, const mpi::Communicator& comm,
                    const EvaluationOptions& options) {
  const io::PopulationInfo& info = file.info();
  if (info.n_dims != inference.n_dims())
    fail_input(file.path() + ": /x has " + std::to_string(info.n_dims) + " coordinates, the model has " +
               std::to_string(inference.n_dims()));
  Evaluation result;
  result.count = info.count(options.split);
  if (result.count == 0)
    fail_input(file.path() + ": has no rows in the split '" + io::to_string(options.split) +
               "'; give another one with --split train, val, test or all");
  const NllSums sums = sum_nll(inference, file, comm, options);
  result.nll_standardised = sums.total / static_cast<double>(result.count);
  result.nll_original = result.nll_standardised + inference.model().units.log_volume();
  for (const auto& [t, entry] : sums.by_time) {
    TimeFigures figures;
    figures.t = t;
    figures.count = entry.second;
    figures.nll = entry.first / static_cast<double>(entry.second);
    result.times.push_back(figures);
  }
  compare_snapshots(inference, file, comm, options, result.times);
  return result;
}

}  // namespace rhoflux::inference
