#!/usr/bin/env bash
# Builds the numerical core with the other packages hidden, in a folder of its own, and runs some of its unit tests.
#   core_only.sh SOURCE FOLDER [CMAKE_ARGUMENT ..]       RHOFLUX_LONG=1: all of its tests and benchmarks
# Fails also where a source of the core includes a header of a package that it must do without.
set -euo pipefail
source=$1 folder=$2
shift 2
cmake="${CMAKE:-cmake}"

flags=-O0
targets=(test_unit_core test_unit_network dynamics objective_step rhoflux_transport rhoflux_metrics)
tests=(test_unit_core test_unit_network)
if [ "${RHOFLUX_LONG:-0}" != 0 ]; then
  flags=-O1
  targets=(all)
  tests=(test_unit_{core,device,network,density,flux,objectives,transport,optim})
fi
options=(-DRHOFLUX_CORE_ONLY=ON -DRHOFLUX_HEADER_CHECK=OFF -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=$flags"
  -DRHOFLUX_NATIVE=OFF -DRHOFLUX_TESTS=ON -DRHOFLUX_BENCHMARKS=ON -DRHOFLUX_WARNINGS_AS_ERRORS=ON)
for package in MPI HDF5 Boost OpenSSL LEMON nlohmann_json; do options+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON"); done
if command -v ccache > /dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
"$cmake" -S "$source" -B "$folder" "${options[@]}" "$@"

"$cmake" --build "$folder" --parallel "${RHOFLUX_BUILD_JOBS:-2}" --target "${targets[@]}"

# The compiler lists what each source includes; these packages have their headers beside the system's.
hidden='/(mpi\.h|hdf5\.h|boost/|lemon/|openssl/|nlohmann/)'
found=$(find "$folder" -name '*.o.d' -exec grep -lE "$hidden" {} + | head -n 5 || true)
if [ -n "$found" ]; then
  echo "$found"
  echo "core_only: these files of the numerical core include a header of MPI, HDF5, Boost, LEMON, OpenSSL or nlohmann-json"
  exit 1
fi
[ "$(find "$folder" -name '*.o.d' | wc -l)" -gt 20 ] || { echo "core_only: the compiler's lists of headers are missing"; exit 1; }

for test in "${tests[@]}"; do "$folder/tests/$test" --gtest_brief=1; done
