#include "rhoflux/data/shard.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/random.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::data {

template <class Scalar>
Shard<Scalar> read_shard(const io::PopulationFile& file, io::Split split, mpi::Share rows, const Units& units,
                         const ConditionEncoding& conditions, double mean_weight) {
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
    // A row of weight 0 may hold anything, which 0 times its density must not turn into NaN.
    for (std::size_t i = 0; i < dims; ++i)
      x(i, row) =
          data.weight[r] > 0 ? static_cast<Scalar>(units.to_model(data.x[r * dims + i], i)) : Scalar(0);
  }
  if (!conditions.is_empty()) {
    shard.conditions = make_matrix<Scalar>("conditions", conditions.n_rows(), n);
    const auto encoded = Kokkos::create_mirror_view(shard.conditions);
    for (int row = 0; row < n; ++row)
      conditions.encode(&data.conditions[static_cast<std::size_t>(row) * conditions.n_variables()],
                        [&](int k, double number) { encoded(k, row) = static_cast<Scalar>(number); });
    Kokkos::deep_copy(shard.conditions, encoded);
  }
  Kokkos::deep_copy(shard.tau, tau);
  Kokkos::deep_copy(shard.x, x);
  Kokkos::deep_copy(shard.weight, weight);
  return shard;
}

template <class Scalar>
void read_growth(const io::PopulationFile& file, io::Split split, mpi::Share rows, Shard<Scalar>& shard) {
  const std::vector<double> rates = file.growth_of(split, rows.begin, rows.end);
  shard.growth = make_vector<Scalar>("growth rates of the rows", static_cast<int>(rates.size()));
  const auto host = Kokkos::create_mirror_view(shard.growth);
  for (std::size_t row = 0; row < rates.size(); ++row) host(row) = static_cast<Scalar>(rates[row]);
  Kokkos::deep_copy(shard.growth, host);
}

template void read_growth<float>(const io::PopulationFile&, io::Split, mpi::Share, Shard<float>&);
template void read_growth<double>(const io::PopulationFile&, io::Split, mpi::Share, Shard<double>&);

template <class Scalar>
void read_units(const io::PopulationFile& file, io::Split split, mpi::Share rows, const std::string& label,
                Shard<Scalar>& shard) {
  const std::vector<std::int32_t> codes =
      file.label_codes(label, file.read_split(split, rows.begin, rows.end).file_row);
  shard.units = Vector<std::int32_t>("bootstrap units", codes.size());
  const auto host = Kokkos::create_mirror_view(shard.units);
  std::copy(codes.begin(), codes.end(), host.data());
  Kokkos::deep_copy(shard.units, host);
}

template void read_units<float>(const io::PopulationFile&, io::Split, mpi::Share, const std::string&,
                                Shard<float>&);
template void read_units<double>(const io::PopulationFile&, io::Split, mpi::Share, const std::string&,
                                 Shard<double>&);

double mean_weight(const io::PopulationFile& file, const mpi::Communicator& comm) {
  if (!file.info().has_weight) return 1.0;
  return count_rows(file, io::Split::train, comm).weight /
         static_cast<double>(file.info().count(io::Split::train));
}

namespace {

/// Appends the rows of a file, in model units, that are to stand for all of its training rows.
class RowChooser {
 public:
  RowChooser(const io::PopulationFile& file, const Units& units, std::int64_t max_rows)
      : m_file(file), m_units(units), m_max_rows(max_rows) {}

  /// Every stride-th of the rows of weight above 0, whose weights are equal.
  std::vector<double> evenly(std::int64_t count) const {
    const std::int64_t stride = (count + m_max_rows - 1) / m_max_rows;
    std::vector<double> chosen;
    std::int64_t index = 0;
    for_each_row([&](const double* x, double) {
      if (index++ % stride == 0) append(x, chosen);
    });
    return chosen;
  }

  /// The rows in which the sum of weights passes (k + 1/2) / n of the whole, k = 0 .. n - 1, n = max_rows.
  std::vector<double> by_weight(double total) const {
    std::vector<double> chosen;
    const auto n = static_cast<double>(m_max_rows);
    std::int64_t taken = 0;
    double sum = 0;
    for_each_row([&](const double* x, double w) {
      sum += w;
      for (; taken < m_max_rows && (static_cast<double>(taken) + 0.5) / n * total < sum; ++taken)
        append(x, chosen);
    });
    return chosen;
  }

 private:
  template <class Visit>
  void for_each_row(const Visit& visit) const {
    const auto dims = static_cast<std::size_t>(m_units.n_dims());
    m_file.for_each_piece(io::Split::train, [&](const io::PopulationRows& piece) {
      for (std::size_t row = 0; row < piece.t.size(); ++row)
        if (piece.weight[row] > 0) visit(&piece.x[row * dims], piece.weight[row]);
    });
  }
  void append(const double* x, std::vector<double>& chosen) const {
    for (std::size_t i = 0; i < m_units.mean.size(); ++i) chosen.push_back(m_units.to_model(x[i], i));
  }

  const io::PopulationFile& m_file;
  const Units& m_units;
  std::int64_t m_max_rows;
};

}  // namespace

density::InitialRows initial_rows(const io::PopulationFile& file, const mpi::Communicator& comm,
                                  const Units& units, std::int64_t max_rows) {
  const RowCount count = count_rows(file, io::Split::train, comm);
  density::InitialRows rows;
  rows.n_dims = units.n_dims();
  mpi::on_root(comm, [&] {
    const RowChooser chooser(file, units, max_rows);
    rows.x = count.has_equal_weights() ? chooser.evenly(count.rows) : chooser.by_weight(count.weight);
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

namespace {

/// A normal number of mean 0 (Box & Muller 1958).
RHOFLUX_FUNCTION double normal(const RandomStream::Pair& pair, double deviation) {
  double sine, cosine;
  math::sincos_turns(pair.second, sine, cosine);
  return deviation * math::sqrt(-2.0 * math::log(pair.first)) * cosine;
}

/// A number within 1 of [0, 1], what is beyond an end mirrored there.
RHOFLUX_FUNCTION double reflected(double tau) {
  const double above = tau < 0 ? -tau : tau, inside = above > 1 ? 2 - above : above;
  return inside < 0 ? 0 : inside;
}

}  // namespace

template <class Scalar>
void draw_batch(const ExecutionSpace& space, const Shard<Scalar>& shard, const BatchConfig& config,
                std::int64_t first_sample, const density::Points<Scalar>& points,
                const Vector<Scalar>& weight, const Vector<Scalar>& growth) {
  const RandomStream random(config.seed, config.purpose, static_cast<std::uint64_t>(config.step));
  const double rows_per_sample = static_cast<double>(shard.total) / static_cast<double>(config.batch);
  const std::int64_t shard_begin = shard.begin, last = shard.begin + shard.size() - 1;
  const Vector<Scalar> tau_in = shard.tau, weight_in = shard.weight, tau = points.tau;
  const Vector<Scalar> growth_in = shard.growth;
  const bool has_growth = growth.extent(0) > 0;
  const Matrix<Scalar> x_in = shard.x, x = points.x, c_in = shard.conditions, c = points.conditions;
  const int n_conditions = static_cast<int>(c_in.extent(0));
  const int n_dims = static_cast<int>(x.extent(0));
  const double jitter = config.jitter, time_jitter = config.time_jitter;
  const Vector<std::int32_t> units = shard.units;
  const bool has_units = units.extent(0) > 0;
  const Replicate replicate = config.replicate;
  const std::uint64_t seed = config.seed;
  for_each(
      space, "draw batch", points.size(), KOKKOS_LAMBDA(int s) {
        const std::int64_t sample = first_sample + s;
        const auto index = static_cast<std::uint64_t>(sample);
        const double uniform = random.uniforms(index, 0).first;
        const auto drawn =
            static_cast<std::int64_t>((static_cast<double>(sample) + uniform) * rows_per_sample);
        const std::int64_t row = (drawn > last ? last : drawn) - shard_begin;
        tau(s) =
            time_jitter == 0
                ? tau_in(row)
                : static_cast<Scalar>(reflected(
                      static_cast<double>(tau_in(row)) +
                      normal(random.uniforms(index, static_cast<std::uint32_t>(1 + n_dims)), time_jitter)));
        weight(s) = weight_in(row);
        if (replicate.scale > 0) {
          const std::int64_t unit = has_units ? units(row) : shard_begin + row;
          weight(s) *= static_cast<Scalar>(
              replicate.scale * replicate_weight(seed, replicate.index, static_cast<std::uint64_t>(unit)));
        }
        if (has_growth) growth(s) = growth_in(row);
        for (int k = 0; k < n_conditions; ++k) c(k, s) = c_in(k, row);
        for (int i = 0; i < n_dims; ++i) {
          x(i, s) = x_in(i, row);
          if (jitter == 0) continue;
          x(i, s) +=
              static_cast<Scalar>(normal(random.uniforms(index, static_cast<std::uint32_t>(1 + i)), jitter));
        }
      });
}

template Shard<float> read_shard<float>(const io::PopulationFile&, io::Split, mpi::Share, const Units&,
                                        const ConditionEncoding&, double);
template Shard<double> read_shard<double>(const io::PopulationFile&, io::Split, mpi::Share, const Units&,
                                          const ConditionEncoding&, double);
template void draw_batch<float>(const ExecutionSpace&, const Shard<float>&, const BatchConfig&, std::int64_t,
                                const density::Points<float>&, const Vector<float>&, const Vector<float>&);
template void draw_batch<double>(const ExecutionSpace&, const Shard<double>&, const BatchConfig&,
                                 std::int64_t, const density::Points<double>&, const Vector<double>&,
                                 const Vector<double>&);

}  // namespace rhoflux::data
