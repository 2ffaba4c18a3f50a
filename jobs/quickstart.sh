#!/usr/bin/env bash
# From a clean clone to a trained density, moving particles and pictures: installs what is missing, builds, draws a
# population that branches, trains on two ranks for half a minute, checks, moves particles, draws. Everything lands
# in output/quickstart. The installed one, /usr/share/rhoflux/jobs/quickstart.sh, takes the installed program.
# Run it again at any time: it continues where it stopped.
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
. "$top/jobs/environment.sh"

rhoflux=rhoflux
if [ -f "$top/CMakeLists.txt" ]; then
  cd "$top"
  top=.
  rhoflux=build/release/src/apps/rhoflux
fi
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

if [ "$top" = . ]; then
  heading "1/7 Building"
  jobs/install_dependencies.sh
  # A build folder that was configured before keeps its options; a new one leaves the tests out.
  if [ ! -f build/release/CMakeCache.txt ]; then
    run cmake --preset release -DRHOFLUX_TESTS=OFF -DRHOFLUX_BENCHMARKS=OFF
  fi
  run cmake --build build/release --target rhoflux --parallel "$(rhoflux_build_jobs)"
else
  heading "1/7 The installed program"
  run "$rhoflux" --version
fi

heading "2/7 Drawing a population: one blob that parts into four, seen at five times"
mkdir -p "$output"
if [ -f "$data" ]; then
  echo "$data is there"
else
  run "$rhoflux" generate branching --count 20000 --seed 1 --output "$data"
fi

heading "3/7 Training on two ranks (half a minute)"
run mpirun -n 2 "$rhoflux" train "$top/inputs/branching.cfg" \
  --data.file="$data" --checkpoint.directory="$checkpoints" --restart auto

heading "4/7 Evaluating on the test split, and checking what must hold for every model"
run "$rhoflux" evaluate "$best" --data "$data" --output "$output/evaluation.json" --force

run "$rhoflux" verify "$best"

heading "5/7 Drawing samples, also between the times of the data"
run "$rhoflux" sample "$best" --times 0,0.5,1,1.5,2,2.5,3,3.5,4 --count 2000 \
  --output "$output/samples.h5" --force

heading "6/7 Moving particles with the drift; density and drift on a grid"
run mpirun -n 2 "$rhoflux" transport "$best" --from 0 --to 4 --count 500 --frames 81 --data "$data" \
  --output "$output/paths.h5" --force
run mpirun -n 2 "$rhoflux" field "$best" --times 0:4:41 --grid 120,120 --output "$output/field.h5" --force

heading "7/7 Drawing, and a report of all on one page"
# The Python of the system has the packages that were installed above; another may be first in PATH.
python=python3
if ! "$python" -c 'import h5py, matplotlib, PIL' 2> /dev/null; then python=/usr/bin/python3; fi
if "$python" -c 'import h5py, matplotlib, PIL' 2> /dev/null; then
  run "$python" "$top/tools/plot_history.py" "$checkpoints" --output "$output/history.png"
  run "$python" "$top/tools/plot_samples.py" "$output/samples.h5" --data "$data" --output "$output/samples.png"
  run "$python" "$top/tools/plot_density.py" "$output/field.h5" --times 0,1,2,3,4 --arrows --output "$output/density.png"
  run "$python" "$top/tools/plot_paths.py" "$output/paths.h5" --field "$output/field.h5" --output "$output/paths.png"
  run "$python" "$top/tools/animate.py" "$output/field.h5" --particles "$output/paths.h5" --output "$output/branching.gif"
  RHOFLUX="$rhoflux" run "$python" "$top/tools/report.py" "$checkpoints" --output "$output/report.html" ||
    echo "no report" >&2
else
  echo "no pictures: no Python with h5py, matplotlib and pillow" >&2
fi

item() { printf '  %-44s %s\n' "$1" "$2"; }
printf '\nDone. In %s:\n' "$PWD"
item "$data" "the population: /t, /x, /split"
item "$best" "the trained model, best on the validation split"
item "$checkpoints/history.csv" "the course of training"
item "$output/evaluation.json" "likelihood and Wasserstein distances at each time"
item "$output/samples.h5" "samples: /t (9), /x (9, 2000, 2)"
item "$output/paths.h5" "particles: /t (81), /x (81, 500, 2)"
item "$output/field.h5" "density and drift: /density (41, 120, 120); .xdmf: ParaView"
if [ -f "$output/paths.png" ]; then item "$output/*.png, branching.gif" "pictures"; fi
if [ -f "$output/report.html" ]; then item "$output/report.html" "all of it on one page, for a browser"; fi
printf 'Next:\n'
item "$rhoflux info $best" "what the model is, and what it was trained on"
item "$rhoflux train --help-deck" "every key of a deck; inputs/ has more decks"
item "README.md, docs/" "the tour, the file formats, running under SLURM"
