// HDF5 files: opening one as a checkpoint, as a population and as points gives what it holds or an Error of
// bad input.

#include <mpi.h>
#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>

#include "rhoflux/core/error.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/parallel/communicator.hpp"
#include "rhoflux/parallel/mpi_environment.hpp"
#include "rhoflux/training/checkpoint.hpp"

namespace {

template <class Work>
void attempt(const Work& work) {
  try {
    work();
  } catch (const rhoflux::Error& error) {
    if (error.code() == rhoflux::ExitCode::success) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool started = [] {
    rhoflux::parallel::prepare_mpi_environment();
    rhoflux::io::start_hdf5_without_end();
    MPI_Init(nullptr, nullptr);
    Kokkos::initialize();
    return true;
  }();
  static const rhoflux::parallel::Communicator comm(MPI_COMM_WORLD);
  (void)started;
  const std::string path = (std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp") +
                           std::string("/rhoflux_hdf5_fuzzer.") + std::to_string(::getpid()) + ".h5";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(data, 1, size, file) != size || std::fclose(file) != 0) std::abort();
  attempt([&] { (void)rhoflux::training::read_checkpoint(path); });
  attempt([&] {
    const rhoflux::io::PopulationFile population(path, comm);
    (void)population.read_split(rhoflux::io::Split::train, 0,
                                population.info().count(rhoflux::io::Split::train));
  });
  attempt([&] {
    const rhoflux::io::Hdf5Reader reader(path);
    (void)reader.read<double>("t");
    (void)reader.read<double>("x");
  });
  std::remove(path.c_str());
  return 0;
}
