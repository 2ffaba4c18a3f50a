#include "available_memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::training {
namespace {

constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

/// The number in a file that holds nothing else; "max", an unlimited group of version 2, is none.
std::optional<std::int64_t> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

/// The number after a name at the beginning of a line, as in "MemAvailable:  123 kB" or "inactive_file 123".
std::optional<std::int64_t> entry_of(const std::filesystem::path& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const FirstWord found = first_word(line);
    if (found.word != name) continue;
    try {
      return parse_whole_number(first_word(found.rest).word, 0, no_limit);
    } catch (const Error&) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

/// Names of the files of a control group.
struct GroupFiles {
  const char *limit, *used, *droppable;
};
constexpr GroupFiles version_1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles version_2 = {"memory.max", "memory.current", "inactive_file"};

void lower(AvailableMemory& least, std::int64_t bytes, const std::string& limit) {
  if (bytes >= least.bytes) return;
  least = {std::max<std::int64_t>(bytes, 0), limit};
}

/// A group and those above it, up to the top of its hierarchy. In a container the path may be one that is not seen there:
/// then only the top is.
void lower_by_group(AvailableMemory& least, const std::filesystem::path& hierarchy, std::string group,
                    const GroupFiles& files, int n_sharing) {
  while (true) {
    const std::filesystem::path folder = hierarchy / std::filesystem::path(group).relative_path();
    const std::optional<std::int64_t> limit = number_in(folder / files.limit);
    if (limit) {
      const std::int64_t used = number_in(folder / files.used).value_or(0);
      const std::int64_t droppable = entry_of(folder / "memory.stat", files.droppable).value_or(0);
      lower(least, (*limit - std::max<std::int64_t>(used - droppable, 0)) / n_sharing,
            "the memory limit of control group " + (group.empty() ? "/" : group));
    }
    if (group.empty() || group == "/") return;
    group = group.substr(0, group.find_last_of('/'));
  }
}

/// Lines "0::/path" of version 2, and "7:memory:/path" of version 1.
void lower_by_groups(AvailableMemory& least, const MemoryPlaces& places, int n_sharing) {
  std::ifstream file(places.own_groups);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers.empty()) lower_by_group(least, places.groups, group, version_2, n_sharing);
    const std::vector<std::string> names = split(controllers, ',');
    if (std::find(names.begin(), names.end(), "memory") != names.end())
      lower_by_group(least, std::filesystem::path(places.groups) / "memory", group, version_1, n_sharing);
  }
}

void lower_by_address_space(AvailableMemory& least) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const std::int64_t pages = number_in("/proc/self/statm").value_or(0);
  lower(least, static_cast<std::int64_t>(limit.rlim_cur) - pages * sysconf(_SC_PAGESIZE),
        "the limit of address space (ulimit -v)");
}

}  // namespace

AvailableMemory available_memory(int n_sharing, const MemoryPlaces& places) {
  constexpr std::int64_t kibibyte = 1024;
  AvailableMemory least = {no_limit, "no limit that is known"};
  if (const auto free = entry_of(places.meminfo, "MemAvailable:"))
    lower(least, *free * kibibyte / n_sharing, "MemAvailable of this machine");
  lower_by_groups(least, places, n_sharing);
  lower_by_address_space(least);
  return least;
}

}  // namespace rhoflux::training
