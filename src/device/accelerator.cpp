#include "rhoflux/device/accelerator.hpp"

#include <limits>

#include "rhoflux/device/backend.hpp"

namespace rhoflux {

#if defined(KOKKOS_ENABLE_CUDA)
namespace {

/// Compiled for the same architectures as all other kernels.
__global__ void any_kernel() {}

}  // namespace

std::string unusable_accelerator() {
  int count = 0;
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found != cudaSuccess || count == 0)
    return "no GPU can be used: " +
           std::string(found != cudaSuccess ? cudaGetErrorString(found) : "there is none") +
           "; this program was built for NVIDIA GPUs, another one computes on CPUs";
  cudaFuncAttributes attributes{};
  const cudaError_t usable = cudaFuncGetAttributes(&attributes, any_kernel);
  if (usable == cudaSuccess) return "";
  cudaDeviceProp properties{};
  (void)cudaGetDeviceProperties(&properties, 0);
  return "the GPU (" + std::string(properties.name) + ", compute capability " +
         std::to_string(properties.major) + "." + std::to_string(properties.minor) +
         ") cannot run this program: " + cudaGetErrorString(usable) +
         "; it must be built with a Kokkos for that architecture";
}

std::string accelerator_blas_name() {
  return "cuBLAS";
}

std::size_t free_memory() {
  std::size_t free = 0, total = 0;
  return cudaMemGetInfo(&free, &total) == cudaSuccess ? free : std::numeric_limits<std::size_t>::max();
}
#else
std::string unusable_accelerator() {
  return "";
}

std::string accelerator_blas_name() {
  return "";
}

std::size_t free_memory() {
  return std::numeric_limits<std::size_t>::max();
}
#endif

}  // namespace rhoflux
