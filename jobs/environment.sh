# shellcheck shell=bash
# Sourced by jobs/quickstart.sh, tests/run.sh and by hand: the environment of runs on one machine.
# What the caller has set stays.

# Processors that this process may use; nproc alone would heed OMP_NUM_THREADS.
rhoflux_processors() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

# Cores, not hardware threads: these are what Open MPI counts as slots.
rhoflux_cores() {
  local cores=0
  if command -v lscpu > /dev/null; then
    cores=$(lscpu -p=CORE,SOCKET 2> /dev/null | grep -v '^#' | sort -u | wc -l) || cores=0
  fi
  if [ "$cores" -lt 1 ]; then cores=$(rhoflux_processors); fi
  echo "$cores"
}

# Options of Open MPI's mpirun that bind a rank to as many cores as it has threads; without them to one, or a few.
rhoflux_binding() {
  local threads="${OMP_NUM_THREADS%%,*}"
  if [ "$threads" != 1 ]; then echo "--map-by slot:PE=$threads"; fi
}

# Compiler processes that fit: one for each processor, and 1.5 GiB of free memory for each.
rhoflux_build_jobs() {
  local jobs available limit used free
  jobs=$(rhoflux_processors)
  available=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo 2> /dev/null) || available=""
  limit=$(cat /sys/fs/cgroup/memory.max 2> /dev/null) || limit=max
  used=$(cat /sys/fs/cgroup/memory.current 2> /dev/null) || used=0
  if [ "$limit" != max ]; then
    free=$(((limit - used) / 1048576))
    if [ -z "$available" ] || [ "$free" -lt "$available" ]; then available=$free; fi
  fi
  if [ -n "$available" ] && [ $((available / 1536)) -lt "$jobs" ]; then jobs=$((available / 1536)); fi
  if [ "$jobs" -lt 1 ]; then jobs=1; fi
  echo "$jobs"
}

# Threads of a rank in training, each with matrix products of its own.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"
export OMP_PROC_BIND="${OMP_PROC_BIND:-false}"

# The launcher of Open MPI 4 can wait for ever if a rank is killed while it starts: the PMIx library locks a mutex of its
# shared-memory store twice (seen with PMIx 4.2). This store has no such mutex.
export PMIX_MCA_gds="${PMIX_MCA_gds:-hash}"

# Root means a container here. Open MPI refuses root unless told twice, and its direct copies between
# processes are forbidden in most containers.
if [ "$(id -u)" -eq 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT="${OMPI_ALLOW_RUN_AS_ROOT:-1}"
  export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="${OMPI_ALLOW_RUN_AS_ROOT_CONFIRM:-1}"
  export OMPI_MCA_btl_vader_single_copy_mechanism="${OMPI_MCA_btl_vader_single_copy_mechanism:-none}"
fi

# Two ranks on one core are slow but right; Open MPI 5 has another name for the permission.
if [ "$(rhoflux_cores)" -lt 2 ]; then
  export OMPI_MCA_rmaps_base_oversubscribe="${OMPI_MCA_rmaps_base_oversubscribe:-1}"
  export PRTE_MCA_rmaps_default_mapping_policy="${PRTE_MCA_rmaps_default_mapping_policy:-:oversubscribe}"
fi
