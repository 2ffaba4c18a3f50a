#!/usr/bin/env bash
# Training under PBS for as long as it takes: before its time limit the job writes a checkpoint, submits itself again, and
# continues where it was, until it is done. Started outside of a job it submits itself:
#
#   jobs/pbs_requeue.sh inputs/branching.cfg --data.file=branching.h5
#   RHOFLUX_QSUB="-l select=4:ncpus=32:mpiprocs=32 -q long" jobs/pbs_requeue.sh inputs/cite_ot.cfg
#
# All after the script goes to `rhoflux train`. The results are in output/<job name>-<number of the first job>.

#PBS -N rhoflux
#PBS -l select=1:ncpus=16:mpiprocs=16:ompthreads=1
#PBS -l walltime=01:00:00
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

export RHOFLUX_DIRECTORY="${RHOFLUX_DIRECTORY:-output/${PBS_JOBNAME:-rhoflux}-${PBS_JOBID%%.*}}"
mkdir -p "$(dirname "$RHOFLUX_DIRECTORY")"
rhoflux_train_to_the_end "$@" "--checkpoint.directory=$RHOFLUX_DIRECTORY"
