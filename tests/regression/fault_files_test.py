"""Files and folders: damaged checkpoints and data, full disks, folders that cannot be written, files that vanish, locks that stay.

After each the newest checkpoint that was complete can be read and the message says what is wrong. RHOFLUX_LONG=1 takes 200
damaged files instead of a few; RHOFLUX_FAULT_SEED chooses others."""

import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from faults import PATIENCE, SEED, Job, arguments, checkpoints, is_writing, name_of, prepare, read_whole, wait_for_checkpoint  # noqa: E402
from regression import LONG, PROGRAM, check, datasets, differences, h5py, is_open_mpi, main, np, run, skip, succeed  # noqa: E402

N_DAMAGED = 200 if LONG else 12

# Damage: takes and gives the bytes of a file.

def truncated(chance, data):
    return data[:chance.randrange(len(data))]


def bit_flipped(chance, data):
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1:]


def block_of_zeros(chance, data):
    place = chance.randrange(max(1, len(data) - 512))
    return data[:place] + bytes(512) + data[place + 512:]


def block_of_noise(chance, data):
    place = chance.randrange(max(1, len(data) - 64))
    return data[:place] + chance.randbytes(64) + data[place + 64:]


def blocks_swapped(chance, data):
    a, b = sorted(chance.sample(range(len(data) // 512), 2))
    blocks = [data[k:k + 512] for k in range(0, len(data), 512)]
    blocks[a], blocks[b] = blocks[b], blocks[a]
    return b"".join(blocks)


DAMAGE = (truncated, bit_flipped, bit_flipped, block_of_zeros, block_of_noise, blocks_swapped)


def rows_of(path):
    """What training reads of a population file, None if h5py cannot read it."""
    try:
        with h5py.File(path, "r") as file:
            found = {name: file[name][()].tobytes() for name in ("t", "x", "split")}
            found.update((name, np.asarray(file.attrs[name]).tobytes()) for name in ("dim_names", "time_unit", "source"))
            return found
    except Exception:  # noqa: BLE001: h5py raises many kinds
        return None


def content(path):
    """All that a file says: datasets and attributes, None if h5py cannot read it."""
    try:
        found = {name: (value.dtype.str, np.shape(value), np.asarray(value).tobytes()) for name, value in datasets(path).items()}
        with h5py.File(path, "r") as file:
            def visit(name, item):
                for key, value in item.attrs.items():
                    found[f"{name}@{key}"] = np.asarray(value).tobytes()
            visit("/", file)
            file.visititems(visit)
        return found
    except Exception:  # noqa: BLE001: h5py raises many kinds
        return None


def check_refused_or_same(path, original, result, where, read=content):
    """A damaged file is refused with a message that names it, or the damage changed nothing that is read."""
    said = result.stdout + result.stderr
    check(result.returncode in (0, 2), f"{where}: exit code {result.returncode}\n{said}")
    if result.returncode == 2:
        check(path.name in said, f"{where}: the message does not name the file:\n{said}")
        return True
    check(read(path) == original, f"{where}: the damage was not noticed")
    return False


def test_damaged_checkpoints(folder):
    prepare(folder)
    succeed(*arguments("straight", steps=60, every=20), folder=folder)
    succeed(*arguments("whole", "--stop-after", 45, steps=60, every=20), folder=folder, code=75)
    newest, older = folder / "whole" / name_of(45), name_of(40)
    data, original = newest.read_bytes(), content(newest)
    chance, refused, passed_over = random.Random(SEED + 1), 0, 0
    for k in range(N_DAMAGED):
        damage = DAMAGE[k % len(DAMAGE)]
        victim = folder / "victim.h5"
        victim.write_bytes(damage(chance, data))
        where = f"damaged checkpoint {k} ({damage.__name__})"
        is_refused = check_refused_or_same(victim, original, run("info", victim.name, folder=folder, timeout=PATIENCE), where)
        refused += is_refused
        if not is_refused or k % 4:
            continue
        shutil.copytree(folder / "whole", folder / "again")
        victim.rename(folder / "again" / newest.name)
        said = succeed(*arguments("again", "--restart", "auto", steps=60, every=20), folder=folder, ranks=chance.choice((0, 2)))
        check("damaged checkpoint passed over" in said and "continuing after step 40" in said, f"{where}: not from {older}:\n{said}")
        for name in (name_of(60), "best.h5"):
            different = differences(folder / "straight" / name, folder / "again" / name)
            check(not different, f"{where}: {name} differs in {different}")
        shutil.rmtree(folder / "again")
        passed_over += 1
    check(refused > N_DAMAGED // 2, f"only {refused} of {N_DAMAGED} damaged checkpoints were refused")
    print(f"{N_DAMAGED} damaged checkpoints: {refused} refused, {N_DAMAGED - refused} damaged where nothing is stored; "
          f"{passed_over} times continued from the one before, with the bits of a straight run")


def test_damaged_data(folder):
    prepare(folder)
    data, original = (folder / "data.h5").read_bytes(), rows_of(folder / "data.h5")
    chance, refused = random.Random(SEED + 2), 0
    count = N_DAMAGED // 2
    for k in range(count):
        damage = DAMAGE[k % len(DAMAGE)]
        victim = folder / "victim.h5"
        victim.write_bytes(damage(chance, data))
        result = run("train", "deck.cfg", "--data.file=victim.h5", "--check", folder=folder, timeout=PATIENCE,
                     ranks=chance.choice((0, 0, 0, 2)))
        refused += check_refused_or_same(victim, original, result, f"damaged data {k} ({damage.__name__})", rows_of)
    check(refused > count // 2, f"only {refused} of {count} damaged data files were refused")
    print(f"{count} damaged data files: {refused} refused, {count - refused} damaged where nothing is stored")


def test_file_size_limit(folder):
    """A write that fails in the middle of a checkpoint: EFBIG here, as ENOSPC of a full disk."""
    prepare(folder)
    for k, ranks in enumerate((0, 2, 2)):
        name = f"run_{k}"
        job = Job(folder, ranks, *arguments(name, every=20, steps=10**6))
        wait_for_checkpoint(job, folder / name)
        size = (folder / name / name_of(checkpoints(folder / name)[0])).stat().st_size
        limit = (size // 2, size - 512, 4096)[k]
        for pid in job.ranks():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))
        seen = checkpoints(folder / name)[0]
        code, said = job.wait(), job.said()
        check(code == 4, f"limit {limit}: exit code {code}\n{said[-2000:]}")
        check(said.count("rhoflux: error:") == 1 and "the last good checkpoint is" in said, f"limit {limit}: {said[-2000:]}")
        steps = checkpoints(folder / name)
        check(steps and steps[0] >= seen, f"limit {limit}: {name_of(seen)} is lost: {os.listdir(folder / name)}")
        for step in steps:
            read_whole(folder / name / name_of(step))
        check(not is_writing(folder / name), f"limit {limit}: a temporary file is left: {os.listdir(folder / name)}")
        said = succeed(*arguments(name, "--restart", "auto", "--stop-after", 5, every=20, steps=10**6), folder=folder, code=75)
        check(f"continuing after step {steps[0]}" in said, said)


class Disk:
    """A small file system in memory; `with` gives None where mounting is forbidden."""

    def __init__(self, folder, size):
        self.folder, self.size = folder, size

    def __enter__(self):
        self.folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(self.folder)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False) if shutil.which("mount") else None
        self.is_mounted = done is not None and done.returncode == 0
        return self if self.is_mounted else None

    def remount(self, mode):
        subprocess.run(["mount", "-o", f"remount,{mode}", str(self.folder)], check=True)

    def __exit__(self, *_):
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


def test_full_and_read_only_disk(folder):
    prepare(folder)
    succeed(*arguments("straight", every=20, steps=60), folder=folder)
    size = (folder / "straight" / name_of(20)).stat().st_size
    with Disk(folder / "disk", 16 * size) as disk:
        if disk is None:
            print("left out: mounting a file system is forbidden here")
            return
        run_folder = folder / "disk" / "run"
        succeed(*arguments(run_folder, "--stop-after", 20, every=20, steps=60), folder=folder, code=75, ranks=2)
        ballast = folder / "disk" / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        with open(ballast, "r+b") as file:  # room for half a checkpoint
            file.truncate(ballast.stat().st_size - size // 2)
        result = run(*arguments(run_folder, "--restart", "auto", every=20, steps=60), folder=folder, ranks=2, timeout=PATIENCE)
        check(result.returncode == 4, f"full disk: exit code {result.returncode}\n{result.stdout}{result.stderr}")
        check(result.stderr.count("rhoflux: error:") == 1 and str(run_folder) in result.stderr, result.stderr)
        check(checkpoints(run_folder) == [20], f"full disk: {os.listdir(run_folder)}")
        ballast.unlink()
        disk.remount("ro")
        result = run(*arguments(run_folder, "--restart", "auto", every=20, steps=60), folder=folder, ranks=2, timeout=PATIENCE)
        check(result.returncode == 2, f"read-only disk: exit code {result.returncode}\n{result.stdout}{result.stderr}")
        check(str(run_folder) in result.stderr and "Read-only" in result.stderr, result.stderr)
        disk.remount("rw")
        succeed(*arguments(run_folder, "--restart", "auto", every=20, steps=60), folder=folder, ranks=2)
        check(not differences(folder / "straight" / name_of(60), run_folder / name_of(60)), "the continued run differs")


def test_folder_becomes_unwritable(folder):
    """As another user than root, whom permissions do not stop."""
    prepare(folder)
    folder.chmod(0o755)
    target = folder / "run"
    target.mkdir()
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(target, 65534, 65534)
    # The other user may not be allowed to go where the program was built.
    program = shutil.copy(PROGRAM, folder / "rhoflux")
    process = subprocess.Popen([program, *arguments("run", every=20, steps=100000)], cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=(lambda: os.setuid(65534)) if is_root else None)
    try:
        end = time.monotonic() + PATIENCE
        while not checkpoints(target) and time.monotonic() < end and process.poll() is None:
            time.sleep(0.01)
        target.chmod(0o555)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    check(process.returncode == 4, f"exit code {process.returncode}\n{out}{err}")
    # Found before the file is made, or in making it if the folder changed in between.
    check("run" in err and ("not writable" in err or "Permission denied" in err), err)
    target.chmod(0o755)
    check(checkpoints(target), f"no checkpoint is left: {os.listdir(target)}")
    for step in checkpoints(target):
        read_whole(target / name_of(step))


def test_data_file_vanishes(folder):
    prepare(folder)
    succeed(*arguments("straight", every=20, steps=60), folder=folder)
    # During the run: the rows are in memory.
    job = Job(folder, 2, *arguments("run", every=20, steps=100000))
    wait_for_checkpoint(job, folder / "run")
    (folder / "data.h5").rename(folder / "away.h5")
    time.sleep(0.2)
    job.send(job.ranks(), signal.SIGUSR1)
    check(job.wait() == 75, job.said())
    # Before one.
    before = checkpoints(folder / "run")
    result = run(*arguments("run", "--restart", "auto"), folder=folder, ranks=2, timeout=PATIENCE)
    check(result.returncode == 2 and "data.h5" in result.stderr and "no such file" in result.stderr, result.stderr)
    check(checkpoints(folder / "run") == before, "the checkpoints have changed")
    # Another file of that name is not the data of this run.
    succeed("generate", "branching", "--count", 1000, "--seed", 3, "--output", "data.h5", folder=folder)
    result = run(*arguments("run", "--restart", "auto"), folder=folder, timeout=PATIENCE)
    check(result.returncode == 2 and "training rows" in result.stderr, result.stderr)
    # One that is made again is the same, byte by byte; one with as many other rows is taken with a warning.
    (folder / "data.h5").unlink()
    prepare(folder)
    check((folder / "data.h5").read_bytes() == (folder / "away.h5").read_bytes(), "the same command makes other data")
    said = succeed(*arguments("run", "--restart", "auto", "--stop-after", 1, steps=100000), folder=folder, code=75)
    check("the input files are not those" not in said, said)
    with h5py.File(folder / "data.h5", "r+") as file:
        file["x"][0] += 0.01
    said = succeed(*arguments("run", "--restart", "auto", "--stop-after", 1, steps=100000), folder=folder, code=75)
    check("the input files are not those" in said, said)


def test_semaphore_left_by_a_killed_run(folder):
    """Open MPI's MPI-IO waits for ever for a semaphore named after the file that a killed run left locked; data are read without."""
    prepare(folder)
    library = ctypes.CDLL(None, use_errno=True)
    library.sem_open.restype = ctypes.c_void_p
    name = b"/OMPIO_data.h5"
    library.sem_unlink(name)
    semaphore = library.sem_open(name, os.O_CREAT, 0o644, 0)
    check(semaphore, f"no semaphore can be made: {os.strerror(ctypes.get_errno())}")
    try:
        succeed("train", "deck.cfg", "--check", ranks=2, folder=folder, timeout=PATIENCE)
    finally:
        library.sem_unlink(name)


if __name__ == "__main__":
    if not is_open_mpi():
        skip("mpiexec of MPICH puts ranks into sessions of their own, where this test does not find them")
    WANTED = sys.argv[1:]
    main(*[test for name, test in list(globals().items()) if name.startswith("test_") and (not WANTED or name in WANTED)], at_once=2)
