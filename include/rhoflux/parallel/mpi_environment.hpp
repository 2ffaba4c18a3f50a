#pragma once

namespace rhoflux::parallel {

/// Call before MPI_Init: sets the component of Open MPI for collective writes to fcoll/individual, unless the
/// environment or mpirun --mca fcoll has set one. Other MPI libraries do not look at it.
///
/// In Open MPI 4.1 and early 5.0 fcoll/vulcan corrupts files (ompi issue 12718), two_phase does not return on
/// all ranks when the disk is full, and dynamic and dynamic_gen2 do not report that. With individual each
/// rank writes its own data, which here are whole compressed chunks, and gets its own errors.
void choose_collective_io();

}  // namespace rhoflux::parallel
