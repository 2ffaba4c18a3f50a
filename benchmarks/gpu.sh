#!/usr/bin/env bash
# Speed of a training step of the numerical core on the device that Kokkos was built for, against the dense matrix products alone
# and, where a script for them is given, against other frameworks on the same device, one after the other in one run.
# Prints what each program prints, and then a table: each row against the fastest of the others at the same precision.
#
#   benchmarks/gpu.sh [BUILD_FOLDER] [PEERS_SCRIPT]
#
# BUILD_FOLDER   default build/release
# PEERS_SCRIPT   takes the argument torch or jax and prints lines "framework term D batch median_ms samples_per_s". A framework is
#                torch_eager, torch_compile or jax_highest (full precision), torch_eager_tf32, torch_compile_tf32 or
#                jax_default (tf32). Default: peers_gpu.py in the folder bench beside $RHOFLUX_DATA_DIR, if it is there
# RHOFLUX_PYTHON a Python that has torch and jax; RHOFLUX_STEP_OPTIONS more options for objective_step
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/jobs/environment.sh"
program="${1:-$root/build/release}/benchmarks/objective_step"
script="${2:-}"
python="${RHOFLUX_PYTHON:-python3}"
[ -x "$program" ] || { echo "$program: not built (cmake --build ... --target objective_step)" >&2; exit 2; }
[ -z "$script" ] || [ -f "$script" ] || { echo "$script: there is no such script" >&2; exit 2; }
if [ -z "$script" ] && [ -f "${RHOFLUX_DATA_DIR:-}/../bench/peers_gpu.py" ]; then
  script="$RHOFLUX_DATA_DIR/../bench/peers_gpu.py"
fi
read -ra options <<< "${RHOFLUX_STEP_OPTIONS:-}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null || echo "no device that nvidia-smi knows"

# PRECISION COMMAND ..: prints what the command prints, and keeps it with the precision in front. Where a command fails, the others
# are measured all the same.
measure() {
  local precision=$1
  shift
  "$@" | tee "$folder/printed" || echo "$1: failed" >&2
  sed "s/^/$precision /" "$folder/printed" >> "$folder/lines"
}

if "$program" --help | grep -q -e --matrix-precision; then
  for precision in full tf32; do measure "$precision" "$program" --matrix-precision "$precision" "${options[@]}"; done
else
  measure full "$program" "${options[@]}"
fi
if [ -n "$script" ]; then
  for framework in torch jax; do measure peer "$python" "$script" "$framework"; done
else
  echo "other frameworks: not measured (no script)"
fi

# Columns of the lines that are kept: precision, program, term, D, batch, median_ms, samples_per_s.
awk '
function better(key, name, rate) { if (rate > best[key]) { best[key] = rate; winner[key] = name } }
$6 !~ /^[0-9.]+$/ || $7 !~ /^[0-9.]+$/ { next }
$2 == "rhoflux" { key = $1 " " $3 " " $4 " " $5; order[++n] = key; ms[key] = $6; rate[key] = $7; next }
$2 == "dense_products" { dense[$1 " " $3 " " $4 " " $5] = $7; next }
$2 ~ /^(torch_eager|torch_compile|jax_highest)$/ { better("full " $3 " " $4 " " $5, $2, $7) }
$2 ~ /^(torch_eager_tf32|torch_compile_tf32|jax_default)$/ { better("tf32 " $3 " " $4 " " $5, $2, $7) }
END {
  if (n == 0) { print "gpu.sh: objective_step measured nothing" > "/dev/stderr"; exit 1 }
  print "\n| precision | term | D | batch | ms | samples/s | dense products alone, samples/s | ours / dense | fastest of the others | its samples/s | ours / its |"
  print "|---|---|---|---|---|---|---|---|---|---|---|"
  for (k = 1; k <= n; ++k) {
    key = order[k]
    split(key, word, " ")
    printf "| %s | %s | %d | %d | %.3f | %.0f |", word[1], word[2], word[3], word[4], ms[key], rate[key]
    if (key in dense) printf " %.0f | %.2f |", dense[key], rate[key] / dense[key]; else printf " | |"
    if (key in best) printf " %s | %.0f | %.2f |\n", winner[key], best[key], rate[key] / best[key]; else printf " | | |\n"
  }
}' "$folder/lines"
