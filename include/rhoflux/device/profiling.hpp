#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace rhoflux {

/// Time spent in named regions of this process, in the order of their first use.
class RegionTimes {
 public:
  struct Entry {
    std::string name;
    double seconds = 0;
    long calls = 0;
  };
  static RegionTimes& instance();
  int index_of(const std::string& name);
  void add(int index, double seconds);
  const std::vector<Entry>& entries() const { return m_entries; }

 private:
  std::vector<Entry> m_entries;
  std::map<std::string, int> m_index;
};

/// A region from construction to destruction: timed here and visible to Kokkos Tools. The name must be a
/// string literal; nested regions count in each of their parents. The accelerator is not synchronised: on a
/// GPU the time is that of the host.
class ScopedRegion {
 public:
  explicit ScopedRegion(const char* name);
  ~ScopedRegion();
  ScopedRegion(const ScopedRegion&) = delete;
  ScopedRegion& operator=(const ScopedRegion&) = delete;

 private:
  int m_index;
  std::chrono::steady_clock::time_point m_start;
};

/// Largest resident set of this process so far, in bytes.
double peak_memory_bytes();

}  // namespace rhoflux
