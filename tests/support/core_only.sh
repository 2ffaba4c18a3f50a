#!/usr/bin/env bash
# Builds parts of the numerical core with the other packages hidden, in a folder of its own, and runs a unit test of it.
#   core_only.sh SOURCE BUILD FOLDER [CMAKE_ARGUMENT ..]       RHOFLUX_LONG=1: all of its tests and benchmarks
# Fails also where a source of the core includes a header of a package that it must do without: the compiler has listed in
# BUILD, the folder of the whole build, what each source includes (of metrics here, without the distances that need LEMON).
# Where it did not (Ninja), all of the core is built here.
set -euo pipefail
source=$1 build=$2 folder=$3
shift 3
cmake="${CMAKE:-cmake}"

# lists_of FOLDER PART ..: the lists of the sources of parts of the core, in a build there.
lists_of() {
  local root=$1 part
  shift
  for part in "$@"; do find "$root/src/$part" -name '*.o.d' 2> /dev/null || true; done
}
parts=(core device network density flux objectives transport optim)

flags=-O0
targets=(rhoflux_optim rhoflux_metrics test_unit_core)
tests=(test_unit_core)
listed=$build
if [ "$(lists_of "$listed" "${parts[@]}" | wc -l)" -le 20 ]; then
  targets+=(rhoflux_objectives rhoflux_transport)
  listed=$folder
fi
if [ "${RHOFLUX_LONG:-0}" != 0 ]; then
  flags=-O1
  targets=(all)
  tests=(test_unit_{core,device,network,density,flux,objectives,transport,optim})
  listed=$folder
fi
options=(-DRHOFLUX_CORE_ONLY=ON -DRHOFLUX_HEADER_CHECK=OFF -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=$flags"
  -DRHOFLUX_NATIVE=OFF -DRHOFLUX_TESTS=ON -DRHOFLUX_BENCHMARKS=ON -DRHOFLUX_WARNINGS_AS_ERRORS=ON)
for package in MPI HDF5 Boost OpenSSL LEMON nlohmann_json; do options+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON"); done
if command -v ccache > /dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
"$cmake" -S "$source" -B "$folder" "${options[@]}" "$@"

"$cmake" --build "$folder" --parallel "${RHOFLUX_BUILD_JOBS:-2}" --target "${targets[@]}"

# These packages have their headers beside the system's.
hidden='/(mpi\.h|hdf5\.h|boost/|lemon/|openssl/|nlohmann/)'
[ "$(lists_of "$listed" "${parts[@]}" | wc -l)" -gt 20 ] || { echo "core_only: the compiler's lists of headers are missing"; exit 1; }
found=$({ lists_of "$listed" "${parts[@]}"; lists_of "$folder" metrics; } | xargs grep -lE "$hidden" | head -n 5 || true)
if [ -n "$found" ]; then
  echo "$found"
  echo "core_only: these files of the numerical core include a header of MPI, HDF5, Boost, LEMON, OpenSSL or nlohmann-json"
  exit 1
fi

for test in "${tests[@]}"; do "$folder/tests/$test" --gtest_brief=1; done
