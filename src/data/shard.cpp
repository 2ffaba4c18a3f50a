#include "rhoflux/data/shard.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/random.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::data {

template <class Scalar>
Shard<Scalar> read_shard(const io::PopulationFile& file, io::Split split, mpi::Share rows, const Units& units,
                         double mean_weight) {
  const io::PopulationRows data = file.read_split(split, rows.begin, rows.end);
  const int n = static_cast<int>(data.size()), n_dims = units.n_dims();
  Shard<Scalar> shard;
  shard.begin = rows.begin;
  shard.total = file.info().count(split);
  shard.tau = make_vector<Scalar>("tau", n);
  shard.x = make_matrix<Scalar>("x", n_dims, n);
  shard.weight = make_vector<Scalar>("weight", n);
  const auto tau = Kokkos::create_mirror_view(shard.tau);
  const auto x = Kokkos::create_mirror_view(shard.x);
  const auto weight = Kokkos::create_mirror_view(shard.weight);
  for (int row = 0; row < n; ++row) {
    const auto r = static_cast<std::size_t>(row), dims = static_cast<std::size_t>(n_dims);
    tau(row) = static_cast<Scalar>(units.tau(data.t[r]));
    weight(row) = static_cast<Scalar>(data.weight[r] / mean_weight);
    for (std::size_t i = 0; i < dims; ++i)
      x(i, row) = static_cast<Scalar>(units.to_model(data.x[r * dims + i], i));
  }
  Kokkos::deep_copy(shard.tau, tau);
  Kokkos::deep_copy(shard.x, x);
  Kokkos::deep_copy(shard.weight, weight);
  return shard;
}

double mean_weight(const io::PopulationFile& file, const mpi::Communicator& comm) {
  double mean = 1.0;
  if (!file.info().has_weight) return mean;
  mpi::on_root(comm, [&] {
    double sum = 0;
    file.for_each_piece(io::Split::train, [&](const io::PopulationRows& rows) {
      for (const double w : rows.weight) sum += w;
    });
    mean = sum / static_cast<double>(file.info().count(io::Split::train));
  });
  comm.broadcast(&mean, sizeof(mean));
  return mean;
}

density::InitialRows initial_rows(const io::PopulationFile& file, const mpi::Communicator& comm,
                                  const Units& units, std::int64_t max_rows) {
  density::InitialRows rows;
  rows.n_dims = units.n_dims();
  const auto dims = static_cast<std::size_t>(rows.n_dims);
  mpi::on_root(comm, [&] {
    const std::int64_t count = file.info().count(io::Split::train);
    const std::int64_t stride = (count + max_rows - 1) / max_rows;
    std::int64_t index = 0;
    file.for_each_piece(io::Split::train, [&](const io::PopulationRows& piece) {
      for (std::size_t row = 0; row < piece.t.size(); ++row, ++index) {
        if (index % stride != 0) continue;
        for (std::size_t i = 0; i < dims; ++i) rows.x.push_back(units.to_model(piece.x[row * dims + i], i));
      }
    });
  });
  comm.broadcast(rows.x);
  return rows;
}

mpi::Share rows_for_samples(mpi::Share samples, std::int64_t batch, std::int64_t n_rows) {
  const auto scale = static_cast<double>(n_rows) / static_cast<double>(batch);
  const auto begin = static_cast<std::int64_t>(std::floor(static_cast<double>(samples.begin) * scale));
  const auto end = static_cast<std::int64_t>(std::ceil(static_cast<double>(samples.end) * scale));
  return {std::min(begin, n_rows - 1), std::min(end, n_rows)};
}

template <class Scalar>
void draw_batch(const ExecutionSpace& space, const Shard<Scalar>& shard, const BatchConfig& config,
                std::int64_t first_sample, const density::Points<Scalar>& points,
                const Vector<Scalar>& weight) {
  const RandomStream random(config.seed, config.purpose, static_cast<std::uint64_t>(config.step));
  const double rows_per_sample = static_cast<double>(shard.total) / static_cast<double>(config.batch);
  const std::int64_t shard_begin = shard.begin, last = shard.begin + shard.size() - 1;
  const Vector<Scalar> tau_in = shard.tau, weight_in = shard.weight, tau = points.tau;
  const Matrix<Scalar> x_in = shard.x, x = points.x;
  const int n_dims = static_cast<int>(x.extent(0));
  const double jitter = config.jitter;
  for_each(
      space, "draw batch", points.size(), KOKKOS_LAMBDA(int s) {
        const std::int64_t sample = first_sample + s;
        const auto index = static_cast<std::uint64_t>(sample);
        const double uniform = random.uniforms(index, 0).first;
        const auto drawn =
            static_cast<std::int64_t>((static_cast<double>(sample) + uniform) * rows_per_sample);
        const std::int64_t row = (drawn > last ? last : drawn) - shard_begin;
        tau(s) = tau_in(row);
        weight(s) = weight_in(row);
        for (int i = 0; i < n_dims; ++i) {
          x(i, s) = x_in(i, row);
          if (jitter == 0) continue;
          const RandomStream::Pair pair = random.uniforms(index, static_cast<std::uint32_t>(1 + i));
          double sine, cosine;  // Box & Muller 1958
          math::sincos_turns(pair.second, sine, cosine);
          x(i, s) += static_cast<Scalar>(jitter * math::sqrt(-2.0 * math::log(pair.first)) * cosine);
        }
      });
}

template Shard<float> read_shard<float>(const io::PopulationFile&, io::Split, mpi::Share, const Units&,
                                        double);
template Shard<double> read_shard<double>(const io::PopulationFile&, io::Split, mpi::Share, const Units&,
                                          double);
template void draw_batch<float>(const ExecutionSpace&, const Shard<float>&, const BatchConfig&, std::int64_t,
                                const density::Points<float>&, const Vector<float>&);
template void draw_batch<double>(const ExecutionSpace&, const Shard<double>&, const BatchConfig&,
                                 std::int64_t, const density::Points<double>&, const Vector<double>&);

}  // namespace rhoflux::data
