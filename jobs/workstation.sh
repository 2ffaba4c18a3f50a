#!/usr/bin/env bash
# Training on a workstation, all cores, where no queue watches over it: started again after a crash or a reboot, it
# continues. Ctrl-C, and kill, end it with a checkpoint.
#
#   jobs/workstation.sh inputs/branching.cfg --data.file=branching.h5
#   nohup jobs/workstation.sh inputs/branching.cfg --data.file=branching.h5 > branching.log 2>&1 &
#
# All after the script goes to `rhoflux train`. RANKS=N takes N ranks, OMP_NUM_THREADS=T gives each T threads.
set -euo pipefail
jobs="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ -f "$jobs/../CMakeLists.txt" ]; then cd "$jobs/.."; fi  # else it is installed, and runs where it is started
. "$jobs/environment.sh"
# In a session of its own, so that Ctrl-C reaches this script alone.
ranks=$(($(rhoflux_cores) / ${OMP_NUM_THREADS%%,*}))
LAUNCH="${LAUNCH:-setsid mpirun -n ${RANKS:-$((ranks > 0 ? ranks : 1))} $(rhoflux_binding)}"
. "$jobs/batch.sh"

rhoflux_train_once "jobs/workstation.sh" "$@"
