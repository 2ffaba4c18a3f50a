#pragma once

/// Marks a function of one sample that kernels call, on a host and on a device alike. Headers that use this
/// macro alone need neither Kokkos nor a GPU compiler.
#if defined(__CUDACC__) || defined(__HIPCC__)
#define RHOFLUX_FUNCTION __host__ __device__ inline
#else
#define RHOFLUX_FUNCTION inline
#endif

/// The same for the elementary functions: a loop over a function that is called, not inlined, does not vectorise.
#if defined(__CUDACC__) || defined(__HIPCC__)
#define RHOFLUX_INLINED_FUNCTION __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define RHOFLUX_INLINED_FUNCTION inline __attribute__((always_inline))
#else
#define RHOFLUX_INLINED_FUNCTION inline
#endif
