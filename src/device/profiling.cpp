#include "rhoflux/device/profiling.hpp"

#include <sys/resource.h>

#include <Kokkos_Core.hpp>

namespace rhoflux {

RegionTimes& RegionTimes::instance() {
  static RegionTimes times;
  return times;
}

int RegionTimes::index_of(const std::string& name) {
  const auto found = m_index.find(name);
  if (found != m_index.end()) return found->second;
  const int index = static_cast<int>(m_entries.size());
  m_entries.push_back({name, 0.0, 0});
  m_index.emplace(name, index);
  return index;
}

void RegionTimes::add(int index, double seconds) {
  Entry& entry = m_entries[static_cast<std::size_t>(index)];
  entry.seconds += seconds;
  ++entry.calls;
}

ScopedRegion::ScopedRegion(const char* name)
    : m_index(RegionTimes::instance().index_of(name)), m_start(std::chrono::steady_clock::now()) {
  Kokkos::Profiling::pushRegion(name);
}

ScopedRegion::~ScopedRegion() {
  Kokkos::Profiling::popRegion();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - m_start;
  RegionTimes::instance().add(m_index, elapsed.count());
}

double peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

}  // namespace rhoflux
