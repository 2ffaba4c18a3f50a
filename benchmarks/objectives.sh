#!/usr/bin/env bash
# Speed of training on the likelihood and the kinetic energy of each flux, D = 5, default network, batch 1024: the program as a
# user runs it, its log included, and where PyTorch and a script for it are there, PyTorch on the same cores, in turn in one run.
# Ours takes the energy at fresh model samples. PyTorch takes it at the data, which need not be drawn, and, with
# torch_model.py beside the script, at draws too (torch_draws.py). Then what growth adds to a step.
#
#   benchmarks/objectives.sh [BUILD_FOLDER] [PYTORCH_SCRIPT]
#
# The arguments and RHOFLUX_RANKS, RHOFLUX_PYTHON are those of benchmarks/run.sh.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/jobs/environment.sh"
program="$(realpath -m "${1:-$root/build/release}")/src/apps/rhoflux"
script="${2:-${RHOFLUX_DATA_DIR:+$RHOFLUX_DATA_DIR/../bench/torch_step.py}}"
ranks="${RHOFLUX_RANKS:-2}"
python="${RHOFLUX_PYTHON:-/usr/bin/python3}"
rounds="${RHOFLUX_ROUNDS:-3}"
[ -x "$program" ] || { echo "$program: not built (cmake --build ... --target rhoflux)" >&2; exit 2; }
has_torch=no has_draws=no
if [ -n "$script" ] && [ -f "$script" ] && "$python" -c 'import torch' 2> /dev/null; then has_torch=yes; fi
if [ "$has_torch" = yes ] && [ -f "$(dirname "$script")/torch_model.py" ]; then has_draws=yes; fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$program" generate gaussian_mixture --dims 5 --count 20000 --seed 1 --output data.h5 > /dev/null
printf '[data]\nfile = data.h5\n[objective]\nkinetic = 0.01\nkinetic_clip = 100\n[training]\nbatch = 1024\nvalidate_every = 0\n[output]\nlog_every = 50\n' > deck.cfg
core=$("$program" --version | sed -n 's/.*OpenBLAS \([A-Za-z]*\).*/\1/p' | head -n 1)

median() { sort -n | awk '{v[NR] = $1} END {if (NR) print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2)}'; }

torch() { # SCRIPT ARGUMENT ..: with the same BLAS kernels as ours
  env -u OPENBLAS_NUM_THREADS ${core:+OPENBLAS_CORETYPE="$core"} "$python" "$@"
}

ours() { # FLUX [KEY ..]: samples/s of each line of the log but the first
  local flux=$1
  shift
  mpirun -n "$ranks" "$program" train deck.cfg --training.steps=200 --flux.kind="$flux" --force "$@" |
    sed -n 's/^step .*rate.* \([0-9]*\) samples.*/\1/p' | tail -n +2
}

for flux in sigmoid triangular; do
  : > ours.txt
  : > theirs.txt
  : > draws.txt
  for ((round = 0; round < rounds; ++round)); do
    ours "$flux" >> ours.txt
    if [ "$has_torch" = yes ]; then
      torch "$script" --threads "$ranks" --dims 5 --batch 1024 --terms "kinetic_$flux" | awk '{print $5}' >> theirs.txt
    fi
    if [ "$has_draws" = yes ]; then
      torch "$root/benchmarks/torch_draws.py" "$(dirname "$script")" "$flux" --threads "$ranks" >> draws.txt
    fi
  done
  rate=$(median < ours.txt)
  if [ "$has_torch" = yes ]; then
    awk -v a="$rate" -v b="$(median < theirs.txt)" -v f="$flux" -v n="$ranks" -v d="$(median < draws.txt)" 'BEGIN {
      printf "nll + kinetic, %-10s  %7.0f samples/s on %d ranks; PyTorch on %d threads, energy at the data %7.0f, ratio %.1f", f, a, n, n, b, a / b
      if (d > 0) printf "; at draws %7.0f, ratio %.1f", d, a / d
      printf "\n"
    }'
  else
    printf 'nll + kinetic, %-10s  %7.0f samples/s on %d ranks; PyTorch: not measured (no torch in %s, or no script)\n' \
      "$flux" "$rate" "$ranks" "$python"
  fi
done
printf 'nll + kinetic, triangular with density_weighted  %7.0f samples/s on %d ranks\n' \
  "$(ours triangular --flux.divergence_free=density_weighted | median)" "$ranks"

# What growth adds, in turn: two types of which one multiplies (D = 2), kinetic energy without and with growth, in
# small networks, where all that is no matrix product shows.
"$program" generate growth --seed 1 --output data.h5 --force > /dev/null
: > none.txt
: > fixed.txt
: > learned.txt
for ((round = 0; round < rounds; ++round)); do
  ours triangular --model.hidden=128,128 >> none.txt
  growing=(--model.hidden=128,128 --model.growth=weights --data.mass=counts --objective.growth=0.01)
  ours triangular "${growing[@]}" >> fixed.txt
  ours triangular "${growing[@]}" --model.growth_share=learned >> learned.txt
done
awk -v a="$(median < none.txt)" -v b="$(median < fixed.txt)" -v c="$(median < learned.txt)" -v n="$ranks" 'BEGIN {
  printf "nll + kinetic, D = 2, hidden 128,128: %7.0f samples/s on %d ranks; a step with growth costs %.2f of that, with a learned share %.2f\n", a, n, a / b, a / c }'
