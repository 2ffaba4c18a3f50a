#!/usr/bin/env bash
# Installs a build into a folder of its own, builds programs against the copy alone, and runs them on a model trained there.
#   run.sh SOURCE BUILD FOLDER
set -euo pipefail
source=$1 build=$2 folder=$3
cmake="${CMAKE:-cmake}"
prefix="$folder/prefix"
rm -rf "$folder"
mkdir -p "$folder/run"
"$cmake" --install "$build" --prefix "$prefix" > /dev/null

# -O0: the programs are small and what they do is in the libraries.
for project in examples tests/consumer; do
  "$cmake" -S "$source/$project" -B "$folder/$project" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_FIND_PACKAGE_NO_PACKAGE_REGISTRY=ON ${CXX:+-DCMAKE_CXX_COMPILER="$CXX"} \
    ${CC:+-DCMAKE_C_COMPILER="$CC"} > "$folder/configure.log" || { cat "$folder/configure.log"; exit 1; }
  "$cmake" --build "$folder/$project" --parallel 2
done
if grep -rqF "$source/include" "$prefix/lib"*/cmake "$prefix/lib"*/*/cmake 2> /dev/null; then
  echo "consumer: the installed configuration names the folder of the sources"
  exit 1
fi

cd "$folder/run"
rhoflux="$prefix/bin/rhoflux"
"$rhoflux" generate branching --count 500 --output data.h5
printf '[data]\nfile = data.h5\n[model]\nhidden = 16,16\n[training]\nsteps = 20\nbatch = 64\n[flux]\nnoise = 0.3\n[checkpoint]\ndirectory = run\n' > deck.cfg
"$rhoflux" train deck.cfg
points=(0.25 0.1 -0.4 0.75 1.5 0.2)
"$folder/examples/evaluate_model" run/best.h5 "${points[@]}" | tee from_cpp
"$folder/tests/consumer/use_c_interface" run/best.h5 "${points[@]}" > from_c
if grep -qE 'nan|inf' from_cpp; then exit 1; fi
[ "$(wc -lw < from_cpp | xargs)" = "2 6" ] || { echo "consumer: not two rows of three numbers"; exit 1; }
# Twelve digits, of which the last may differ: the two take the density from different functions.
paste -d ' ' from_cpp from_c | awk '{for (k = 1; k <= 3; ++k) {d = $k - $(k + 3); if (d * d > 1e-20 * (1 + $k * $k)) exit 1}}' ||
  { echo "consumer: C++ and C differ"; cat from_c; exit 1; }
if "$folder/tests/consumer/use_c_interface" data.h5 0 0 0 2> refusal; then
  echo "consumer: a file that is no checkpoint was accepted"
  exit 1
fi
grep -q 'is not a checkpoint' refusal
"$folder/tests/consumer/use_density"
