#include "rhoflux/device/linear_algebra.hpp"

#if defined(KOKKOS_ENABLE_CUDA)
#include <cublas_v2.h>

#include <stdexcept>
#include <string>

namespace rhoflux::detail {
namespace {

/// Shows a call to the tools of Kokkos, as KokkosKernels does.
class Region {
 public:
  Region() { Kokkos::Profiling::pushRegion("cuBLAS::gemm"); }
  ~Region() { Kokkos::Profiling::popRegion(); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
};

void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string(call) + ": " + cublasGetStatusString(status));
}

/// The library's state for the one instance of the execution space, with a workspace of its own: the same bits in every
/// run, and nothing that is allocated within a step.
class Library {
 public:
  static Library& instance(const ExecutionSpace& space) {
    static Library library(space);
    return library;
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  cublasHandle_t handle() const { return m_handle; }
  void set_precision(MatrixPrecision precision) {
    if (precision == m_precision) return;
    check(cublasSetMathMode(m_handle, precision == MatrixPrecision::tf32 ? CUBLAS_TF32_TENSOR_OP_MATH
                                                                         : CUBLAS_DEFAULT_MATH),
          "cublasSetMathMode");
    m_precision = precision;
  }

 private:
  explicit Library(const ExecutionSpace& space) {
    check(cublasCreate(&m_handle), "cublasCreate");
    check(cublasSetStream(m_handle, space.cuda_stream()), "cublasSetStream");
    m_workspace =
        static_cast<char*>(Kokkos::kokkos_malloc<MemorySpace>("workspace of cuBLAS", workspace_size));
    check(cublasSetWorkspace(m_handle, m_workspace, workspace_size), "cublasSetWorkspace");
    check(cublasSetMathMode(m_handle, CUBLAS_DEFAULT_MATH), "cublasSetMathMode");
    Kokkos::push_finalize_hook([this] {
      (void)cublasDestroy(m_handle);
      Kokkos::kokkos_free<MemorySpace>(m_workspace);
    });
  }

  static constexpr std::size_t workspace_size = std::size_t{32} << 20;  ///< what cuBLAS advises for Hopper
  cublasHandle_t m_handle = nullptr;
  char* m_workspace = nullptr;
  MatrixPrecision m_precision = MatrixPrecision::full;
};

cublasOperation_t mode(Transpose transpose) {
  return transpose == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N;
}

cublasStatus_t multiply(cublasHandle_t handle, const ProductShape& shape, Operand<const float> a,
                        Operand<const float> b, const float* beta, Operand<float> c) {
  const float one = 1;
  return cublasSgemm(handle, mode(shape.a), mode(shape.b), shape.m, shape.n, shape.k, &one, a.data,
                     a.leading_dimension, b.data, b.leading_dimension, beta, c.data, c.leading_dimension);
}
cublasStatus_t multiply(cublasHandle_t handle, const ProductShape& shape, Operand<const double> a,
                        Operand<const double> b, const double* beta, Operand<double> c) {
  const double one = 1;
  return cublasDgemm(handle, mode(shape.a), mode(shape.b), shape.m, shape.n, shape.k, &one, a.data,
                     a.leading_dimension, b.data, b.leading_dimension, beta, c.data, c.leading_dimension);
}

cublasStatus_t multiply_batch(cublasHandle_t handle, const ProductShape& shape, const Batch& batch,
                              Operand<const float> a, Operand<const float> b, Operand<float> c) {
  const float one = 1, zero = 0;
  return cublasSgemmStridedBatched(handle, mode(shape.a), mode(shape.b), shape.m, shape.n, shape.k, &one,
                                   a.data, a.leading_dimension, batch.a, b.data, b.leading_dimension, batch.b,
                                   &zero, c.data, c.leading_dimension, batch.c, batch.count);
}
cublasStatus_t multiply_batch(cublasHandle_t handle, const ProductShape& shape, const Batch& batch,
                              Operand<const double> a, Operand<const double> b, Operand<double> c) {
  const double one = 1, zero = 0;
  return cublasDgemmStridedBatched(handle, mode(shape.a), mode(shape.b), shape.m, shape.n, shape.k, &one,
                                   a.data, a.leading_dimension, batch.a, b.data, b.leading_dimension, batch.b,
                                   &zero, c.data, c.leading_dimension, batch.c, batch.count);
}

}  // namespace

template <class Scalar>
void cublas_gemm_batch(const ExecutionSpace& space, const ProductShape& shape, const Batch& batch,
                       MatrixPrecision precision, Operand<const Scalar> a, Operand<const Scalar> b,
                       Operand<Scalar> c) {
  if (shape.m == 0 || shape.n == 0) return;
  const Region region;
  Library& library = Library::instance(space);
  library.set_precision(precision);
  check(multiply_batch(library.handle(), shape, batch, a, b, c), "products by cuBLAS");
}

template <class Scalar>
void cublas_gemm(const ExecutionSpace& space, const ProductShape& shape, MatrixPrecision precision,
                 Operand<const Scalar> a, Operand<const Scalar> b, Scalar beta, Operand<Scalar> c) {
  if (shape.m == 0 || shape.n == 0) return;
  const Region region;
  Library& library = Library::instance(space);
  library.set_precision(precision);
  check(multiply(library.handle(), shape, a, b, &beta, c), "a product by cuBLAS");
}

template void cublas_gemm_batch<float>(const ExecutionSpace&, const ProductShape&, const Batch&,
                                       MatrixPrecision, Operand<const float>, Operand<const float>,
                                       Operand<float>);
template void cublas_gemm_batch<double>(const ExecutionSpace&, const ProductShape&, const Batch&,
                                        MatrixPrecision, Operand<const double>, Operand<const double>,
                                        Operand<double>);
template void cublas_gemm<float>(const ExecutionSpace&, const ProductShape&, MatrixPrecision,
                                 Operand<const float>, Operand<const float>, float, Operand<float>);
template void cublas_gemm<double>(const ExecutionSpace&, const ProductShape&, MatrixPrecision,
                                  Operand<const double>, Operand<const double>, double, Operand<double>);

}  // namespace rhoflux::detail
#endif
