#!/usr/bin/env bash
# A sweep: one task of a job array for each line of a list of settings.
#
#   sbatch --array=1-4 jobs/slurm_array.sh inputs/cite_ot.cfg sweep.txt
#
# from the top folder of rhoflux, where sweep.txt has in each line what to add to the command line of that task:
#
#   --objective.kinetic=0.001
#   --objective.kinetic=0.003
#   --objective.kinetic=0.001 --training.seed=2
#   --objective.kinetic=0.003 --training.seed=2
#
# The results are in output/<job name>-<array job id>/<line>. Tasks that their time limit stops put themselves back into the
# queue, as in jobs/slurm_requeue.sh.

#SBATCH --job-name=rhoflux-sweep
#SBATCH --nodes=1
#SBATCH --ntasks=4                   # of each task of the array
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@300          # to this script, five minutes before the limit
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.log
# #SBATCH --partition=...
# #SBATCH --account=...

set -euo pipefail
cd "${SLURM_SUBMIT_DIR:-.}"

# module purge; module load ...       # what rhoflux was built with
# Beside the source, or where rhoflux is installed.
jobs="${RHOFLUX_JOBS:-jobs}"
if [ ! -e "$jobs/batch.sh" ]; then jobs="$(dirname "$(command -v "${RHOFLUX:-rhoflux}")")/../share/rhoflux/jobs"; fi
. "$jobs/batch.sh"

if [ $# -lt 2 ] || [ -z "${SLURM_ARRAY_TASK_ID:-}" ]; then
  echo "usage: sbatch --array=1-LINES jobs/slurm_array.sh DECK LIST [--section.key=value ...]" >&2
  exit 2
fi
deck=$1
list=$2
shift 2
settings=$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$list")
if [ -z "$settings" ]; then
  echo "$list has no line $SLURM_ARRAY_TASK_ID" >&2
  exit 2
fi
read -r -a sweep <<< "$settings"
directory="output/$SLURM_JOB_NAME-$SLURM_ARRAY_JOB_ID/$SLURM_ARRAY_TASK_ID"
mkdir -p "$(dirname "$directory")"
echo "task $SLURM_ARRAY_TASK_ID: $settings"

rhoflux_train_to_the_end "$deck" "$@" "${sweep[@]}" "--checkpoint.directory=$directory"
