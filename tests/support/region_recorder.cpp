// A tool for the interface of Kokkos Tools: writes the name of every region and kernel, once, to the file
// that RHOFLUX_RECORDED_NAMES names, when Kokkos ends.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

namespace {

std::set<std::string>& names() {
  static std::set<std::string> all;
  return all;
}
std::uint64_t next_kernel = 0;
int depth = 0, deepest_imbalance = 0;

void note_kernel(const char* name, std::uint64_t* kernel) {
  names().insert(std::string("kernel ") + name);
  *kernel = next_kernel++;
}

}  // namespace

extern "C" {

void kokkosp_init_library(int, std::uint64_t, std::uint32_t, void*) {}

void kokkosp_begin_parallel_for(const char* name, std::uint32_t, std::uint64_t* kernel) {
  note_kernel(name, kernel);
}
void kokkosp_begin_parallel_reduce(const char* name, std::uint32_t, std::uint64_t* kernel) {
  note_kernel(name, kernel);
}
void kokkosp_begin_parallel_scan(const char* name, std::uint32_t, std::uint64_t* kernel) {
  note_kernel(name, kernel);
}
void kokkosp_end_parallel_for(std::uint64_t) {}
void kokkosp_end_parallel_reduce(std::uint64_t) {}
void kokkosp_end_parallel_scan(std::uint64_t) {}

void kokkosp_push_profile_region(const char* name) {
  ++depth;
  names().insert(std::string("region ") + name);
}
void kokkosp_pop_profile_region() {
  if (--depth < 0) deepest_imbalance = -1;
}

void kokkosp_finalize_library() {
  const char* path = std::getenv("RHOFLUX_RECORDED_NAMES");
  std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "w");
  if (file == nullptr) return;
  for (const std::string& name : names()) std::fprintf(file, "%s\n", name.c_str());
  std::fprintf(file, "open regions %d\n", deepest_imbalance < 0 ? deepest_imbalance : depth);
  std::fclose(file);
}

}  // extern "C"
