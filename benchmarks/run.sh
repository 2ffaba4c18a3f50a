#!/usr/bin/env bash
# Speed of a training step against the matrix products alone and, where PyTorch and a script for it are there,
# against PyTorch on the same cores, one after the other in one run.
#
#   benchmarks/run.sh [BUILD_FOLDER] [PYTORCH_SCRIPT]
#
# BUILD_FOLDER   default build/release
# PYTORCH_SCRIPT prints lines "term D batch median_ms samples_per_s" and takes --threads, --dims, --batch and --terms;
#                default: torch_step.py in the folder bench beside $RHOFLUX_DATA_DIR
# RHOFLUX_RANKS  ranks, and threads for PyTorch (default 2); RHOFLUX_PYTHON a Python that has torch
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/jobs/environment.sh"
program="${1:-$root/build/release}/benchmarks/training_step"
script="${2:-${RHOFLUX_DATA_DIR:+$RHOFLUX_DATA_DIR/../bench/torch_step.py}}"
ranks="${RHOFLUX_RANKS:-2}"
python="${RHOFLUX_PYTHON:-/usr/bin/python3}"
[ -x "$program" ] || { echo "$program: not built (cmake --build ... --target training_step)" >&2; exit 2; }

for batch in 256 1024 4096; do
  ours=$(mpirun -n "$ranks" "$program" --dims 5 --batch "$batch")
  echo "$ours"
  if [ -z "$script" ] || [ ! -f "$script" ] || ! "$python" -c 'import torch' 2>/dev/null; then
    echo "PyTorch: not measured (no torch in $python, or no script)"
    continue
  fi
  # PyTorch gets the same BLAS kernels: rhoflux names the ones it chose.
  core=$(sed -n 's/.*OpenBLAS \([A-Za-z]*\).*/\1/p' <<<"$ours" | head -n 1)
  theirs=$(env -u OPENBLAS_NUM_THREADS ${core:+OPENBLAS_CORETYPE="$core"} \
    "$python" "$script" --threads "$ranks" --dims 5 --batch "$batch" --terms nll | awk '{print $5}')
  rate=$(awk '/^nll step/ {print $3}' <<<"$ours")
  awk -v a="$rate" -v b="$theirs" -v n="$ranks" 'BEGIN {printf "PyTorch (%d threads)   %9.0f samples/s;  step/PyTorch %.1f\n\n", n, b, a / b}'
done
