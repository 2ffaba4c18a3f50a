#pragma once

#include <cstdint>
#include <string>

namespace rhoflux::training {

/// Where Linux says what memory there is. Tests put their own files here.
struct MemoryPlaces {
  std::string meminfo = "/proc/meminfo";
  std::string own_groups = "/proc/self/cgroup";
  std::string groups =
      "/sys/fs/cgroup";  ///< the hierarchy of version 2, and the folder of those of version 1
};

/// What one process can still take, and which limit says so.
struct AvailableMemory {
  std::int64_t bytes = 0;
  std::string limit;  ///< "MemAvailable of this machine", "the memory limit of control group /jobs/7" ..
};

/// The least of: MemAvailable; for the control group of the process and each above it (versions 1 and 2) its limit less what
/// is used, where pages of files that can be dropped do not count; RLIMIT_AS less what the process has mapped. All but
/// the last are shared evenly by the processes of the machine. What cannot be read sets no limit.
/// @param n_sharing processes of this program on the machine, 1 or more
AvailableMemory available_memory(int n_sharing, const MemoryPlaces& places = {});

}  // namespace rhoflux::training
