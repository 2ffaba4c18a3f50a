#include "provenance.hpp"

#include <hdf5.h>
#include <mpi.h>
#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include "rhoflux/core/blas_environment.hpp"
#include "rhoflux/version.hpp"

namespace rhoflux::apps {
namespace {

std::string kokkos_version() {
  return std::to_string(KOKKOS_VERSION / 10000) + "." + std::to_string(KOKKOS_VERSION / 100 % 100) + "." +
         std::to_string(KOKKOS_VERSION % 100);
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string whole(text, static_cast<std::size_t>(length));
  return whole.substr(0, whole.find_first_of(",\n"));
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

std::string git_version() {
  return std::string(RHOFLUX_GIT_HASH) + (RHOFLUX_GIT_DIRTY ? " with local changes" : "");
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  char text[32] = {};
  std::tm parts = {};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

std::string version_text() {
  return "rhoflux " RHOFLUX_VERSION " (git " + git_version() + ")\n  Kokkos " + kokkos_version() +
         ", backend " + Kokkos::DefaultExecutionSpace::name() + "\n  " + mpi_version() + "\n  HDF5 " +
         hdf5_version() + "\n  BLAS " + blas_name();
}

training::Provenance provenance(const std::string& command_line, int ranks) {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  const char* job = std::getenv("SLURM_JOB_ID");
  return {{"program", "rhoflux " RHOFLUX_VERSION},
          {"git", git_version()},
          {"command_line", command_line},
          {"ranks", std::to_string(ranks)},
          {"backend", Kokkos::DefaultExecutionSpace::name()},
          {"kokkos", kokkos_version()},
          {"mpi", mpi_version()},
          {"hdf5", hdf5_version()},
          {"blas", blas_name()},
          {"host", host},
          {"slurm_job_id", job == nullptr ? "" : job},
          {"started", utc_now()}};
}

}  // namespace rhoflux::apps
