#include "rhoflux/device/blas_environment.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "rhoflux/device/accelerator.hpp"

namespace rhoflux {
namespace {

/// The BLAS is chosen when the program is linked, so OpenBLAS's own functions are looked up by name.
template <class Function>
Function* find_function(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

std::string core_name() {
  auto* get_name = find_function<char*()>("openblas_get_corename");
  return get_name == nullptr ? std::string() : std::string(get_name());
}

/// The best kernels of OpenBLAS that this processor can run, or null if the fallback is right.
const char* best_core_type() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return nullptr;
}

bool is_fallback(const std::string& name) {
  const std::array<const char*, 6> old_cores = {"Prescott", "Katmai",    "Core2",
                                                "Nehalem",  "Barcelona", "Opteron"};
  for (const char* core : old_cores)
    if (name == core) return true;
  return false;
}

}  // namespace

void ensure_blas_environment(char** argv) {
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr || !is_fallback(core_name())) return;
  const char* core_type = best_core_type();
  if (core_type == nullptr) return;
  setenv("OPENBLAS_CORETYPE", core_type, 1);
  execv("/proc/self/exe", argv);
  unsetenv("OPENBLAS_CORETYPE");  // the program could not be started again: go on with the slow kernels
}

void limit_blas_threads() {
  if (std::getenv("OPENBLAS_NUM_THREADS") != nullptr) return;
  if (auto* set_threads = find_function<void(int)>("openblas_set_num_threads")) set_threads(1);
}

std::string blas_name() {
  if (const std::string name = accelerator_blas_name(); !name.empty()) return name;
  const std::string name = core_name();
  return name.empty() ? "unknown" : "OpenBLAS " + name;
}

}  // namespace rhoflux
