#!/usr/bin/env bash
# Training on GPU nodes, one job: a rank for each GPU. Needs rhoflux built with a Kokkos for these GPUs (docs/building.md).
#
#   sbatch jobs/slurm_gpu.sh inputs/branching.cfg --data.file=branching.h5
#
# from the top folder of rhoflux. All after the script goes to `rhoflux train`.

#SBATCH --job-name=rhoflux-gpu
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4          # one rank a GPU
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@300          # to this script, five minutes before the limit
#SBATCH --output=%x-%j.log
# #SBATCH --partition=...
# #SBATCH --account=...

set -euo pipefail
cd "${SLURM_SUBMIT_DIR:-.}"

# module purge; module load ...       # compiler, CUDA or ROCm, MPI, HDF5
# Beside the source, or where rhoflux is installed.
jobs="${RHOFLUX_JOBS:-jobs}"
if [ ! -e "$jobs/batch.sh" ]; then jobs="$(dirname "$(command -v "${RHOFLUX:-rhoflux}")")/../share/rhoflux/jobs"; fi
. "$jobs/batch.sh"

# Kokkos gives each rank of a node a GPU of its own, by its number on the node.
export KOKKOS_MAP_DEVICE_ID_BY="${KOKKOS_MAP_DEVICE_ID_BY:-mpi_rank}"

rhoflux_train_once "sbatch jobs/slurm_gpu.sh" "$@"
