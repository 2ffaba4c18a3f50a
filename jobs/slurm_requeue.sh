#!/usr/bin/env bash
# Training for as long as it takes: near its time limit the job writes a checkpoint, puts itself back into the queue, and
# continues where it was, until it is done.
#
#   sbatch jobs/slurm_requeue.sh inputs/branching.cfg --data.file=branching.h5
#   sbatch --array=1-8 jobs/slurm_requeue.sh inputs/branching.cfg --data.file=branching.h5     # eight seeds
#
# from the top folder of rhoflux. All after the script goes to `rhoflux train`. The results are in
# output/<job name>-<job id>, of an array in output/<job name>-<array job id>/<task>: no two jobs share a folder.

#SBATCH --job-name=rhoflux
#SBATCH --nodes=1
#SBATCH --ntasks=16                  # one rank a core; more than training.batch / 128 gain little
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00              # short jobs start sooner
#SBATCH --signal=B:USR1@300          # to this script, five minutes before the limit: more than a checkpoint takes
#SBATCH --requeue
#SBATCH --open-mode=append           # one log over all restarts
#SBATCH --output=%x-%j.log
# #SBATCH --partition=...
# #SBATCH --account=...

set -euo pipefail
cd "${SLURM_SUBMIT_DIR:-.}"

# module purge; module load ...       # what rhoflux was built with
# Beside the source, or where rhoflux is installed.
jobs="${RHOFLUX_JOBS:-jobs}"
if [ ! -e "$jobs/batch.sh" ]; then jobs="$(dirname "$(command -v "${RHOFLUX:-rhoflux}")")/../share/rhoflux/jobs"; fi
. "$jobs/batch.sh"

rhoflux_need_deck "sbatch jobs/slurm_requeue.sh" "$@"
directory="output/${SLURM_JOB_NAME:-rhoflux}-${SLURM_JOB_ID:-local}"
sweep=()
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  directory="output/$SLURM_JOB_NAME-$SLURM_ARRAY_JOB_ID/$SLURM_ARRAY_TASK_ID"
  sweep=("--training.seed=$SLURM_ARRAY_TASK_ID")
fi
mkdir -p "$(dirname "$directory")"

rhoflux_train_to_the_end "$@" "${sweep[@]}" "--checkpoint.directory=$directory"
