#!/usr/bin/env bash
# Scaling on the NLL step (D = 5, default network): one rank against two with the same batch a rank, the cost of the reproducible
# sum (benchmarks/training_step --weak), of a checkpoint every N steps (whole runs in turn), and the time of the sum over ranks
# with its model up to 10 000 ranks (benchmarks/communication); from these and the times of small steps of one rank, what more ranks
# make of one batch; memory of a rank by the number of ranks. Medians over rounds.
#
#   benchmarks/scaling.sh [BUILD_FOLDER]        RHOFLUX_ROUNDS=5
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/jobs/environment.sh"
build="${1:-$root/build/release}"
program="$build/src/apps/rhoflux"
rounds="${RHOFLUX_ROUNDS:-5}"
[ -x "$program" ] || { echo "$program: not built (cmake --build ... --target rhoflux)" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$program" generate gaussian_mixture --dims 5 --count 20000 --seed 1 --output data.h5 > /dev/null
printf '[data]\nfile = data.h5\n[training]\nvalidate_every = 0\n[checkpoint]\nevery = 1000000\n[output]\nlog_every = 25\n' > deck.cfg

median() { sort -n | awk '{v[NR] = $1} END {print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2)}'; }

# RANKS BATCH [KEY ..]: samples/s, the median over the lines of the log but the first
speed() {
  local ranks=$1 batch=$2
  shift 2
  mpirun -n "$ranks" "$program" train deck.cfg --training.steps=400 --training.batch="$batch" --force "$@" |
    sed -n 's/^step .*rate.* \([0-9]*\) samples.*/\1/p' | tail -n +2 | median
}

# NAME FILE: the median of the ratios in the file
say() { printf '%-46s %.3f   (rounds: %s)\n' "$1" "$(median < "$2")" "$(tr '\n' ' ' < "$2")"; }

for batch in 512 1024 2048 4096; do
  mpirun -n 2 "$build/benchmarks/training_step" --weak --batch "$batch" --rounds $((4 * rounds + 1))
done
for ((round = 0; round < rounds; ++round)); do
  speed 1 512 | awk '{print 512000 / $1}' >> step
  for every in 10 100; do
    plain=$(speed 2 1024 --output.log_every=100)
    with=$(speed 2 1024 --checkpoint.every="$every" --output.log_every=100)
    awk -v a="$plain" -v b="$with" 'BEGIN {printf "%.3f\n", a / b}' >> "every_$every"
  done
done
say "time of a step, checkpoint every 10 / none" every_10
say "time of a step, checkpoint every 100 / none" every_100
echo
step=$(median < step)
# One batch of 1024, the default, on more and more ranks: rows a rank, milliseconds.
for ranks in 1 2 4 8 16 32 64; do
  for ((round = 0; round < rounds; ++round)); do speed 1 $((1024 / ranks)) | awk -v n=$((1024 / ranks)) '{print 1000 * n / $1}'; done |
    median | awk -v p="$ranks" '{print p, 1024 / p, $1}' >> small_steps
done
for network in "" "--latency 1.5 --bandwidth 12" "--latency 20 --bandwidth 1.1"; do
  # shellcheck disable=SC2086  # an option and its value
  mpirun -n 2 "$build/benchmarks/communication" --step "$step" $network > communication
  if [ -z "$network" ]; then cat communication; else sed -n '/^model/,$p' communication; fi
  sed -n '/^model/,$p' communication | awk '
    NR == FNR {rows[$1] = $2; step[$1] = $3; next}
    FNR == 1 {print "  batch 1024:   ranks  rows a rank  step of one, ms  sum, ms  speed-up  efficiency"}
    $1 in step {t = step[$1] + $2 / 1000; printf "%22d %12d %16.2f %8.2f %9.1f %10.0f %%\n", $1, rows[$1], step[$1], $2 / 1000,
                step[1] / t, 100 * step[1] / t / $1}' small_steps -
done
echo
for ranks in 1 2 4 8 16 32 64; do
  mpirun --oversubscribe -n "$ranks" "$program" train deck.cfg --training.steps=10 --training.batch=1024 --force 2> errors > log || { cat errors >&2; exit 1; }
  awk -v p="$ranks" '/^peak memory/ {printf "%4d ranks: peak memory of a rank %.1f to %.1f MiB\n", p, $4, $6}' log
done
