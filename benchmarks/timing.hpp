#pragma once

#include <mpi.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "rhoflux/device/blas_environment.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace benchmarks {

/// Samples per second of all ranks, each call of `work` handling `samples` of them over all ranks. `work` is
/// called once to warm up, and then for about so many seconds.
inline double rate(const rhoflux::mpi::Communicator& comm, double seconds, double samples,
                   const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  comm.barrier();
  const auto start = Clock::now();
  work();
  double once = std::chrono::duration<double>(Clock::now() - start).count();
  comm.max(&once, 1);
  const int calls = std::max(1, static_cast<int>(seconds / once));
  comm.barrier();
  const auto begin = Clock::now();
  for (int k = 0; k < calls; ++k) work();
  comm.barrier();
  return samples * calls / std::chrono::duration<double>(Clock::now() - begin).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Body of main: starts MPI and Kokkos, reads the command line, prints the help or calls `benchmark`.
inline int run(const char* name, const boost::program_options::options_description& options, int argc,
               char** argv, const std::function<void()>& benchmark) {
  namespace po = boost::program_options;
  rhoflux::ensure_blas_environment(argv);
  MPI_Init(&argc, &argv);
  int code = 0;
  try {
    po::variables_map values;
    po::store(po::parse_command_line(argc, argv, options), values);
    po::notify(values);
    if (values.count("help") > 0) {
      std::cout << options;
    } else {
      Kokkos::ScopeGuard kokkos(argc, argv);
      rhoflux::limit_blas_threads();
      benchmark();
    }
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
    code = 2;
  }
  MPI_Finalize();
  return code;
}

}  // namespace benchmarks
