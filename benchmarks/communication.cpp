// Time of the sum of a gradient over ranks, and what a model of it says for more ranks than are here.
//
// The model is that of recursive halving and doubling (Rabenseifner 2004; Thakur, Rabenseifner & Gropp 2005),
// which MPI libraries use for long vectors: n bytes on p ranks take
//   T(p) = 2 log2(p) alpha + 2 (p - 1) / p n beta,
// alpha the time of a message, 1 / beta the bandwidth. On the two ranks of this run T = 2 alpha + n beta,
// whose line is fitted to the medians over message sizes. See --help.
#include <mpi.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "rank_timing.hpp"
#include "rhoflux/density/density.hpp"
#include "rhoflux/parallel/gradient_reduction.hpp"

namespace {

using namespace rhoflux;
using namespace benchmarks;
using Scalar = float;

struct Options {
  int n_dims = 5, rounds = 9;
  double seconds = 0.05;  ///< length of one measurement
  double step = 0;        ///< milliseconds of computing in a step, of any rank
  double latency = 0;     ///< alpha, microseconds; 0: as measured
  double bandwidth = 0;   ///< 1 / beta, GB/s; 0: as measured
};

struct Network {
  double alpha, beta;  ///< seconds; seconds a byte
  double time(int ranks, double bytes) const {
    return 2 * std::log2(ranks) * alpha + 2.0 * (ranks - 1) / ranks * bytes * beta;
  }
};

/// Seconds of one call, the median over rounds.
template <class Work>
double seconds_of(const mpi::Communicator& comm, const Options& options, const Work& work) {
  std::vector<double> times;
  for (int round = 0; round < options.rounds; ++round)
    times.push_back(1 / rate(comm, options.seconds, 1, work));
  return median(times);
}

/// Least squares of the relative residual, so that short messages count as much as long ones.
Network fit(const std::vector<double>& bytes, const std::vector<double>& seconds) {
  double ww = 0, wn = 0, nn = 0, wt = 0, nt = 0;
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    const double weight = 1 / (seconds[k] * seconds[k]);
    ww += weight;
    wn += weight * bytes[k];
    nn += weight * bytes[k] * bytes[k];
    wt += weight * seconds[k];
    nt += weight * bytes[k] * seconds[k];
  }
  const double determinant = ww * nn - wn * wn;
  return {(nn * wt - wn * nt) / determinant / 2, (ww * nt - wn * wt) / determinant};
}

void benchmark(const Options& options, const mpi::Communicator& comm) {
  const density::Config config;
  const network::ParameterLayout layout =
      density::make_density<Scalar>(config, options.n_dims, {1})->layout();
  const int size = layout.size();
  const double bytes = static_cast<double>(size) * sizeof(Scalar);
  std::vector<double> lengths, times;
  std::vector<Scalar> buffer(std::size_t{1} << 22, Scalar(0));
  if (comm.is_root()) std::printf("sum over %d ranks\n%12s %12s\n", comm.size(), "bytes", "us");
  for (int count = 1; count <= 1 << 22; count *= 4) {
    lengths.push_back(static_cast<double>(count) * sizeof(Scalar));
    times.push_back(seconds_of(comm, options, [&] { comm.sum(buffer.data(), count); }));
    if (comm.is_root()) std::printf("%12.0f %12.1f\n", lengths.back(), 1e6 * times.back());
  }
  double plain = 0;
  for (const int lanes : {0, 8}) {
    const parallel::BatchPartition partition(comm, 1024, lanes);
    parallel::GradientReduction<Scalar> reduction(comm, partition, size);
    const std::vector<double> values(static_cast<std::size_t>(reduction.n_local_lanes()), 0.0);
    const double time = seconds_of(comm, options, [&] { (void)reduction.sum(values, 1); });
    if (lanes == 0) plain = time;
    if (comm.is_root())
      std::printf("gradient of %d numbers, %s: %.0f us, %.2f of the plain sum\n", size,
                  lanes == 0 ? "plain sum" : "8 lanes in fixed order", 1e6 * time, time / plain);
  }
  if (!comm.is_root() || comm.size() != 2) return;
  double last_bytes = 0;  // of degree 0, which the backward pass comes to last
  for (const network::ParameterBlock& block : layout.blocks())
    if (block.name.find("/degree0/") != std::string::npos) last_bytes += block.size() * sizeof(Scalar);
  Network network = fit(lengths, times);
  std::printf("fitted: alpha %.2f us, bandwidth %.2f GB/s; it gives %.0f us for the gradient\n",
              1e6 * network.alpha, 1e-9 / network.beta, 1e6 * network.time(2, bytes));
  if (options.latency > 0) network.alpha = 1e-6 * options.latency;
  if (options.bandwidth > 0) network.beta = 1e-9 / options.bandwidth;
  std::printf("model with alpha %.2f us, bandwidth %.2f GB/s\n%8s %12s", 1e6 * network.alpha,
              1e-9 / network.beta, "ranks", "us");
  if (options.step > 0) std::printf("  efficiency  the same, sum during the last chunk's backward pass");
  std::printf("\n");
  for (int ranks = 2; ranks <= 1024; ranks *= 2) {
    const double time = network.time(ranks, bytes), step = 1e-3 * options.step;
    std::printf("%8d %12.0f", ranks, 1e6 * time);
    // The gradient is complete after the last of four chunks (batch 512 a rank), half of which is the
    // backward pass, of whose time a third has gone by before the first message. The last one has nothing to
    // hide behind.
    const double exposed = std::max(time - step / 12, network.time(ranks, last_bytes));
    if (step > 0)
      std::printf("  %9.1f %%  %.1f %%", 100 * step / (step + time), 100 * step / (step + exposed));
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  OptionTable table("communication: time of the sum of a gradient over ranks");
  table.add("dims", &options.n_dims, "dimensions of the model")
      .add("rounds", &options.rounds, "measurements of each")
      .add("step", &options.step, "milliseconds of computing in a step, for the efficiency")
      .add("latency", &options.latency, "microseconds, of another network")
      .add("bandwidth", &options.bandwidth, "GB/s, of another network");
  return run_benchmark_on_ranks(table, argc, argv, [&] {
    const mpi::Communicator comm(MPI_COMM_WORLD);
    benchmark(options, comm);
  });
}
