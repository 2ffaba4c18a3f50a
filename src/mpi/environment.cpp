#include "rhoflux/mpi/environment.hpp"

#include <cstdlib>

namespace rhoflux::mpi {

void prepare_environment() {
  setenv("OMPI_MCA_fcoll", "individual", 0);
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_opal_signal", "", 0);
}

}  // namespace rhoflux::mpi
