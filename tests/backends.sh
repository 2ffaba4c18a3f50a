#!/usr/bin/env bash
# Builds rhoflux against an installed Kokkos and KokkosKernels, in a folder of its own, and runs there the unit tests, the
# tests on ranks, restarts and dynamics.
#
#   Kokkos_ROOT=/opt/kokkos KokkosKernels_ROOT=/opt/kokkos tests/backends.sh [FOLDER [ctest options]]
#
# FOLDER: build/backend unless given. With CUDA the compiler is Kokkos's nvcc_wrapper, and registers, spills and stack frame
# of each kernel are listed in FOLDER/kernels.txt; where no GPU answers it stops there, which is said.
# RHOFLUX_BUILD_JOBS=N compiles with N processes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/environment.sh
: "${Kokkos_ROOT:?names the folder in which Kokkos is installed}"
export Kokkos_ROOT KokkosKernels_ROOT="${KokkosKernels_ROOT:-$Kokkos_ROOT}"
folder="${1:-build/backend}"
if [ $# -gt 0 ]; then shift; fi

config=$(find "$Kokkos_ROOT" -name KokkosConfigCommon.cmake -o -name KokkosConfig.cmake | head -n 2)
if [ -z "$config" ]; then
  echo "tests/backends.sh: no KokkosConfig.cmake in $Kokkos_ROOT" >&2
  exit 2
fi
# shellcheck disable=SC2086  # one path a line
devices=$(sed -n 's/^ *set(Kokkos_DEVICES \(.*\)).*/\1/Ip' $config | head -n 1)
echo "Kokkos in $Kokkos_ROOT: $devices"

options=(-DRHOFLUX_TESTS=ON -DRHOFLUX_HEADER_CHECK=OFF -DRHOFLUX_BENCHMARKS=ON)
case ";$devices;" in
  *";CUDA;"*)
    export PATH="/usr/local/cuda/bin:$PATH"
    options+=("-DCMAKE_CXX_COMPILER=$Kokkos_ROOT/bin/nvcc_wrapper" "-DCMAKE_CXX_FLAGS=-Xptxas -v" -DRHOFLUX_NATIVE=OFF)
    ;;
  *) options+=(-DRHOFLUX_WARNINGS_AS_ERRORS=ON) ;;
esac
cmake -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release "${options[@]}"
SECONDS=0
cmake --build "$folder" --parallel "${RHOFLUX_BUILD_JOBS:-$(rhoflux_build_jobs)}" 2>&1 | tee "$folder/build.log"
echo "built in $SECONDS s"

case ";$devices;" in
  *";CUDA;"*)
    tests/support/kernel_resources.py "$folder/build.log" > "$folder/kernels.txt"
    tail -n 3 "$folder/kernels.txt"
    if ! nvidia-smi -L 2> /dev/null; then
      # Without a driver there is no library of it either; the one that CUDA has for linking stands in for it.
      mkdir -p "$folder/driver"
      ln -sf "$(find -L "$(dirname "$(command -v nvcc)")/.." -name libcuda.so -path '*stubs*' | head -n 1)" "$folder/driver/libcuda.so.1"
      if LD_LIBRARY_PATH="$folder/driver" "$folder/src/apps/rhoflux" info none.h5 2> "$folder/no_gpu.txt" ||
        ! grep -q "no GPU can be used" "$folder/no_gpu.txt"; then
        echo "tests/backends.sh: without a GPU the program does not say so:" >&2
        cat "$folder/no_gpu.txt" >&2
        exit 1
      fi
      echo "tests/backends.sh: no GPU answers here, which the program says ($folder/no_gpu.txt); nothing else was run; $folder/kernels.txt lists what the compiler says of each kernel"
      exit 0
    fi
    ;;
esac
ctest --test-dir "$folder" --output-on-failure --no-tests=error -R '^(unit_|mpi_|regression_restart_test|regression_dynamics_test)' "$@"
