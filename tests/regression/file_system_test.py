"""Disks and network file systems that fail in the middle, that are slow, and that have no locks (support/failing_files.cpp): the
message says what failed and which checkpoint is good, nothing half written is taken for whole, and the run goes on from there."""

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from faults import read_whole  # noqa: E402
from regression import MPIEXEC, PROGRAM, SMALL, check, check_same_run, datasets, differences, is_open_mpi, main, succeed  # noqa: E402

FAILING = os.environ["RHOFLUX_FAILING_FILES"]
STEPS = 60


def settings(directory, *more):
    return ["train", "deck.cfg", *SMALL, f"--training.steps={STEPS}", "--training.reproducible=true", "--training.validate_every=20",
            "--checkpoint.every=10", f"--checkpoint.directory={directory}", "--restart", "auto", *more]


def run_failing(folder, words, call, error, part, after, ranks=2, timeout=120, of_rank=None, **more):
    """Runs the program where calls on some files fail, of one rank or of all; gives a CompletedProcess."""
    environment = dict(os.environ, FAILING_CALL=call, FAILING_ERROR=str(error), FAILING_PATH=part, FAILING_AFTER=str(after), **more)
    if of_rank is None:
        command = [PROGRAM]
        environment["LD_PRELOAD"] = FAILING
    else:
        script = f'if [ "${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}" = {of_rank} ]; then export LD_PRELOAD={FAILING}; fi; exec "$@"'
        command = ["bash", "-c", script, "rank", PROGRAM]
    return subprocess.run([*MPIEXEC, str(ranks), *command, *map(str, words)], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)


def prepare(folder):
    succeed("generate", "branching", "--count", 1000, "--seed", 3, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    succeed(*settings("straight"), folder=folder)


def test_training(folder):
    prepare(folder)
    cases = [(call, error, part, after) for call, afters in (("write", (0, 3, 12)), ("fsync", (0, 1, 4)), ("rename", (0, 2)), ("open", (0, 2)))
             for error, part, after in zip((errno.EIO, errno.ESTALE, errno.ENOSPC), ("checkpoint_", "best.h5", "history.csv"), afters)]
    cases += [("write", errno.ENOSPC, "checkpoint_", 7), ("fsync", errno.EIO, "run", 0), ("rename", errno.EIO, "checkpoint_", 3)]
    for number, (call, error, part, after) in enumerate(cases):
        directory = f"run_{number}"
        where = f"{call} on {part} fails with {errno.errorcode[error]} after {after}"
        result = run_failing(folder, settings(directory), call, error, part, after)
        said = result.stderr
        if result.returncode == 0:  # as many calls were never made
            check(after > 0, f"{where}: nothing failed\n{said}")
            continue
        check(result.returncode == 4, f"{where}: exit code {result.returncode}\n{said}")
        check(said.count("rhoflux: error") == 1 and os.strerror(error) in said, f"{where}: {said}")
        complete = sorted((folder / directory).glob("checkpoint_*.h5"))
        check(("no checkpoint had been written" in said) == (not complete) and (not complete or str(complete[-1].name) in said),
              f"{where}: {[path.name for path in complete]}\n{said}")
        for path in complete:
            read_whole(path)
        succeed(*settings(directory), folder=folder)
        check_same_run(folder / "straight", folder / directory, STEPS)
        check(not [path for path in (folder / directory).iterdir() if path.name.startswith(".")], f"{where}: something is left")


def test_a_field_written_by_two_ranks(folder):
    prepare(folder)
    words = ["field", "straight/best.h5", "--times", "0:1:3", "--grid", "40,40", "--output"]
    succeed(*words, "straight.h5", folder=folder)
    for number, (call, error, after) in enumerate((("write", errno.EIO, 0), ("write", errno.ENOSPC, 6), ("write", errno.ESTALE, 14),
                                                   ("fsync", errno.EIO, 0), ("rename", errno.ENOSPC, 0))):
        name = f"field_{number}.h5"
        result = run_failing(folder, [*words, name], call, error, name, after)
        where = f"{call} fails with {errno.errorcode[error]} after {after}"
        if result.returncode == 0:
            check(after > 0, f"{where}: nothing failed")
            check(not differences(folder / "straight.h5", folder / name), f"{where}: exit code 0, but the field differs")
            continue
        check(result.returncode == 4 and name in result.stderr, f"{where}: exit code {result.returncode}\n{result.stderr}")
        check(not list(folder.glob(f"*{name}*")), f"{where}: left {list(folder.glob(f'*{name}*'))}")


def test_one_rank_of_three_cannot_write_a_field(folder):
    """While the others can: HDF5 lets them wait for each other in different places, for ever."""
    prepare(folder)
    words = ["field", "straight/best.h5", "--times", "0:1:9", "--grid", "60,60", "--output"]
    succeed(*words, "straight.h5", folder=folder)
    # The I/O of Open MPI, which reports no error of its own, is tried before H5Fclose, where five minutes have to pass.
    cases = [({}, 0)] if is_open_mpi() else [({}, after) for after in (0, 3, 6)]
    romio = re.search(r"MCA io: (romio\w+)", subprocess.run(["ompi_info"], stdout=subprocess.PIPE, text=True, check=False).stdout
                      if shutil.which("ompi_info") else "")
    if is_open_mpi() and romio:
        cases += [({"OMPI_MCA_io": romio.group(1)}, after) for after in (0, 3, 6)]
    n_failed = 0
    for number, (more, after) in enumerate(cases):
        name = f"field_{number}.h5"
        result = run_failing(folder, [*words, name], "write", errno.ENOSPC, name, after, ranks=3, timeout=90, of_rank=1, **more)
        where = f"{more}: writes fail after {after}"
        if result.returncode == 0:
            check(after > 0, f"{where}: nothing failed")
            check(not differences(folder / "straight.h5", folder / name), f"{where}: exit code 0, but the field differs")
            continue
        n_failed += 1
        check(result.returncode == 4, f"{where}: exit code {result.returncode}\n{result.stderr}")
        check(result.stderr.count("rhoflux: error") == 1 and name in result.stderr, f"{where}: {result.stderr}")
        check("cannot write" in result.stderr or "cannot close" in result.stderr, f"{where}: {result.stderr}")
        left = [path.name for path in folder.iterdir() if name in path.name]
        check(not left, f"{where}: left {left}")
    check(n_failed >= len(cases) / 2, f"{n_failed} failed")


def test_a_slow_disk(folder):
    """20 ms for each write: slower, and otherwise the same."""
    prepare(folder)
    result = run_failing(folder, settings("slow"), "write", 0, "slow", -20)
    check(result.returncode == 0, result.stderr)
    check_same_run(folder / "straight", folder / "slow", STEPS)


def test_checkpoints_on_another_file_system(folder):
    """By a link to a folder in the memory of the machine."""
    prepare(folder)
    far = Path(tempfile.mkdtemp(prefix="rhoflux_test_", dir="/dev/shm"))
    try:
        if far.stat().st_dev == folder.stat().st_dev:
            print("not tried: /dev/shm and the folder of the test are one file system")
            return
        (folder / "far").symlink_to(far)
        succeed(*settings("far", "--stop-after", 25), folder=folder, code=75)
        succeed(*settings("far"), folder=folder, ranks=2)
        check_same_run(folder / "straight", folder / "far", STEPS)
    finally:
        shutil.rmtree(far)


def test_no_locks(folder):
    """A second run takes the directory, and the first writes nothing more."""
    prepare(folder)
    environment = dict(os.environ, LD_PRELOAD=FAILING, FAILING_CALL="flock", FAILING_ERROR=str(errno.ENOLCK), FAILING_PATH="shared")
    words = settings("shared", "--checkpoint.every=1", "--training.steps=100000")
    words = [word for word in words if word not in ("--checkpoint.every=10", f"--training.steps={STEPS}")]
    first = subprocess.Popen([PROGRAM, *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    while not list((folder / "shared").glob("checkpoint_*.h5")) and first.poll() is None:
        time.sleep(0.05)
    second = run_failing(folder, [*words, "--stop-after", 30], "flock", errno.ENOLCK, "shared", 0, ranks=1)
    said, complained = first.communicate(timeout=60)
    check("has no locks" in said and "has no locks" in second.stdout, said + second.stdout)
    check(second.returncode == 75, f"exit code {second.returncode}: {second.stderr}")
    check(first.returncode == 4 and "this run ends and writes nothing more" in complained, f"exit code {first.returncode}: {complained}")
    for path in (folder / "shared").glob("checkpoint_*.h5"):
        check(len(datasets(path)) > 0, f"{path} is damaged")


if __name__ == "__main__":
    main(test_training, test_a_field_written_by_two_ranks, test_one_rank_of_three_cannot_write_a_field, test_a_slow_disk,
         test_checkpoints_on_another_file_system, test_no_locks, at_once=2)
