#!/usr/bin/env python3
"""The parts of tests/gpu.sh: what a program for CPUs gives, and whether one for GPUs gives the same."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMON = ["--data.file=data.h5", "--training.steps=40", "--training.batch=256", "--training.reproducible=true",
          "--training.validate_every=20", "--training.warmup=5", "--output.log_every=20", "--model.hidden=64,64"]
KINETIC = ["--objective.kinetic=0.01", "--objective.kinetic_start=0"]
# One of each family and flux, and of the options that have kernels of their own.
MODELS = {
    "triangular": KINETIC + ["--flux.divergence_free=density_weighted", "--flux.hidden=16"],
    "sigmoid": KINETIC + ["--flux.kind=sigmoid", "--flux.noise=0.3", "--model.coordinate_features=4"],
    "factorised": KINETIC + ["--model.family=factorised", "--model.mixture=4"],
    "constant_weights": ["--model.weights=time_constant", "--objective.jacobian_symmetry=0.01"],
}
TOLERANCE = 1e-12  # of a number, over the largest of its dataset
ODE_TOLERANCE = 1e-6
COMMANDS = {
    "query": ["--points", "points.h5"],
    "sample": ["--times", "0,0.4,1", "--count", "2000"],
    "transport": ["--from", "0", "--to", "1", "--count", "300", "--tolerance", str(ODE_TOLERANCE)],
}
failures = []


def report(name, passed, detail=""):
    print(f"{'pass' if passed else 'FAIL'}  {name}  {detail}", flush=True)
    if not passed:
        failures.append(name)


def run(program, *arguments, check=True, **options):
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        sys.exit(f"{program} {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def train(program, folder, name, *more):
    return run(program, "train", ROOT / "inputs/branching.cfg", *COMMON, *MODELS[name],
               f"--checkpoint.directory={name}", *more, cwd=folder)


def prepare(build, folder):
    program = build / "src/apps/rhoflux"
    folder.mkdir(parents=True)
    run(program, "generate", "branching", "--count", "4000", "--seed", "1", "--output", "data.h5", cwd=folder)
    random = np.random.default_rng(1)
    with h5py.File(folder / "points.h5", "w") as file:
        file["t"] = random.uniform(0, 1, 20000)
        file["x"] = 2 * random.standard_normal((20000, 2))
    for name in MODELS:
        train(program, folder, name)
        for command, options in COMMANDS.items():
            run(program, command, f"{name}/best.h5", *options, "--output", f"{name}/{command}.h5", cwd=folder)
        verdict = run(program, "verify", f"{name}/best.h5", "--output", f"{name}/verify.json", check=False, cwd=folder)
        (folder / name / "verify.code").write_text(str(verdict.returncode))
        for path in (folder / name).glob("checkpoint_*.h5"):
            path.unlink()


def largest_difference(a, b):
    """Over the largest finite number of each dataset; infinite where they are not finite at the same places."""
    worst = 0.0
    with h5py.File(a) as first, h5py.File(b) as second:
        names = [name for name in second if isinstance(second[name], h5py.Dataset) and second[name].dtype.kind == "f"]
        for name in names:
            got, want = first[name][...], second[name][...]
            finite = np.isfinite(want)
            if got.shape != want.shape or not np.array_equal(np.isfinite(got), finite):
                return float("inf")
            scale = np.abs(want[finite]).max(initial=0)
            if scale > 0:
                worst = max(worst, np.abs(got[finite] - want[finite]).max() / scale)
    return worst


def check_results(program, reference):
    for name in MODELS:
        model = reference / name / "best.h5"
        for command, options in COMMANDS.items():
            run(program, command, model, *options, "--output", "out.h5", "--force", cwd=reference)
            bound = 10 * ODE_TOLERANCE if command == "transport" else TOLERANCE
            difference = largest_difference(reference / "out.h5", reference / name / f"{command}.h5")
            report(f"{command} {name}", difference <= bound, f"{difference:.1e} (at most {bound:.0e})")
        verdict = run(program, "verify", model, check=False, cwd=reference)
        want = int((reference / name / "verify.code").read_text())
        report(f"verify {name}", verdict.returncode == want, f"exit code {verdict.returncode}, on a CPU {want}")


def numbers_of(folder):
    """All that a run has written into its last checkpoint and its history but times and names."""
    last = sorted(folder.glob("checkpoint_*.h5"))[-1]
    numbers = {}
    with h5py.File(last) as file:
        file.visititems(lambda name, item: numbers.update({name: item[...].tobytes()})
                        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and item.size > 100 else None)
    return numbers


def check_training(program, reference, scratch):
    shutil.copy(reference / "data.h5", scratch)
    for name in MODELS:
        train(program, scratch, name)
        first = numbers_of(scratch / name)
        shutil.rmtree(scratch / name)
        train(program, scratch, name)
        report(f"same bits twice, {name}", len(first) > 0 and first == numbers_of(scratch / name),
               f"{len(first)} arrays")
        shutil.rmtree(scratch / name)


def check_sanitizer(program, reference, scratch):
    tool = shutil.which("compute-sanitizer")
    if tool is None:
        report("compute-sanitizer", False, "is not on the path")
        return
    shutil.copy(reference / "data.h5", scratch)
    short = ["--training.steps=3" if option.startswith("--training.steps=") else option for option in COMMON]
    for check in ("memcheck", "racecheck", "initcheck"):
        done = run(tool, "--tool", check, "--error-exitcode", "9", program, "train", ROOT / "inputs/branching.cfg",
                   *short, *MODELS["triangular"], "--checkpoint.directory=sanitized", check=False, cwd=scratch)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("=========")]
        report(f"compute-sanitizer {check}", done.returncode == 0, lines[-1] if lines else f"exit code {done.returncode}")
        if done.returncode != 0:
            print("\n".join((done.stdout + done.stderr).splitlines()[:25]), flush=True)
        shutil.rmtree(scratch / "sanitized", ignore_errors=True)


def check(build, reference, peers):
    program = build / "src/apps/rhoflux"
    skipped = os.environ.get("RHOFLUX_SKIP", "").split()
    if shutil.which("nvidia-smi") is None:
        sys.exit("tests/gpu.sh check: nvidia-smi is not on the path; this part needs a machine with an NVIDIA GPU")
    print(run("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader").stdout.strip())
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        parts = {
            "unit": lambda: [check_unit(path) for path in sorted((build / "tests").glob("test_unit_*"))],
            "results": lambda: check_results(program, reference),
            "training": lambda: check_training(program, reference, scratch),
            "sanitizer": lambda: check_sanitizer(program, reference, scratch),
            "benchmark": lambda: subprocess.run(
                [str(ROOT / "benchmarks/gpu.sh"), str(build), *([str(peers)] if peers else [])], check=False),
        }
        for part, work in parts.items():
            if part in skipped:
                continue
            start = time.monotonic()
            work()
            print(f"      {part}: {time.monotonic() - start:.0f} s", flush=True)
    if failures:
        sys.exit(f"{len(failures)} failed: {', '.join(failures)}")


def check_unit(path):
    done = run(path, "--gtest_brief=1", check=False)
    text = (done.stdout + done.stderr).strip().splitlines()
    report(path.name, done.returncode == 0, text[-1] if text else "")
    if done.returncode != 0:
        print("\n".join(text[:60]), flush=True)


def main():
    usage = "usage: gpu.sh prepare BUILD_FOLDER REFERENCE | gpu.sh check BUILD_FOLDER REFERENCE [PEERS]"
    if len(sys.argv) < 4 or sys.argv[1] not in ("prepare", "check"):
        sys.exit(usage)
    build, reference = (pathlib.Path(path).resolve() for path in sys.argv[2:4])
    if not build.is_dir():
        sys.exit(f"{build}: no such folder\n{usage}")
    if sys.argv[1] == "prepare":
        if reference.exists():
            sys.exit(f"{reference}: exists already")
        prepare(build, reference)
    else:
        check(build, reference, pathlib.Path(sys.argv[4]).resolve() if len(sys.argv) > 4 else None)


if __name__ == "__main__":
    main()
