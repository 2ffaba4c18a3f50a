# shellcheck shell=bash
# Sourced by the scripts for PBS, before batch.sh: outside of a job it submits the script, for qsub gives scripts no
# arguments; in a job it reads them again. RHOFLUX_QSUB: options for qsub, also of the jobs that continue this one.

# Submits a script, $1, with the arguments that follow.
rhoflux_qsub() {
  local script=$1 options
  shift
  read -r -a options <<< "${RHOFLUX_QSUB:-}"
  RHOFLUX_ARGUMENTS=$(printf '%q ' "$@")
  export RHOFLUX_ARGUMENTS
  # With the whole environment: values that are written after -v must not have commas.
  qsub "${options[@]}" -V "$script"
}

# Seconds until the time limit of this job, as PBS knows it; nothing where it does not say.
rhoflux_pbs_seconds() {
  qstat -f "$PBS_JOBID" 2> /dev/null | awk '$1 == "Resource_List.walltime" {n = split($3, part, ":"); for (k = 1; k <= n; ++k) left = 60 * left + part[k]
    print left; exit}' || true
}

if [ -z "${PBS_JOBID:-}" ]; then
  if [ $# -eq 0 ]; then
    echo "usage: $0 DECK [--section.key=value ...]" >&2
    exit 2
  fi
  RHOFLUX_SCRIPT="$(cd "$(dirname "$0")" && pwd)/$(basename "$0")"
  RHOFLUX_JOBS="$(dirname "$RHOFLUX_SCRIPT")"
  export RHOFLUX_SCRIPT RHOFLUX_JOBS
  rhoflux_qsub "$RHOFLUX_SCRIPT" "$@"
  exit
fi

cd "${PBS_O_WORKDIR:-.}" || exit
eval "set -- $RHOFLUX_ARGUMENTS"  # as printf %q has written them
rhoflux_began=$SECONDS

# One rank for each line of the node file, as select=..:mpiprocs=.. asks for.
rhoflux_pbs_ranks=$(wc -l < "${PBS_NODEFILE:-/dev/null}")
if [ "$rhoflux_pbs_ranks" -eq 0 ]; then rhoflux_pbs_ranks=1; fi
# For an Open MPI that was built without PBS.
export OMPI_MCA_orte_default_hostfile="${OMPI_MCA_orte_default_hostfile:-${PBS_NODEFILE:-}}"
export PRTE_MCA_prte_default_hostfile="${PRTE_MCA_prte_default_hostfile:-${PBS_NODEFILE:-}}"

# shellcheck source=jobs/batch.sh
. "$RHOFLUX_JOBS/batch.sh"

# PBS does not warn of the time limit: the run stops by itself RHOFLUX_MARGIN seconds (300) before it.
rhoflux_own=("$@")
rhoflux_walltime=$(rhoflux_pbs_seconds)
if [ -n "$rhoflux_walltime" ]; then
  set -- "$@" --max-hours "$(awk -v s="$((rhoflux_walltime - ${RHOFLUX_MARGIN:-300}))" 'BEGIN {print (s > 1 ? s : 1) / 3600}')"
fi

rhoflux_seconds_left() {
  if [ -n "$rhoflux_walltime" ]; then echo $((rhoflux_walltime - SECONDS + rhoflux_began)); fi
}

# A user of PBS may not put a running job back; the script submits itself again.
rhoflux_put_back() {
  echo "$1"
  export RHOFLUX_RESTARTS=$((${RHOFLUX_RESTARTS:-0} + 1))
  rhoflux_qsub "$RHOFLUX_SCRIPT" "${rhoflux_own[@]}" || echo "PBS did not take the job; submit the same again to go on" >&2
}
