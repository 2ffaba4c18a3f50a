#pragma once

#include <mpi.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "rhoflux/io/hdf5_handle.hpp"
#include "support/start_mpi.hpp"

/// What the fuzzers of files need of their process.
namespace rhoflux::fuzz {

/// Once for all inputs.
inline void start_mpi_and_hdf5() {
  static const bool started = [] {
    io::start_hdf5_without_end();
    test::start_mpi(nullptr, nullptr);
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

}  // namespace rhoflux::fuzz
