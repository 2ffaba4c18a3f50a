#!/usr/bin/env bash
# Checks a build for a GPU on a machine that has one and may have nothing else: no compiler, no MPI, no queue.
#
#   tests/gpu.sh prepare BUILD_FOLDER REFERENCE          with a build for CPUs: models, and what they give there
#   tests/gpu.sh check BUILD_FOLDER REFERENCE [PEERS]    with a build for GPUs (tests/backends.sh): unit tests, the results of
#                                                        REFERENCE again, the same bits twice, compute-sanitizer, and the
#                                                        benchmark beside PEERS (benchmarks/gpu.sh)
#
# Both need a python3 with h5py. BUILD_FOLDER may be a copy of the programs alone, tests/test_unit_*, src/apps/rhoflux and
# benchmarks/objective_step, with the libraries that they need. RHOFLUX_SKIP="sanitizer benchmark" leaves parts out.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/jobs/environment.sh"
exec "${RHOFLUX_PYTHON:-python3}" "$root/tests/support/gpu_check.py" "$@"
