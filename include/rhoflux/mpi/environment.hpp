#pragma once

namespace rhoflux::mpi {

/// Call before MPI_Init: sets what follows unless the environment or mpirun --mca has set it. Other MPI
/// libraries do not look at it.
///
/// Collective writes: the component fcoll/individual. In Open MPI 4.1 and early 5.0 fcoll/vulcan corrupts
/// files (ompi issue 12718), two_phase does not return on all ranks when the disk is full, and dynamic and
/// dynamic_gen2 do not report that. With individual each rank writes its own data, which here are whole
/// compressed chunks, and gets its own errors.
///
/// Crashes: no stack trace by Open MPI (opal_signal). Its handler allocates memory, and a rank that crashes
/// while it holds the lock of the allocator hangs in it for ever, and the job with it.
///
/// Sums over ranks that do not block: recursive halving and doubling (coll_libnbc_iallreduce_algorithm = 3, Rabenseifner
/// 2004), which sends 2 (p - 1) / p of a vector from each of p ranks. For sums in place Open MPI by itself sends whole vectors
/// up a tree and down again, 2 log2(p) after each other.
///
/// A run without mpirun: no helper daemon (ess_singleton_isolated), which is for starting further processes, and no
/// session directory (orte_create_session_dirs), which all such runs of a user share and make and remove at once; and no
/// network (pml ob1, btl self), to look for which takes half of the time of the start.
void prepare_environment();

}  // namespace rhoflux::mpi
