// Speed of one training step on the negative log-likelihood: everything of a step (batch, gradient, reduction
// over ranks, Adam), against two chains of matrix products alone, measured in turn in the same run:
//   dense   the products of an unmasked network of the same layers, whole chunk at a time;
//   masked  the products that the step itself makes, and nothing else.
// Prints medians over rounds, and the time of each region. See --help.
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "product_chain.hpp"
#include "rank_timing.hpp"
#include "rhoflux/data/shard.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/blas_environment.hpp"
#include "rhoflux/device/profiling.hpp"
#include "rhoflux/optim/adam.hpp"
#include "rhoflux/parallel/gradient_reduction.hpp"

namespace {

using namespace rhoflux;
using namespace benchmarks;
using Scalar = float;

struct Options {
  int n_dims = 5, batch = 1024, chunk = default_chunk_size, rounds = 15, lanes = 0;
  bool overlap = true;   ///< of the sum over ranks with the backward pass
  double seconds = 0.4;  ///< length of one measurement
};

class Step {
 public:
  Step(const Options& options, const mpi::Communicator& comm)
      : m_options(options), m_partition(comm, options.batch, options.lanes) {
    const int d = options.n_dims;
    m_density = density::make_density<Scalar>({}, d, {options.chunk});
    density::InitialRows rows{d, {}};
    for (int k = 0; k < 1000 * d; ++k) rows.x.push_back(std::sin(0.37 * k) * 1.5);
    const std::vector<double> initial = m_density->initialise(rows, 1);
    const int size = static_cast<int>(initial.size());
    m_parameters = make_vector<Scalar>("parameters", size);
    const auto host = Kokkos::create_mirror_view(m_parameters);
    for (int k = 0; k < size; ++k) host(k) = static_cast<Scalar>(initial[static_cast<std::size_t>(k)]);
    Kokkos::deep_copy(m_parameters, host);
    m_adam = {make_vector<Scalar>("m", size), make_vector<Scalar>("v", size)};
    const int n = 20000;
    m_shard = {0, n, make_vector<Scalar>("tau", n), make_matrix<Scalar>("x", d, n),
               make_vector<Scalar>("weight", n)};
    const auto tau = Kokkos::create_mirror_view(m_shard.tau);
    const auto x = Kokkos::create_mirror_view(m_shard.x);
    for (int s = 0; s < n; ++s) {
      tau(s) = static_cast<Scalar>(s) / static_cast<Scalar>(n);
      for (int i = 0; i < d; ++i) x(i, s) = static_cast<Scalar>(1.5 * std::sin(0.61 * s * (i + 1)));
    }
    Kokkos::deep_copy(m_shard.tau, tau);
    Kokkos::deep_copy(m_shard.x, x);
    Kokkos::deep_copy(m_shard.weight, Scalar(1));
    m_points = {make_vector<Scalar>("tau", options.chunk), make_matrix<Scalar>("x", d, options.chunk)};
    m_weight = make_vector<Scalar>("weight", options.chunk);
    m_log_rho = make_vector<Scalar>("log rho", options.chunk);
    m_reduction = std::make_unique<parallel::GradientReduction<Scalar>>(comm, m_partition, size);
    m_values.assign(static_cast<std::size_t>(m_reduction->n_local_lanes()), 0.0);
    if (options.overlap) m_density->set_gradient_listener(m_reduction.get());
  }

  void run(const ExecutionSpace& space) {
    ++m_step;
    if (m_options.overlap) m_reduction->watch({true});
    const mpi::Share lanes = m_partition.local_lanes();
    for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane) {
      const Vector<Scalar>& gradient = m_reduction->lane(static_cast<int>(lane - lanes.begin));
      Kokkos::deep_copy(space, gradient, Scalar(0));
      const mpi::Share samples = m_partition.samples_of(lane);
      for (std::int64_t first = samples.begin; first < samples.end; first += m_options.chunk) {
        const auto part = Kokkos::make_pair(
            0, static_cast<int>(std::min<std::int64_t>(m_options.chunk, samples.end - first)));
        const density::Points<Scalar> points = {Kokkos::subview(m_points.tau, part),
                                                Kokkos::subview(m_points.x, Kokkos::ALL, part)};
        {
          const ScopedRegion region("draw batch");
          data::draw_batch(space, m_shard, {RandomPurpose::batch, 1, m_step, m_options.batch, 0.0}, first,
                           points, m_weight);
        }
        const ScopedRegion region("gradient");
        m_density->log_density_gradient(space, m_parameters, points, m_weight, m_log_rho, gradient);
      }
    }
    {
      const ScopedRegion region("reduce gradient");
      m_reduction->sum(m_values, 1);
    }
    const ScopedRegion region("Adam");
    optim::adam_step(space, {}, m_step, 1e-5, -1.0 / m_options.batch, m_reduction->lane(0), m_adam,
                     m_parameters);
  }

 private:
  Options m_options;
  parallel::BatchPartition m_partition;
  std::unique_ptr<density::Density<Scalar>> m_density;
  Vector<Scalar> m_parameters, m_weight, m_log_rho;
  optim::AdamState<Scalar> m_adam;
  data::Shard<Scalar> m_shard;
  density::Points<Scalar> m_points;
  std::unique_ptr<parallel::GradientReduction<Scalar>> m_reduction;
  std::vector<double> m_values;
  std::int64_t m_step = 0;
};

void benchmark(const Options& options, const mpi::Communicator& comm) {
  const ExecutionSpace space;
  Step step(options, comm);
  const int d = options.n_dims, chunk = options.chunk;
  const auto dense = make_chain<Scalar>({d, 1, chunk}), masked = make_chain<Scalar>({d, d, chunk});
  std::vector<double> steps, dense_rates, masked_rates, to_dense, to_masked;
  const double chunk_samples = static_cast<double>(options.chunk) * comm.size();
  for (int round = 0; round < options.rounds; ++round) {
    steps.push_back(rate(comm, options.seconds, options.batch, [&] { step.run(space); }));
    dense_rates.push_back(rate(comm, options.seconds, chunk_samples, [&] {
      dense.run(space);
      space.fence();
    }));
    masked_rates.push_back(rate(comm, options.seconds, chunk_samples, [&] {
      masked.run(space);
      space.fence();
    }));
    to_dense.push_back(steps.back() / dense_rates.back());
    to_masked.push_back(steps.back() / masked_rates.back());
  }
  if (!comm.is_root()) return;
  std::printf("D %d  batch %d  chunk %d  ranks %d  lanes %d  float  %s\n", options.n_dims, options.batch,
              options.chunk, comm.size(), options.lanes, blas_name().c_str());
  std::printf("nll step             %9.0f samples/s (median of %d rounds)\n", median(steps), options.rounds);
  std::printf("dense product chain  %9.0f samples/s;  step/dense  %.2f\n", median(dense_rates),
              median(to_dense));
  std::printf("masked product chain %9.0f samples/s;  step/masked %.2f\n", median(masked_rates),
              median(to_masked));
  double total = 0;
  for (const auto& entry : RegionTimes::instance().entries()) total += entry.seconds;
  for (const auto& entry : RegionTimes::instance().entries())
    std::printf("  %-18s %5.1f %% of the step on rank 0\n", entry.name.c_str(), 100 * entry.seconds / total);
}

/// Waits for all ranks without keeping a core busy.
void wait_idle(const mpi::Communicator& comm) {
  MPI_Request request = MPI_REQUEST_NULL;
  mpi::check_mpi(MPI_Ibarrier(comm.handle(), &request), "MPI_Ibarrier");
  for (int done = 0; done == 0; std::this_thread::sleep_for(std::chrono::milliseconds(1)))
    mpi::check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
}

/// Weak scaling, `batch` samples a rank: in turn a step of the root alone, of every rank alone at the same
/// time, which is what the machine allows, and of all together, with the plain sum of the gradients during
/// and after the backward pass, and with the one in fixed order.
void benchmark_weak_scaling(const Options& options, const mpi::Communicator& comm) {
  const ExecutionSpace space;
  const mpi::Communicator self(MPI_COMM_SELF);
  Options single_rank = options, whole = options;
  single_rank.lanes = whole.lanes = 0;
  whole.batch = options.batch * comm.size();
  Options late = whole, ordered = whole, late_ordered = whole;
  late.overlap = late_ordered.overlap = false;
  ordered.lanes = late_ordered.lanes = 8;
  Step alone(single_rank, self), together(whole, comm), afterwards(late, comm), in_order(ordered, comm),
      in_order_afterwards(late_ordered, comm);
  std::vector<double> scaling, ceiling, to_ceiling, order, overlap, ordered_overlap;
  for (int round = 0; round < options.rounds; ++round) {
    double single = 0;
    if (comm.is_root()) single = rate(self, options.seconds, options.batch, [&] { alone.run(space); });
    wait_idle(comm);
    double side_by_side = rate(self, options.seconds, options.batch, [&] { alone.run(space); });
    comm.sum(&side_by_side, 1);
    const double joint = rate(comm, options.seconds, whole.batch, [&] { together.run(space); });
    const double fixed = rate(comm, options.seconds, whole.batch, [&] { in_order.run(space); });
    const double joint_late = rate(comm, options.seconds, whole.batch, [&] { afterwards.run(space); });
    const double fixed_late =
        rate(comm, options.seconds, whole.batch, [&] { in_order_afterwards.run(space); });
    scaling.push_back(joint / (single * comm.size()));
    ceiling.push_back(side_by_side / (single * comm.size()));
    to_ceiling.push_back(joint / side_by_side);
    order.push_back(joint / fixed);
    overlap.push_back(joint_late / joint);
    ordered_overlap.push_back(fixed_late / fixed);
  }
  if (!comm.is_root()) return;
  std::printf("weak scaling 1 -> %d ranks, batch %d a rank (medians of %d rounds)\n", comm.size(),
              options.batch, options.rounds);
  std::printf("  %d ranks together / %d times one alone           %.3f\n", comm.size(), comm.size(),
              median(scaling));
  std::printf("  the same ranks side by side, without a message   %.3f\n", median(ceiling));
  std::printf("  together / side by side                          %.3f\n", median(to_ceiling));
  std::printf("  time of a step, reproducible / plain             %.3f\n", median(order));
  std::printf("  time of a step, sum during / after, plain        %.3f\n", median(overlap));
  std::printf("  time of a step, sum during / after, reproducible %.3f\n", median(ordered_overlap));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  bool weak = false;
  OptionTable table("training_step: speed of one step on the negative log-likelihood");
  table.add("dims", &options.n_dims, "D")
      .add("batch", &options.batch, "samples a step, over all ranks")
      .add("chunk", &options.chunk, "samples that go through the network together")
      .add("rounds", &options.rounds, "measurements, of which the median is printed")
      .add("lanes", &options.lanes, "lanes of the reproducible sum; 0: plain allreduce")
      .add("weak", &weak, "weak scaling, with the batch of one rank, and the cost of the reproducible sum");
  return run_benchmark_on_ranks(table, argc, argv, [&] {
    const mpi::Communicator comm(MPI_COMM_WORLD);
    weak ? benchmark_weak_scaling(options, comm) : benchmark(options, comm);
  });
}
