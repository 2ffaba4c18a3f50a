#!/usr/bin/env bash
# Training on CPU nodes under PBS, one job. Started outside of a job it submits itself:
#
#   jobs/pbs_cpu.sh inputs/branching.cfg --data.file=branching.h5
#   RHOFLUX_QSUB="-l select=4:ncpus=32:mpiprocs=32 -q long" jobs/pbs_cpu.sh inputs/cite_ot.cfg
#
# All after the script goes to `rhoflux train`. Before its time limit the run stops with a checkpoint; the same command
# continues it. jobs/pbs_requeue.sh does that by itself.

#PBS -N rhoflux
#PBS -l select=1:ncpus=16:mpiprocs=16:ompthreads=1
#PBS -l walltime=04:00:00
#PBS -j oe
#PBS -r n

set -euo pipefail
# module purge; module load ...       # what rhoflux was built with
jobs="${RHOFLUX_JOBS:-$(dirname "$0")}"
if [ ! -e "$jobs/pbs_batch.sh" ]; then
  echo "start this script itself, not qsub: it submits itself" >&2
  exit 2
fi
. "$jobs/pbs_batch.sh"

rhoflux_train_once "jobs/pbs_cpu.sh" "$@"
