#!/usr/bin/env bash
# Speed of a training step against the matrix products alone and, where PyTorch and a script for it are there,
# against PyTorch on the same cores, one after the other in one run. Then the program itself, which trains on the
# likelihood on several ranks of one thread and on one rank of as many threads, in turn.
#
#   benchmarks/run.sh [BUILD_FOLDER] [PYTORCH_SCRIPT]
#
# BUILD_FOLDER   default build/release
# PYTORCH_SCRIPT prints lines "term D batch median_ms samples_per_s" and takes --threads, --dims, --batch and --terms;
#                default: torch_step.py in the folder bench beside $RHOFLUX_DATA_DIR
# RHOFLUX_RANKS  ranks, and threads for PyTorch (default 2); RHOFLUX_PYTHON a Python that has torch
# RHOFLUX_ROUNDS turns of ranks and threads (default 5)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/jobs/environment.sh"
build=$(realpath -m "${1:-$root/build/release}")
program="$build/benchmarks/training_step"
rhoflux="$build/src/apps/rhoflux"
script="${2:-${RHOFLUX_DATA_DIR:+$RHOFLUX_DATA_DIR/../bench/torch_step.py}}"
ranks="${RHOFLUX_RANKS:-2}"
python="${RHOFLUX_PYTHON:-/usr/bin/python3}"
rounds="${RHOFLUX_ROUNDS:-5}"
for built in "$program" "$rhoflux"; do
  [ -x "$built" ] || { echo "$built: not built (cmake --build ... --target $(basename "$built"))" >&2; exit 2; }
done

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

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$rhoflux" generate gaussian_mixture --dims 5 --count 20000 --seed 1 --output "$folder/data.h5" > /dev/null
printf '[data]\nfile = data.h5\n[training]\nvalidate_every = 0\n' > "$folder/deck.cfg"

train() { # RANKS THREADS BATCH: samples/s of each line of the log but the first
  (cd "$folder" && OMP_NUM_THREADS="$2" mpirun -n "$1" --bind-to none "$rhoflux" train deck.cfg --force --training.batch="$3" \
    --training.steps=$((5 * 200000 / $3)) --output.log_every=$((200000 / $3))) |
    sed -n 's/^step .*rate.* \([0-9]*\) samples.*/\1/p' | tail -n +2
}

median() { sort -n | awk '{v[NR] = $1} END {if (NR) print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2)}'; }

for batch in 256 1024 4096; do
  : > "$folder/ranks"
  : > "$folder/threads"
  for ((round = 0; round < rounds; ++round)); do
    train "$ranks" 1 "$batch" | median >> "$folder/ranks"
    train 1 "$ranks" "$batch" | median >> "$folder/threads"
  done
  paste "$folder/ranks" "$folder/threads" | awk '{print $2 / $1}' | median > "$folder/ratio"
  printf 'train, batch %d: %d ranks %.0f samples/s, %d threads of one rank %.0f samples/s, ratio %.2f (medians of %d)\n' "$batch" \
    "$ranks" "$(median < "$folder/ranks")" "$ranks" "$(median < "$folder/threads")" "$(cat "$folder/ratio")" "$rounds"
done
