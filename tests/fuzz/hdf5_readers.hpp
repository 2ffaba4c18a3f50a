#pragma once

#include <Kokkos_Core.hpp>
#include <cstdlib>
#include <string>

#include "process.hpp"
#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::fuzz {

/// MPI, HDF5 and Kokkos, once for all inputs.
inline void start() {
  start_mpi_and_hdf5();
  static const bool started = [] {
    Kokkos::initialize();
    return true;
  }();
  (void)started;
}

template <class Work>
void attempt(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() == ExitCode::success) std::abort();
  }
}

/// Opens a file as a checkpoint, as a population and as points: each gives what it holds or an Error.
inline void read_as_everything(const std::string& path) {
  static const mpi::Communicator comm(MPI_COMM_WORLD);
  attempt([&] { (void)checkpoint::read_checkpoint(path); });
  attempt([&] {
    const io::PopulationFile population(path, comm);
    (void)population.read_split(io::Split::train, 0, population.info().count(io::Split::train));
  });
  attempt([&] {
    const io::Hdf5Reader reader(path);
    (void)reader.read<double>("t");
    (void)reader.read<double>("x");
  });
}

}  // namespace rhoflux::fuzz
