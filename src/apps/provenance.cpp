#include "provenance.hpp"

#include <hdf5.h>
#include <mpi.h>
#include <sys/stat.h>
#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/blas_environment.hpp"
#include "rhoflux/device/thread_team.hpp"
#include "rhoflux/io/file_hash.hpp"
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

/// As Linux names it; empty elsewhere.
std::string processor_name() {
  std::ifstream list("/proc/cpuinfo");
  for (std::string line; std::getline(list, line);)
    if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "";
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  char text[32] = {};
  std::tm parts = {};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// What tells whether a file is still the one that was hashed.
struct Identity {
  ino_t number = 0;
  off_t size = -1;
  timespec changed = {};
  bool operator==(const Identity& other) const {
    return number == other.number && size == other.size && changed.tv_sec == other.changed.tv_sec &&
           changed.tv_nsec == other.changed.tv_nsec;
  }
};

Identity identity_of(const std::string& path) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_ino, found.st_size, found.st_mtim};
}

struct Input {
  std::string path, hash;
  Identity identity;
};
std::vector<Input> inputs;

std::string input_lines() {
  std::string lines;
  for (const Input& input : inputs) {
    lines += (lines.empty() ? "" : "\n") + input.hash + "  " + input.path;
    if (!(identity_of(input.path) == input.identity)) lines += "  (changed after it was hashed)";
  }
  return lines;
}

const std::string& executable_hash() {
  static const std::string hash = io::sha256_of_file("/proc/self/exe");
  return hash;
}

/// Threads of each rank, as --version says them.
std::string threads_text() {
  try {
    const int threads = usable_threads(threads_of_environment());
    return ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads") + " a rank";
  } catch (const Error&) {
    return ", OMP_NUM_THREADS is no number of threads";
  }
}

}  // namespace

std::string version_text() {
  return "rhoflux " RHOFLUX_VERSION " (git " + git_version() + ")\n  Kokkos " + kokkos_version() +
         ", backend " + backend_name() + threads_text() + "\n  " + mpi_version() + "\n  HDF5 " +
         hdf5_version() + "\n  BLAS " + blas_name();
}

void note_input(const Context& context, const std::string& path, bool hash) {
  mpi::on_root(context.comm, [&] {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return;  // opening it will say why
    const Identity identity = identity_of(path);
    for (const Input& input : inputs)
      if (input.path == path) return;
    inputs.push_back({path, hash ? io::sha256_of_file(path) : "(not hashed)", identity});
  });
}

checkpoint::Provenance provenance(const Context& context) {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  const char* job = std::getenv("SLURM_JOB_ID");
  std::error_code ignored;
  return {{"program", "rhoflux " RHOFLUX_VERSION},
          {"git", git_version()},
          {"compiler", RHOFLUX_COMPILER},
          {"executable", context.comm.is_root() ? executable_hash() : ""},
          {"command_line", context.command_line},
          {"folder", std::filesystem::current_path(ignored).string()},
          {"inputs", context.comm.is_root() ? input_lines() : ""},
          {"ranks", std::to_string(context.comm.size())},
          {"threads", std::to_string(context.threads)},
          {"backend", backend_name()},
          {"kokkos", kokkos_version()},
          {"mpi", mpi_version()},
          {"hdf5", hdf5_version()},
          {"blas", blas_name()},
          {"host", host},
          {"processor", processor_name()},
          {"slurm_job_id", job == nullptr ? "" : job},
          {"started", utc_now()}};
}

checkpoint::Provenance provenance_of_data(const Context& context) {
  checkpoint::Provenance kept;
  for (const auto& entry : provenance(context))
    for (const char* name : {"program", "git", "compiler", "executable", "command_line", "inputs", "hdf5"})
      if (entry.first == name) kept.push_back(entry);
  return kept;
}

}  // namespace rhoflux::apps
