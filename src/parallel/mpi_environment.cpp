#include "rhoflux/parallel/mpi_environment.hpp"

#include <cstdlib>

namespace rhoflux::parallel {

void choose_collective_io() {
  setenv("OMPI_MCA_fcoll", "individual", 0);
}

}  // namespace rhoflux::parallel
