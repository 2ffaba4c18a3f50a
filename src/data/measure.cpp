#include "rhoflux/data/measure.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/data/time_table.hpp"

namespace rhoflux::data {

namespace {

/// Weighted running mean and sum of squared deviations of each coordinate (West 1979).
struct RunningMoments {
  std::vector<double> mean, squares;
  double weight = 0;
  std::int64_t count = 0;

  void add(const io::PopulationRows& rows) {
    const auto dims = static_cast<std::size_t>(rows.n_dims);
    mean.resize(dims, 0.0);
    squares.resize(dims, 0.0);
    for (std::size_t row = 0; row < rows.t.size(); ++row) {
      const double w = rows.weight[row];
      if (w == 0) continue;
      weight += w;
      ++count;
      for (std::size_t i = 0; i < dims; ++i) {
        const double delta = rows.x[row * dims + i] - mean[i];
        mean[i] += delta * w / weight;
        squares[i] += w * delta * (rows.x[row * dims + i] - mean[i]);
      }
    }
  }
};

/// Weighted quantiles of training rows taken evenly.
class RowQuantiles {
 public:
  RowQuantiles(std::size_t n_dims, std::int64_t n_rows)
      : m_values(n_dims), m_stride((n_rows + most_rows - 1) / most_rows) {}

  void add(const io::PopulationRows& rows) {
    for (std::size_t row = 0; row < rows.t.size(); ++row) {
      if (m_next++ % m_stride != 0 || rows.weight[row] == 0) continue;
      for (std::size_t i = 0; i < m_values.size(); ++i)
        m_values[i].emplace_back(rows.x[row * m_values.size() + i], rows.weight[row]);
    }
  }

  /// The smallest value of coordinate i with at least the share `level` of the weight at or below it.
  double at(std::size_t i, double level) {
    std::vector<std::pair<double, double>>& values = m_values[i];
    std::sort(values.begin(), values.end());
    double total = 0, sum = 0;
    for (const auto& [value, weight] : values) total += weight;
    for (const auto& [value, weight] : values)
      if ((sum += weight) >= level * total) return value;
    return values.back().first;
  }

 private:
  static constexpr std::int64_t most_rows = 100000;
  std::vector<std::vector<std::pair<double, double>>> m_values;  ///< and weights, of each coordinate
  std::int64_t m_stride, m_next = 0;
};

/// Quartiles of a standard normal distribution are this far apart.
constexpr double normal_quartiles = 1.3489795003921634;

}  // namespace

Units measure(const io::PopulationFile& file, const mpi::Communicator& comm, Scaling scaling) {
  const io::PopulationInfo& info = file.info();
  const auto dims = static_cast<std::size_t>(info.n_dims);
  Units units = Units::identity(info.n_dims);
  const TimeSpan span = time_span(file, comm);
  units.t_first = span.first;
  units.t_last = span.last;
  if (info.count(io::Split::train) < 2)
    fail_input(file.path() + ": the training split has " + counted(info.count(io::Split::train), "row") +
               "; at least 2 are needed");
  mpi::on_root(comm, [&] {
    RunningMoments moments;
    RowQuantiles quantiles(dims, info.count(io::Split::train));
    file.for_each_piece(io::Split::train, [&](const io::PopulationRows& rows) {
      moments.add(rows);
      if (scaling == Scaling::robust) quantiles.add(rows);
    });
    if (moments.count < 2) fail_input(file.path() + ": fewer than 2 training rows have a weight above 0");
    const auto count = static_cast<double>(moments.count);
    for (std::size_t i = 0; i < dims; ++i) {
      const double variance = moments.squares[i] / moments.weight * count / (count - 1);
      if (!(variance > 0))
        fail_input(file.path() + ": coordinate " + info.dim_names[i] +
                   " has the same value in every training row; a density needs it to vary (leave it out)");
      if (scaling == Scaling::none) continue;
      if (scaling == Scaling::robust) {
        units.mean[i] = quantiles.at(i, 0.5);
        units.scale[i] = (quantiles.at(i, 0.75) - quantiles.at(i, 0.25)) / normal_quartiles;
        if (!(units.scale[i] > 0))
          fail_input(
              file.path() + ": coordinate " + info.dim_names[i] +
              " has the same value in half of the training rows, so that its quartiles give no scale; use "
              "data.standardise = true, or leave it out");
        continue;
      }
      units.mean[i] = moments.mean[i];
      units.scale[i] = std::sqrt(variance);
    }
  });
  comm.broadcast(units.mean);
  comm.broadcast(units.scale);
  return units;
}

}  // namespace rhoflux::data
