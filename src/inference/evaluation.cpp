#include "rhoflux/inference/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "rhoflux/core/error.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/metrics/wasserstein.hpp"

namespace rhoflux::inference {
namespace {

constexpr std::int64_t block_rows = 1024;

/// Sum of NLL and count of rows by distinct time, while there are few of those.
using TimeSums = std::map<double, std::pair<double, std::int64_t>>;

struct LocalSums {
  std::vector<double> block_sums;  ///< standardised NLL of each block of rows, in order
  std::vector<double> by_time;     ///< t, sum, count of each time in each block; empty if there are too many
};

LocalSums local_sums(const Inference& inference, const io::PopulationFile& file,
                     const mpi::Communicator& comm, const EvaluationOptions& options, std::int64_t count) {
  LocalSums sums;
  const std::int64_t blocks = (count + block_rows - 1) / block_rows;
  const mpi::Share mine = mpi::share_of(blocks, comm.rank(), comm.size());
  const std::int64_t most = comm.size() == 0 ? 0 : (blocks + comm.size() - 1) / comm.size();
  std::set<double> times;
  for (std::int64_t k = 0; k < most;
       ++k) {  // reading is collective: every rank makes the same number of calls
    const std::int64_t block = std::min(mine.begin + k, mine.end);
    const bool has_block = block < mine.end;
    const std::int64_t begin = has_block ? block * block_rows : 0;
    const io::PopulationRows rows =
        file.read_split(options.split, begin, has_block ? std::min(begin + block_rows, count) : begin);
    if (!has_block) continue;
    const std::vector<double> log_density = inference.standardised_log_density(rows.t, rows.x);
    double sum = 0;
    TimeSums by_time;
    for (std::size_t row = 0; row < log_density.size(); ++row) {
      sum -= log_density[row];
      auto& entry = by_time[rows.t[row]];
      entry.first -= log_density[row];
      ++entry.second;
    }
    sums.block_sums.push_back(sum);
    for (const auto& [t, entry] : by_time) {
      times.insert(t);
      if (static_cast<int>(times.size()) > options.max_times) break;
      sums.by_time.insert(sums.by_time.end(), {t, entry.first, static_cast<double>(entry.second)});
    }
  }
  if (comm.any(static_cast<int>(times.size()) > options.max_times)) sums.by_time.clear();
  return sums;
}

/// Time, sum and count of every block, merged in block order, so that every rank count gives the same bits.
TimeSums merge(const mpi::Communicator& comm, const std::vector<double>& local) {
  const std::vector<double> all = comm.all_gather(local);
  TimeSums merged;
  for (std::size_t k = 0; k + 3 <= all.size(); k += 3) {
    auto& entry = merged[all[k]];
    entry.first += all[k + 1];
    entry.second += static_cast<std::int64_t>(all[k + 2]);
  }
  return merged;
}

/// Exact distances between a snapshot and as many samples, in model units.
/// @param first index of the snapshot's first row within the split (rows are sorted by time)
metrics::Wasserstein compare_snapshot(const Inference& inference, const io::PopulationRows& rows,
                                      std::int64_t n, std::uint64_t seed, std::uint64_t stream) {
  const Units& units = inference.model().units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  const auto count = static_cast<std::size_t>(n);
  std::vector<double> data(count * dims), times(count, rows.t.front());
  std::vector<std::int64_t> index(count);
  const auto total = static_cast<std::size_t>(rows.size());
  for (std::size_t k = 0; k < count; ++k) {
    index[k] = static_cast<std::int64_t>(k);
    const std::size_t row = k * total / count;  // taken evenly where there are more rows than points
    for (std::size_t i = 0; i < dims; ++i)
      data[k * dims + i] = (rows.x[row * dims + i] - units.mean[i]) / units.scale[i];
  }
  std::vector<double> drawn = inference.sample(times, index, seed, stream);
  for (std::size_t k = 0; k < drawn.size(); ++k)
    drawn[k] = (drawn[k] - units.mean[k % dims]) / units.scale[k % dims];
  return metrics::wasserstein(data.data(), drawn.data(), static_cast<int>(n), units.n_dims());
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
  const LocalSums sums = local_sums(inference, file, comm, options, result.count);
  double total = 0;
  for (const double sum : comm.all_gather(sums.block_sums)) total += sum;
  result.nll_standardised = total / static_cast<double>(result.count);
  result.nll_original = result.nll_standardised + inference.model().units.log_volume();

  const TimeSums by_time = merge(comm, sums.by_time);
  std::int64_t first = 0;
  for (const auto& [t, entry] : by_time) {
    TimeFigures figures;
    figures.t = t;
    figures.count = entry.second;
    figures.nll = entry.first / static_cast<double>(entry.second);
    result.times.push_back(figures);
  }
  // Each snapshot is compared by one rank, in turn.
  const ScopedRegion region("optimal transport");
  std::vector<double> local(result.times.size() * 2, 0.0);
  for (std::size_t k = 0; k < result.times.size(); ++k) {
    TimeFigures& figures = result.times[k];
    const bool mine = static_cast<int>(k) % comm.size() == comm.rank();
    const io::PopulationRows rows =
        file.read_split(options.split, first, mine ? first + figures.count : first);
    first += figures.count;
    figures.w_count = std::min(figures.count, options.max_transport_points);
    if (!mine) continue;
    const metrics::Wasserstein w = compare_snapshot(inference, rows, figures.w_count, options.seed, k);
    local[2 * k] = w.w1;
    local[2 * k + 1] = w.w2;
  }
  comm.sum(local.data(), static_cast<int>(local.size()));
  for (std::size_t k = 0; k < result.times.size(); ++k) {
    result.times[k].w1 = local[2 * k];
    result.times[k].w2 = local[2 * k + 1];
  }
  return result;
}

std::string json_members(const Evaluation& evaluation) {
  std::ostringstream json;
  json.precision(12);
  const auto list = [&](const auto& print) {
    json << "[";
    for (std::size_t k = 0; k < evaluation.times.size(); ++k) {
      json << (k == 0 ? "" : ", ") << "{\"t\": " << evaluation.times[k].t << ", ";
      print(evaluation.times[k]);
      json << "}";
    }
    json << "]";
  };
  json << "  \"nll\": {\"standardised\": " << evaluation.nll_standardised
       << ", \"original\": " << evaluation.nll_original << ", \"count\": " << evaluation.count
       << ",\n    \"per_time\": ";
  list([&](const TimeFigures& f) { json << "\"standardised\": " << f.nll << ", \"count\": " << f.count; });
  json << "},\n  \"w1\": ";
  list([&](const TimeFigures& f) { json << "\"value\": " << f.w1 << ", \"count\": " << f.w_count; });
  json << ",\n  \"w2\": ";
  list([&](const TimeFigures& f) { json << "\"value\": " << f.w2 << ", \"count\": " << f.w_count; });
  return json.str();
}

}  // namespace rhoflux::inference
