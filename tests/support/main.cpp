#include <gtest/gtest.h>
#include <mpi.h>

#include <Kokkos_Core.hpp>
#include <cstdio>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "rhoflux/device/blas_environment.hpp"
#include "rhoflux/device/subnormals.hpp"
#include "support/start_mpi.hpp"

namespace {

/// Reports failed assertions of the ranks whose full log is left out.
class RankFailures : public ::testing::EmptyTestEventListener {
 public:
  explicit RankFailures(int rank) : m_rank(rank) {}

  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s:%d: %s\n", m_rank, result.file_name() ? result.file_name() : "",
                 result.line_number(), result.message());
  }

 private:
  int m_rank;
};

/// Rank 0 prints the usual log and writes the report files, the others only what failed there.
void quieten_other_ranks(int rank) {
  if (rank == 0) return;
  ::testing::TestEventListeners& listeners = ::testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  delete listeners.Release(listeners.default_xml_generator());
  listeners.Append(new RankFailures(rank));
}

/// Every rank runs every test; a failure on any rank fails all.
int run_tests() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  quieten_other_ranks(rank);
  const int local_result = RUN_ALL_TESTS();
  int result = 0;
  MPI_Allreduce(&local_result, &result, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  if (rank == 0 && result != local_result) std::fprintf(stderr, "tests failed on another rank\n");
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  rhoflux::ensure_blas_environment(argv);
  rhoflux::test::start_mpi(&argc, &argv);
  rhoflux::flush_subnormals();
  Kokkos::initialize(argc, argv);
  rhoflux::limit_blas_threads();
  ::testing::InitGoogleTest(&argc, argv);
  const int result = run_tests();
  Kokkos::finalize();
#ifdef __SANITIZE_ADDRESS__
  __lsan_do_leak_check();  // now, while the libraries that support/leaks.supp names are still loaded
#endif
  MPI_Finalize();
  return result;
}
