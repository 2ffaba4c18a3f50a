#pragma once

#include <mpi.h>
#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"
#include "support/start_mpi.hpp"

namespace rhoflux::fuzz {

/// MPI, HDF5 and Kokkos, once for all inputs.
inline void start() {
  static const bool started = [] {
    io::start_hdf5_without_end();
    test::start_mpi(nullptr, nullptr);
    Kokkos::initialize();
    return true;
  }();
  (void)started;
}

/// A file of this process, in memory where the machine has such a folder.
inline std::string file_of_process(const std::string& name) {
  return (std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp") + std::string("/rhoflux_fuzzer_") +
         name + "." + std::to_string(::getpid()) + ".h5";
}

inline void write_bytes(const std::string& path, const void* data, std::size_t size) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(data, 1, size, file) != size || std::fclose(file) != 0) std::abort();
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
