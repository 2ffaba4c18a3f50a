#pragma once

#include <mpi.h>

#include "rhoflux/mpi/communicator.hpp"
#include "rhoflux/mpi/environment.hpp"
#include "timing.hpp"

namespace benchmarks {

/// run_benchmark() on the ranks of an MPI run.
inline int run_benchmark_on_ranks(const OptionTable& options, int argc, char** argv,
                                  const std::function<void()>& benchmark) {
  rhoflux::ensure_blas_environment(argv);
  rhoflux::mpi::prepare_environment();
  MPI_Init(&argc, &argv);
  const int code = run_benchmark(options, argc, argv, benchmark);
  MPI_Finalize();
  return code;
}

}  // namespace benchmarks
