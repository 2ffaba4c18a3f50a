#!/usr/bin/env bash
# Installs what is missing, builds and runs all tests. Options go to ctest:
#   tests/run.sh                    everything
#   tests/run.sh -L unit            only the unit tests
#   tests/run.sh -R mpi --verbose   only the tests named so, with their output
#   tests/run.sh -L fault           kills, damaged files, full disks
#   tests/run.sh -L cluster         jobs over three nodes in namespaces of their own, and lost nodes (as root)
#   tests/run.sh -LE 'slurm|cluster'  everything but the tests that install and run a SLURM (as root)
# RHOFLUX_LONG=1 asks for the long forms: 500 kills and 200 damaged files (half an hour), 100 lost nodes and ranks (two hours),
# optimal transport and the bridge as shipped.
# RHOFLUX_DATA_DIR names the folder of the measured data sets; without it, tests that need them are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. jobs/environment.sh

jobs/install_dependencies.sh --documentation --style
export RHOFLUX_INSTALL=1  # as root on Debian, the tests labelled slurm and cluster install a SLURM
cmake --preset release -DRHOFLUX_TESTS=ON -DRHOFLUX_HEADER_CHECK=ON -DRHOFLUX_BENCHMARKS=ON \
  -DRHOFLUX_WARNINGS_AS_ERRORS=ON
cmake --build build/release --parallel "$(rhoflux_build_jobs)"
# Tests wait for files, starting processes and SLURM a good part of the time: twice as many as there are processors.
ctest --test-dir build/release --parallel "$(($(rhoflux_processors) * 2))" --output-on-failure --no-tests=error "$@"
