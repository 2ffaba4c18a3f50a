"""Helpers of the tests that run the program from outside: see tests/CMakeLists.txt for the environment."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIPPED = 77

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: this Python has no module {missing.name}")
    sys.exit(SKIPPED)


def skip(reason):
    print("skipped: " + reason)
    sys.exit(SKIPPED)


PROGRAM = os.environ.get("RHOFLUX", "")
MPIEXEC = shlex.split(os.environ.get("RHOFLUX_MPIEXEC", "mpiexec -n"))
if not PROGRAM:
    skip("RHOFLUX does not name the program")

LONG = os.environ.get("RHOFLUX_LONG", "") not in ("", "0")  # the long forms of tests, on request

# A small network, so that a run takes a fraction of a second.
SMALL = ["--model.hidden=16,16", "--model.time_features=8", "--model.components=4", "--model.mixture=3",
         "--training.batch=64", "--training.warmup=5"]


def run(*arguments, ranks=0, threads=1, folder=".", timeout=120):
    """Runs the program, under mpiexec if ranks > 0, ranks of so many threads; gives a CompletedProcess with text output."""
    command = [PROGRAM] + [str(argument) for argument in arguments]
    if ranks > 0:
        command = MPIEXEC + [str(ranks)] + command
    return subprocess.run(command, cwd=folder, env=dict(os.environ, OMP_NUM_THREADS=str(threads)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace", timeout=timeout)


def is_open_mpi():
    """Whether the program was built with it."""
    return "Open MPI" in succeed("--version")


def succeed(*arguments, code=0, **keywords):
    """Runs the program and requires an exit code; gives what it printed."""
    result = run(*arguments, **keywords)
    check(result.returncode == code,
          f"{' '.join(map(str, arguments))}: exit code {result.returncode}, expected {code}\n{result.stdout}{result.stderr}")
    return result.stdout


def check(holds, message):
    if not holds:
        raise AssertionError(message)


def refused(folder, *arguments, parts):
    """Requires exit code 2 and a message with these parts."""
    result = run(*arguments, folder=folder)
    check(result.returncode == 2, f"{arguments}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    for part in parts:
        check(part in result.stderr, f"'{part}' is not in {result.stderr}")


def datasets(path):
    """All datasets of an HDF5 file by name; text as it is stored."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def figures(path):
    """What a JSON file of the program says, without its provenance."""
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    check("provenance" in found, f"{path} has no provenance")
    del found["provenance"]
    return found


def history(path):
    """The columns of a history.csv; what is left open there is NaN."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    rows = [line.split(",") for line in lines[1:]]
    return {name: np.array([float(row[k]) if row[k] else np.nan for row in rows]) for k, name in enumerate(names)}


def content(value):
    """The bytes of an array; texts of any length one by one, of which an array holds the places in memory."""
    array = np.asarray(value)
    return repr(array.tolist()) if array.dtype.kind == "O" else array.tobytes()


def differences(first, second, leave_out=("deck", "provenance/earlier_runs")):
    """Names of the datasets of two files that differ in a bit, in type or in shape."""
    a, b = datasets(first), datasets(second)
    names = (set(a) | set(b)) - set(leave_out)
    return sorted(name for name in names if name not in a or name not in b
                  or np.asarray(a[name]).dtype != np.asarray(b[name]).dtype
                  or np.asarray(a[name]).shape != np.asarray(b[name]).shape
                  or content(a[name]) != content(b[name]))


def check_same_run(first, second, steps, said=""):
    """Requires of two checkpoint directories the same bits: after so many steps, in best.h5 and in history.csv."""
    first, second = Path(first), Path(second)
    for name in (f"checkpoint_{steps:09d}.h5", "best.h5"):
        check((second / name).exists(), f"{second / name} is missing\n{said[-4000:]}")
        different = differences(first / name, second / name)
        check(not different, f"{first / name} and {second / name} differ in {different}\n{said[-4000:]}")
    check((first / "history.csv").read_bytes() == (second / "history.csv").read_bytes(),
          f"history.csv in {first} and in {second} differs\n{said[-4000:]}")


def write_population(path, t, x, **others):
    """A population file by its contract alone: /t, /x and optionally weight and split."""
    with h5py.File(path, "w") as file:
        file["t"], file["x"] = t, x
        for name, values in others.items():
            file[name] = values


def listing(folder):
    """Path, size and time of change of everything below a folder."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (path.is_dir(), 0 if path.is_dir() else status.st_size,
                                                0 if path.is_dir() else status.st_mtime_ns)
    return found


def run_test(test):
    """Runs a test in an empty folder of its own; gives whether it passed."""
    folder = Path(tempfile.mkdtemp(prefix="rhoflux_test_"))
    start = time.monotonic()
    failure = ""
    try:
        test(folder)
    except Exception:
        failure = traceback.format_exc()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{failure}{'FAILED' if failure else 'passed'}  {test.__name__}  {time.monotonic() - start:.1f} s", flush=True)
    return not failure


def main(*tests, at_once=1):
    """Runs the tests, so many of them at once (more than one where they mostly wait); exits 1 if one fails."""
    with ThreadPoolExecutor(at_once) as pool:
        passed = list(pool.map(run_test, tests))
    sys.exit(0 if all(passed) else 1)
