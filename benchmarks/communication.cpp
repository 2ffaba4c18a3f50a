// Time of the sum of a gradient over ranks, and what a model of it says for more ranks than are here.
//
// The model is that of recursive halving and doubling (Rabenseifner 2004; Thakur, Rabenseifner & Gropp 2005),
// which MPI libraries use for long vectors: n bytes on p = 2^k ranks take
//   T(p) = 2 log2(p) alpha + 2 (p - 1) / p n beta,
// alpha the time of a message, 1 / beta the bandwidth. Other numbers of ranks are first folded to the power of two below them, and
// the result is sent to those that were left out: 3 alpha + 2 n beta more. On the two ranks of this run T = 2 alpha + n beta,
// whose line is fitted to the medians over message sizes. The sum in fixed order (parallel::BucketSum) sends each rank its slice
// of every lane, and the sums back: with l lanes a rank
//   T(p) = 2 (p - 1) alpha + (l + 1) (p - 1) / p n beta.
// On more ranks than two the program compares both with what it measures, if --latency and --bandwidth say what two ranks have
// measured (benchmarks/network.py). See --help.
#include <mpi.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "rank_timing.hpp"
#include "rhoflux/density/density.hpp"
#include "rhoflux/parallel/bucket_sum.hpp"
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
  int lanes = 8;          ///< of the sum in fixed order
};

struct Network {
  double alpha, beta;  ///< seconds; seconds a byte
  double time(int ranks, double bytes) const {
    int folded = 1, doublings = 0;
    for (; 2 * folded <= ranks; folded *= 2) ++doublings;
    const double time = 2 * doublings * alpha + 2.0 * (folded - 1) / folded * bytes * beta;
    return folded == ranks ? time : time + 3 * alpha + 2 * bytes * beta;
  }
  /// Of the sum in fixed order of so many lanes in all.
  double time_in_order(int ranks, double bytes, int lanes) const {
    const double a_rank = std::ceil(static_cast<double>(lanes) / ranks);
    return 2.0 * (ranks - 1) * alpha + (a_rank + 1) * (ranks - 1) / ranks * bytes * beta;
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

/// Seconds of the sum of so many numbers as training does it, without what goes with it.
double time_of_sum(const mpi::Communicator& comm, const Options& options, int count) {
  const parallel::BatchPartition partition(comm, 1024, 0);
  const std::vector<Vector<Scalar>> lanes = {make_vector<Scalar>("gradient", count)};
  parallel::BucketSum<Scalar> sum(comm, partition, lanes, count);
  return seconds_of(comm, options, [&] { sum.finish(); });
}

/// Seconds that the sum of a gradient takes, all of it after the backward pass. @param lanes 0: in any order
double time_of_gradient(const mpi::Communicator& comm, const Options& options, int size, int lanes) {
  const parallel::BatchPartition partition(comm, 1024, lanes);
  parallel::GradientReduction<Scalar> reduction(comm, partition, size);
  const std::vector<double> values(static_cast<std::size_t>(reduction.n_local_lanes()), 0.0);
  return seconds_of(comm, options, [&] { (void)reduction.sum(values, 1); });
}

void print_more_ranks(const Options& options, const Network& network,
                      const network::ParameterLayout& layout) {
  const double bytes = static_cast<double>(layout.size()) * sizeof(Scalar);
  double last_bytes = 0;  // of degree 0, which the backward pass comes to last
  for (const network::ParameterBlock& block : layout.blocks())
    if (block.name.find("/degree0/") != std::string::npos) last_bytes += block.size() * sizeof(Scalar);
  std::printf("model with alpha %.2f us, bandwidth %.4g GB/s\n%8s %12s", 1e6 * network.alpha,
              1e-9 / network.beta, "ranks", "us");
  if (options.step > 0) std::printf("  efficiency  the same, sum during the last chunk's backward pass");
  std::printf("\n");
  for (const int ranks : {2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 8192, 10000}) {
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

void benchmark(const Options& options, const mpi::Communicator& comm) {
  const density::Config config;
  const network::ParameterLayout layout =
      density::make_density<Scalar>(config, options.n_dims, {1})->layout();
  const int size = layout.size();
  const double bytes = static_cast<double>(size) * sizeof(Scalar);
  std::vector<double> lengths, times;
  if (comm.is_root()) std::printf("sum over %d ranks\n%12s %12s\n", comm.size(), "bytes", "us");
  for (int count = 1; count <= 1 << 20; count *= 4) {
    lengths.push_back(static_cast<double>(count) * sizeof(Scalar));
    times.push_back(time_of_sum(comm, options, count));
    if (comm.is_root()) std::printf("%12.0f %12.1f\n", lengths.back(), 1e6 * times.back());
  }
  const double plain = time_of_gradient(comm, options, size, 0);
  const double in_order = time_of_gradient(comm, options, size, options.lanes);
  if (!comm.is_root()) return;
  std::printf(
      "gradient of %d numbers: plain sum %.0f us; %d lanes in fixed order %.0f us, %.2f of the plain sum\n",
      size, 1e6 * plain, options.lanes, 1e6 * in_order, in_order / plain);
  Network network = {1e-6 * options.latency, options.bandwidth > 0 ? 1e-9 / options.bandwidth : 0};
  if (comm.size() == 2) {
    const Network fitted = fit(lengths, times);
    std::printf("fitted: alpha %.2f us, bandwidth %.4g GB/s\n", 1e6 * fitted.alpha, 1e-9 / fitted.beta);
    if (options.latency == 0) network.alpha = fitted.alpha;
    if (options.bandwidth == 0) network.beta = fitted.beta;
  }
  const bool is_other = comm.size() == 2 && (options.latency > 0 || options.bandwidth > 0);
  if (network.beta > 0 && !is_other) {
    const double model = network.time(comm.size(), bytes);
    const double model_in_order = network.time_in_order(comm.size(), bytes, options.lanes);
    std::printf("measured / model: plain sum %.2f, in fixed order %.2f\n", plain / model,
                in_order / model_in_order);
  }
  if (comm.size() == 2) print_more_ranks(options, network, layout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  OptionTable table("communication: time of the sum of a gradient over ranks");
  table.add("dims", &options.n_dims, "dimensions of the model")
      .add("rounds", &options.rounds, "measurements of each")
      .add("step", &options.step, "milliseconds of computing in a step, for the efficiency")
      .add("latency", &options.latency, "microseconds, of another network")
      .add("bandwidth", &options.bandwidth, "GB/s, of another network")
      .add("lanes", &options.lanes, "lanes of the sum in fixed order");
  return run_benchmark_on_ranks(table, argc, argv, [&] {
    const mpi::Communicator comm(MPI_COMM_WORLD);
    benchmark(options, comm);
  });
}
