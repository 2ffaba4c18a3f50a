#include "rhoflux/data/measure.hpp"

#include <cmath>

#include "rhoflux/core/error.hpp"
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

}  // namespace

Units measure(const io::PopulationFile& file, const mpi::Communicator& comm, Scaling scaling) {
  const io::PopulationInfo& info = file.info();
  const auto dims = static_cast<std::size_t>(info.n_dims);
  Units units = Units::identity(info.n_dims);
  const TimeSpan span = time_span(file, comm);
  units.t_first = span.first;
  units.t_last = span.last;
  if (info.count(io::Split::train) < 2)
    fail_input(file.path() + ": the training split has " + std::to_string(info.count(io::Split::train)) +
               " rows; at least 2 are needed");
  mpi::on_root(comm, [&] {
    RunningMoments moments;
    file.for_each_piece(io::Split::train, [&](const io::PopulationRows& rows) { moments.add(rows); });
    if (moments.count < 2) fail_input(file.path() + ": fewer than 2 training rows have a weight above 0");
    const auto count = static_cast<double>(moments.count);
    for (std::size_t i = 0; i < dims; ++i) {
      const double variance = moments.squares[i] / moments.weight * count / (count - 1);
      if (!(variance > 0))
        fail_input(file.path() + ": coordinate " + info.dim_names[i] +
                   " has the same value in every training row; a density needs it to vary (leave it out)");
      if (scaling == Scaling::none) continue;
      units.mean[i] = moments.mean[i];
      units.scale[i] = std::sqrt(variance);
    }
  });
  comm.broadcast(units.mean);
  comm.broadcast(units.scale);
  return units;
}

}  // namespace rhoflux::data
