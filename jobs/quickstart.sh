#!/usr/bin/env bash
# From a clean clone to a trained density: installs what is missing, builds, draws a population that branches,
# trains on two ranks for about two minutes, evaluates and samples. Everything lands in output/quickstart.
# Run it again at any time: it continues where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/environment.sh

rhoflux=build/release/src/apps/rhoflux
output=output/quickstart
data="$output/branching.h5"
checkpoints="$output/checkpoints"
best="$checkpoints/best.h5"

heading() { printf '\n=== %s\n' "$*"; }
# Shows a command before it runs it.
run() {
  printf '$ %s\n' "$*"
  "$@"
}

heading "1/5 Building"
jobs/install_dependencies.sh
# A build folder that was configured before keeps its options; a new one leaves the tests out.
if [ ! -f build/release/CMakeCache.txt ]; then
  run cmake --preset release -DRHOFLUX_TESTS=OFF -DRHOFLUX_BENCHMARKS=OFF
fi
run cmake --build build/release --target rhoflux --parallel "$(rhoflux_build_jobs)"

heading "2/5 Drawing a population: one blob that parts into four, seen at five times"
mkdir -p "$output"
if [ -f "$data" ]; then
  echo "$data is there"
else
  run "$rhoflux" generate branching --count 20000 --seed 1 --output "$data"
fi

heading "3/5 Training on two ranks (about two minutes)"
run mpirun -n 2 "$rhoflux" train inputs/branching.cfg \
  --data.file="$data" --checkpoint.directory="$checkpoints" --restart auto

heading "4/5 Evaluating on the test split"
run "$rhoflux" evaluate "$best" --data "$data" --output "$output/evaluation.json" --force

heading "5/5 Drawing samples, also between the times of the data"
run "$rhoflux" sample "$best" --times 0,0.5,1,1.5,2,2.5,3,3.5,4 --count 2000 \
  --output "$output/samples.h5" --force

item() { printf '  %-44s %s\n' "$1" "$2"; }
printf '\nDone. In %s:\n' "$PWD"
item "$data" "the population: /t, /x, /split"
item "$best" "the trained density, best on the validation split"
item "$checkpoints/history.csv" "the course of training"
item "$output/evaluation.json" "likelihood and Wasserstein distances at each time"
item "$output/samples.h5" "samples: /t (9), /x (9, 2000, 2)"
printf 'Next:\n'
item "$rhoflux info $best" ""
item "$rhoflux train --help-deck" "every key of a deck; inputs/ has more decks"
item "README.md" "the tour, the file formats, running under SLURM"
