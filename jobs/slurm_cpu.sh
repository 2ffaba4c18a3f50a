#!/usr/bin/env bash
# Training on CPU nodes, one job.
#
#   sbatch jobs/slurm_cpu.sh inputs/branching.cfg --data.file=branching.h5
#
# from the top folder of rhoflux. All after the script goes to `rhoflux train`. A run that the time limit stops has a
# checkpoint; the same command again continues it. jobs/slurm_requeue.sh does that by itself.

#SBATCH --job-name=rhoflux
#SBATCH --nodes=1
#SBATCH --ntasks=16                  # one rank a core; more than training.batch / 128 gain little
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@300          # to this script, five minutes before the limit
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

rhoflux_train_once "sbatch jobs/slurm_cpu.sh" "$@"
