#include "rhoflux/mpi/environment.hpp"

#include <cstdlib>
#include <initializer_list>

namespace rhoflux::mpi {
namespace {

/// True in a process that mpirun or srun has started.
bool has_launcher() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

}  // namespace

void prepare_environment() {
  setenv("OMPI_MCA_fcoll", "individual", 0);
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_opal_signal", "", 0);
  setenv("OMPI_MCA_coll_libnbc_iallreduce_algorithm", "3", 0);
  if (!has_launcher()) {
    setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
    setenv("OMPI_MCA_sharedfp", "^sm", 0);  // it would keep a file in that directory, and complains
    setenv("OMPI_MCA_pml", "ob1", 0);
    setenv("OMPI_MCA_btl", "self", 0);
  }
}

}  // namespace rhoflux::mpi
