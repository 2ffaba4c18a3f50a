// Speed of one training step of the numerical core on one device, without MPI and files: batch, values and gradient of
// the objective, norm, clipping, Adam; at the default network, float. Beside it, in the same run, the products of an
// unmasked network of the same layers, the whole batch at a time, and a copy in the memory of the device.
// Prints one line a measurement, the columns named in its head. See --help.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "launch_counter.hpp"
#include "product_chain.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/loops.hpp"
#include "rhoflux/objectives/objective.hpp"
#include "rhoflux/optim/adam.hpp"
#include "timing.hpp"

namespace {

using namespace rhoflux;
using namespace benchmarks;
using Scalar = float;

struct Options {
  int n_dims = 5, chunk = 0, rounds = 5, copied_mebibytes = 256;
  std::vector<int> batches = {1024, 4096, 16384, 65536};
  std::string terms = "all";
  std::string matrix_precision = "full";
  bool counts_launches = false;
  double seconds = 0.4;  ///< length of one measurement
};

MatrixPrecision precision_of(const Options& options) {
  if (options.matrix_precision == "full") return MatrixPrecision::full;
  if (options.matrix_precision != "tf32" || !offers_tf32)
    fail_input("--matrix-precision " + options.matrix_precision + ": must be full" +
               (offers_tf32 ? " or tf32" : " on " + backend_name()));
  return MatrixPrecision::tf32;
}

/// The terms beside the likelihood of data.
struct Terms {
  const char* name;
  bool has_kinetic;
  flux::Kind flux;
};
constexpr Terms all_terms[] = {{"nll", false, flux::Kind::triangular},
                               {"kinetic_triangular", true, flux::Kind::triangular},
                               {"kinetic_sigmoid", true, flux::Kind::sigmoid}};

std::vector<Terms> chosen_terms(const std::string& name) {
  std::vector<Terms> chosen;
  for (const Terms& terms : all_terms)
    if (name == "all" || name == terms.name) chosen.push_back(terms);
  if (chosen.empty())
    fail_input("--terms " + name + ": must be nll, kinetic_triangular, kinetic_sigmoid or all");
  return chosen;
}

constexpr int n_rows = 20000;

/// Normal numbers (Box & Muller 1958), those of a row beside each other.
std::vector<double> make_values(int n_dims) {
  const RandomStream random(1, RandomPurpose::data_generation, 0);
  std::vector<double> values;
  for (int row = 0; row < n_rows; ++row)
    for (int i = 0; i < n_dims; ++i) {
      const RandomStream::Pair pair =
          random.uniforms(static_cast<std::uint64_t>(row), static_cast<std::uint32_t>(i));
      values.push_back(std::sqrt(-2 * std::log(pair.first)) * std::cos(2 * math::pi * pair.second));
    }
  return values;
}

/// The rows that a batch is drawn from, in the memory of the execution space, sorted by time.
struct Rows {
  Vector<Scalar> tau;  ///< (n_rows)
  Matrix<Scalar> x;    ///< (n_dims, n_rows)
};

Rows make_rows(int n_dims, const std::vector<double>& values) {
  const Rows rows = {make_vector<Scalar>("tau", n_rows), make_matrix<Scalar>("x", n_dims, n_rows)};
  const auto tau = Kokkos::create_mirror_view(rows.tau);
  const auto x = Kokkos::create_mirror_view(rows.x);
  auto value = values.begin();
  for (int row = 0; row < n_rows; ++row) {
    tau(row) = static_cast<Scalar>(row) / static_cast<Scalar>(n_rows);
    for (int i = 0; i < n_dims; ++i) x(i, row) = static_cast<Scalar>(*value++);
  }
  Kokkos::deep_copy(rows.tau, tau);
  Kokkos::deep_copy(rows.x, x);
  return rows;
}

/// Sample i of a batch of B is row floor((i + U) N / B), as in data/shard.hpp.
void draw_rows(const ExecutionSpace& space, const Rows& rows, const RandomStream& random, std::int64_t batch,
               std::int64_t first_sample, const density::Points<Scalar>& points,
               const Vector<Scalar>& weight) {
  const Vector<Scalar> tau_in = rows.tau, tau = points.tau;
  const Matrix<Scalar> x_in = rows.x, x = points.x;
  const std::int64_t last = n_rows - 1;
  const double rows_per_sample = static_cast<double>(n_rows) / static_cast<double>(batch);
  const int n_dims = static_cast<int>(x.extent(0));
  for_each(
      space, "draw rows", points.size(), KOKKOS_LAMBDA(int s) {
        const std::int64_t sample = first_sample + s;
        const double uniform = random.uniforms(static_cast<std::uint64_t>(sample), 0).first;
        const auto drawn =
            static_cast<std::int64_t>((static_cast<double>(sample) + uniform) * rows_per_sample);
        const std::int64_t row = drawn > last ? last : drawn;
        tau(s) = tau_in(row);
        weight(s) = 1;
        for (int i = 0; i < n_dims; ++i) x(i, s) = x_in(i, row);
      });
}

class RowStream final : public objectives::SampleStream<Scalar> {
 public:
  RowStream(Rows rows, std::int64_t batch) : m_rows(std::move(rows)), m_batch(batch) {}
  void draw(const ExecutionSpace& space, const objectives::SampleSet& samples,
            const density::Points<Scalar>& points, const Vector<Scalar>& weight,
            const Vector<Scalar>&) const override {
    const RandomStream random(1, RandomPurpose::batch, static_cast<std::uint64_t>(samples.step));
    draw_rows(space, m_rows, random, m_batch, samples.first, points, weight);
  }

 private:
  Rows m_rows;
  std::int64_t m_batch;
};

/// The step of training::Trainer on one rank with one thread.
class TrainingStep {
 public:
  /// @param values (n_rows, n_dims) data
  TrainingStep(const Options& options, const Terms& terms, int batch, const std::vector<double>& values)
      : m_batch(batch),
        m_chunk(std::min(batch, options.chunk > 0 ? options.chunk : largest_training_chunk)),
        m_dynamics(
            {}, flux_config(terms), options.n_dims,
            {m_chunk,
             terms.has_kinetic ? flux::Dynamics<Scalar>::Use::adjoint : flux::Dynamics<Scalar>::Use::density,
             precision_of(options)}),
        m_objective(
            objective_config(terms), m_dynamics, {Units::identity(options.n_dims), {}, batch, 1, m_chunk},
            {std::make_shared<RowStream>(make_rows(options.n_dims, values), batch), nullptr, nullptr, {}}) {
    const std::vector<double> initial = m_dynamics.initialise({options.n_dims, values}, 1);
    const int size = static_cast<int>(initial.size());
    m_parameters = make_vector<Scalar>("parameters", size);
    m_gradient = make_vector<Scalar>("gradient", size);
    m_totals = make_matrix<double>("totals", 2, static_cast<int>(m_objective.n_terms()) + 1);
    m_totals_on_host = Kokkos::create_mirror_view(m_totals);
    m_adam = {make_vector<Scalar>("m", size), make_vector<Scalar>("v", size)};
    const auto host = Kokkos::create_mirror_view(m_parameters);
    for (int k = 0; k < size; ++k) host(k) = static_cast<Scalar>(initial[static_cast<std::size_t>(k)]);
    Kokkos::deep_copy(m_parameters, host);
  }

  int chunk() const { return m_chunk; }

  void run(const ExecutionSpace& space) {
    const double norm = accumulate(space);
    if (!std::isfinite(norm)) fail_numerics("the gradient of a step has norm " + formatted("%g", norm));
    ++m_step;
    optim::adam_step(space, {}, m_step, 1e-5, norm > 1.0 ? 1.0 / norm : 1.0, m_gradient, m_adam,
                     m_parameters);
  }

 private:
  static flux::Config flux_config(const Terms& terms) {
    flux::Config config;
    config.kind = terms.flux;
    return config;
  }
  static objectives::Config objective_config(const Terms& terms) {
    objectives::Config config;
    if (terms.has_kinetic) {
      config.schedule("kinetic").weight = 0.01;
      config.schedule("kinetic").saturation = 100;
    }
    return config;
  }

  /// @return norm of the gradient
  double accumulate(const ExecutionSpace& space) {
    Kokkos::deep_copy(space, m_gradient, Scalar(0));
    Kokkos::deep_copy(space, m_totals, 0.0);
    m_objective.accumulate(space, m_parameters, m_step, {0, m_batch}, m_objective.weights_at(m_step),
                           m_gradient, m_totals);
    optim::add_squared_norm(space, m_gradient, objectives::totals_of(m_totals, m_objective.n_terms(), 1, 1));
    Kokkos::deep_copy(m_totals_on_host, m_totals);
    for (std::size_t k = 0; k < m_objective.n_terms(); ++k)
      if (!std::isfinite(m_totals_on_host(0, k)))
        fail_numerics("a term of a step is " + formatted("%g", m_totals_on_host(0, k)));
    return std::sqrt(m_totals_on_host(0, m_objective.n_terms()));
  }

  std::int64_t m_batch;
  int m_chunk;
  flux::Dynamics<Scalar> m_dynamics;
  objectives::Objective<Scalar> m_objective;
  Vector<Scalar> m_parameters, m_gradient;
  Matrix<double> m_totals;  ///< (2, n_terms + 1): of the terms, and the squared norm of the gradient
  Kokkos::View<double**, Kokkos::LayoutLeft, Kokkos::HostSpace> m_totals_on_host;
  optim::AdamState<Scalar> m_adam;
  std::int64_t m_step = 0;
};

/// One line of the output.
struct Measurement {
  const char* program;
  const char* terms;
  int n_dims, batch;
  double seconds;
};

void print(const Measurement& line, const std::string& more = "") {
  std::printf("%s %s %d %d %.4f %.0f%s\n", line.program, line.terms, line.n_dims, line.batch,
              1e3 * line.seconds, line.batch / line.seconds, more.c_str());
  std::fflush(stdout);
}

void print_launches(const ExecutionSpace& space, TrainingStep& step, const Terms& terms, int batch) {
  step.run(space);  // the first step may set things up
  space.fence();
  const LaunchCounter counter;
  step.run(space);
  const LaunchCounts& counts = counter.counts();
  std::printf("launches %s %d %d %d %d %d %d\n", terms.name, batch, counts.parallel_for,
              counts.parallel_reduce, counts.deep_copy, counts.fence, counts.product);
  std::fflush(stdout);
}

void measure_steps(const Options& options, const ExecutionSpace& space, const Terms& terms) {
  const std::vector<double> values = make_values(options.n_dims);
  for (const int batch : options.batches) {
    TrainingStep step(options, terms, batch, values);
    const double seconds = seconds_per_call(space, options.rounds, options.seconds, [&] { step.run(space); });
    print({"rhoflux", terms.name, options.n_dims, batch, seconds}, " " + std::to_string(step.chunk()));
    if (options.counts_launches) print_launches(space, step, terms, batch);
  }
}

void measure_products(const Options& options, const ExecutionSpace& space) {
  for (const int batch : options.batches) {
    const auto chain = make_chain<Scalar>({options.n_dims, 1, batch, precision_of(options)});
    const double seconds =
        seconds_per_call(space, options.rounds, options.seconds, [&] { chain.run(space); });
    print({"dense_products", "nll", options.n_dims, batch, seconds},
          " " + formatted("%.0f", 1e-9 * chain.operations() / seconds));
  }
}

/// Bytes read and written a second.
void measure_copy(const Options& options, const ExecutionSpace& space) {
  const int mebibytes = options.copied_mebibytes,
            size = mebibytes * (1048576 / static_cast<int>(sizeof(Scalar)));
  const auto from = make_vector<Scalar>("from", size), to = make_vector<Scalar>("to", size);
  const double seconds =
      seconds_per_call(space, options.rounds, options.seconds, [&] { Kokkos::deep_copy(space, to, from); });
  std::printf("copy %d %.4f %.1f\n", mebibytes, 1e3 * seconds, 2e-9 * mebibytes * 1048576 / seconds);
}

void benchmark(const Options& options) {
  const std::vector<Terms> chosen = chosen_terms(options.terms);
  if (options.batches.empty() || *std::min_element(options.batches.begin(), options.batches.end()) < 1)
    fail_input("--batch: must be numbers from 1 on");
  if (options.rounds < 1) fail_input("--rounds: must be 1 or more");
  if (options.copied_mebibytes < 1 || options.copied_mebibytes > 4096)
    fail_input("--copy: must be from 1 to 4096");
  const ExecutionSpace space;
  std::printf("# %s, %s, float, Kokkos %d\n", backend_name().c_str(), blas_name().c_str(), KOKKOS_VERSION);
  std::printf("# rhoflux term D batch median_ms samples_per_s chunk\n");
  if (options.counts_launches)
    std::printf("# launches term batch parallel_for parallel_reduce deep_copy fence product\n");
  std::printf("# dense_products term D batch median_ms samples_per_s GFLOP_per_s\n");
  std::printf("# copy MiB median_ms GB_per_s\n");
  for (const Terms& terms : chosen) measure_steps(options, space, terms);
  if (!chosen.front().has_kinetic) measure_products(options, space);
  measure_copy(options, space);
}

}  // namespace

int main(int argc, char** argv) {
  rhoflux::ensure_blas_environment(argv);
  Options options;
  OptionTable table("objective_step: speed of one training step of the numerical core");
  table.add("dims", &options.n_dims, "D")
      .add("batch", &options.batches, "samples a step, one or several")
      .add("terms", &options.terms, "nll, kinetic_triangular, kinetic_sigmoid (with the nll) or all")
      .add("matrix-precision", &options.matrix_precision, "full or, on a device that has it, tf32")
      .add("chunk", &options.chunk, "samples that go through the network together; 0: as in training")
      .add("rounds", &options.rounds, "measurements, of which the median is printed")
      .add("seconds", &options.seconds, "length of one measurement")
      .add("copy", &options.copied_mebibytes, "MiB that are copied to measure the memory")
      .add("launches", &options.counts_launches, "count what a step launches, as Kokkos reports it to tools");
  return run_benchmark(table, argc, argv, [&] { benchmark(options); });
}
