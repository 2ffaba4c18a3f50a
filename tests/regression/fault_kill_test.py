"""Kills and signals: ranks, launchers and whole runs killed at random moments of training and of writing; runs that are asked to
stop; two runs in one directory.

After each the newest checkpoint that was complete can be read, nothing is lost but the steps since, and no process is left.
RHOFLUX_LONG=1 takes 500 kills instead of a few; RHOFLUX_FAULT_SEED chooses others."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from faults import PATIENCE, SEED, STEPS, Job, arguments, checkpoints, is_writing, name_of, prepare, read_whole, session_members, wait_for_checkpoint  # noqa: E402
from regression import LONG, PROGRAM, check, check_same_run, differences, is_open_mpi, main, run, skip, succeed  # noqa: E402

N_KILLS = 500 if LONG else 7
KINDS = ("one rank", "all ranks", "signals", "launcher", "everything", "abort", "segmentation fault")


def check_history(path):
    rows = path.read_text(encoding="utf-8").splitlines()
    width = rows[0].count(",")
    check(all(row.count(",") == width for row in rows), f"{path} has a torn line")
    steps = [int(row.split(",")[0]) for row in rows[1:] if row.split(",")[1]]
    check(steps == list(range(20, 20 * len(steps) + 1, 20)), f"{path} has gaps or repeats: {steps}")


def wait_for_fault(chance, job, folder, typical):
    """Until a random moment of the run, in half of the cases one in which a file is being written."""
    end = time.monotonic() + chance.uniform(0.05, typical)
    while time.monotonic() < end and job.process.poll() is None:
        time.sleep(0.01)
    if chance.random() < 0.5:
        end = time.monotonic() + 3
        while not is_writing(folder) and time.monotonic() < end and job.process.poll() is None:
            pass
        time.sleep(chance.uniform(0, 0.003))


def strike(chance, job, kind):
    """Kills a rank, all ranks, the launcher or everything, or has a rank abort. True if there was something to strike."""
    ranks = job.ranks()
    one = [chance.choice(ranks)] if ranks else []
    if kind == "one rank":
        return job.send(one, signal.SIGKILL)
    if kind == "all ranks":
        return job.send(ranks, signal.SIGKILL)
    if kind == "everything":
        return job.send([pid for pid, _ in session_members(job.process.pid)], signal.SIGKILL)
    if kind == "launcher":
        return job.process.poll() is None and job.send([job.process.pid], signal.SIGKILL)
    if kind == "abort":
        return job.send(one, signal.SIGABRT)
    if kind == "segmentation fault":
        return job.send(one, signal.SIGSEGV)
    struck = False  # a second signal must not harm the checkpoint that the first one asked for
    for _ in range(5):
        struck = job.send(ranks, signal.SIGUSR1) or struck
        time.sleep(chance.uniform(0, 0.02))
    return struck


def test_killed_at_random_moments(folder):
    prepare(folder)
    succeed(*arguments("straight", every=STEPS), folder=folder)
    chance = random.Random(SEED)
    directory, finished, counts, in_writes, longest = folder / "run", 0, {}, 0, 0.0
    killed = launcher_hangs = 0
    while killed < N_KILLS or (in_writes == 0 and killed < N_KILLS + 30):
        # The kinds in turn, so that few kills have each of them.
        kind = KINDS[killed % len(KINDS)]
        ranks = chance.choice((0, 1, 2, 2, 4))
        before = checkpoints(directory)
        job = Job(folder, ranks, *arguments("run", "--restart", "auto"))
        wait_for_fault(chance, job, directory, 1.5)
        seen = checkpoints(directory)
        start = time.monotonic()
        struck = strike(chance, job, kind)
        code = job.wait()
        launcher_hangs += job.launcher_hung
        kill = killed
        if struck:
            killed += 1
            longest = max(longest, 0 if job.launcher_hung else time.monotonic() - start)
            counts[kind] = counts.get(kind, 0) + 1
            in_writes += is_writing(directory)
        where = f"kill {kill} ({kind}, {ranks} ranks, exit code {code})"
        after = checkpoints(directory)
        check(not seen or (after and after[0] >= seen[0]), f"{where}: {name_of(seen[0]) if seen else ''} is lost")
        check(not before or after[0] >= before[0], f"{where}: went back from step {before[:1]} to {after[:1]}")
        for step in after:
            read_whole(directory / name_of(step))
        if (directory / "history.csv").exists():
            check_history(directory / "history.csv")
        if kind == "signals" and code == 75:
            check("stopped after step" in job.said(), f"{where}: {job.said()[-1000:]}")
        if code == 0 and after and after[0] == STEPS:
            finished += 1
            check_same_run(folder / "straight", directory, STEPS)
            shutil.rmtree(directory)
    said = succeed(*arguments("run", "--restart", "auto"), folder=folder)
    check("damaged" not in said, "a complete checkpoint is damaged:\n" + said)
    check_same_run(folder / "straight", directory, STEPS)
    left = [path.name for path in directory.iterdir() if path.name.startswith(".")]
    check(not left, f"a killed run left {left}, which the next ones did not remove")
    check(in_writes > 0, "no kill hit the writing of a file")
    print(f"{killed} kills ({', '.join(f'{n} {kind}' for kind, n in sorted(counts.items()))}; {in_writes} left a file half "
          f"written): 0 checkpoints lost, 0 ranks hung, at most {longest:.1f} s until all had ended, {finished + 1} runs "
          f"finished with the bits of a straight one; {launcher_hangs} times mpiexec itself hung after all ranks had gone")


def test_two_runs_in_one_directory(folder):
    prepare(folder)
    job = Job(folder, 2, *arguments("run", every=20, steps=100000))
    wait_for_checkpoint(job, folder / "run")
    result = run(*arguments("run", "--restart", "auto"), folder=folder, timeout=PATIENCE)
    check(result.returncode == 2 and "another run is writing here" in result.stderr, result.stderr)
    check(result.stderr.count(f"process {job.ranks()[0]}") + result.stderr.count(f"process {job.ranks()[-1]}") >= 1,
          f"the message does not name the process: {result.stderr}")
    job.send(job.ranks(), signal.SIGTERM)
    check(job.wait() == 75, job.said())
    succeed(*arguments("run", "--restart", "auto", "--stop-after", 5, steps=100000), folder=folder, code=75)
    check(not (folder / "run/.lock").exists(), "the lock is left behind")


def test_limit_of_hours(folder):
    """Counted from the start of the program; all ranks stop together, and the next run continues."""
    prepare(folder)
    start = time.monotonic()
    said = succeed(*arguments("run", "--max-hours", 1.5 / 3600, every=10**6, steps=10**7), folder=folder, ranks=2, code=75)
    check("by --max-hours" in said and time.monotonic() - start < PATIENCE, said[-2000:])
    steps = checkpoints(folder / "run")
    check(len(steps) == 1, f"checkpoints {steps}")
    said = succeed(*arguments("run", "--restart", "auto", "--stop-after", 3, steps=10**7), folder=folder, code=75)
    check(f"continuing after step {steps[0]}" in said, said)


def kill_all_with(word):
    """Whatever has a word in its command line."""
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and int(path.name) != os.getpid() and word.encode() in (path / "cmdline").read_bytes():
                os.kill(int(path.name), signal.SIGKILL)
        except (OSError, ValueError):
            pass


def test_workstation_script(folder):
    """Ctrl-C, which the whole foreground group gets, TERM, and a closed terminal end the script of jobs/ with a checkpoint; it
    then continues. So does a signal that comes before the ranks have started, when there is nothing yet to write."""
    prepare(folder)
    script = Path(__file__).resolve().parents[2] / "jobs/workstation.sh"
    environment = dict(os.environ, RHOFLUX=PROGRAM, RANKS="2")
    def reset():
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    for k, number in enumerate((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
        words = [str(script), str(folder / "deck.cfg"), f"--data.file={folder / 'data.h5'}", *arguments(folder / "run", steps=10**6)[2:]]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=environment, start_new_session=True, preexec_fn=reset)
        try:
            before = checkpoints(folder / "run")[:1]
            end = time.monotonic() + PATIENCE
            while checkpoints(folder / "run")[:1] == before and time.monotonic() < end and process.poll() is None:
                time.sleep(0.02)
            os.killpg(process.pid, number)
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            kill_all_with(str(folder / "run"))
        check(process.returncode == 75, f"{number.name}: exit code {process.returncode}\n{said[-3000:]}")
        check("stopped with a checkpoint" in said and ("continuing after step" in said) == (k > 0), said[-3000:])
    chance = random.Random(SEED + 3)
    for delay in [chance.uniform(0, 0.6) for _ in range(60 if LONG else 3)]:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=environment, start_new_session=True, preexec_fn=reset)
        try:
            time.sleep(delay)
            process.send_signal(signal.SIGUSR1)
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            kill_all_with(str(folder / "run"))
        # In the first moment the script itself has not said yet what it does with USR1; how long that takes depends on the machine.
        check(process.returncode == 75 or (said == "" and process.returncode == -signal.SIGUSR1),
              f"USR1 {delay:.2f} s after the start: exit code {process.returncode}\n{said[-3000:]}")


def test_launcher_that_hangs(folder):
    """A launcher that goes on after its ranks have ended, as that of Open MPI 4 can, is ended by the scripts of jobs/."""
    prepare(folder)
    script = Path(__file__).resolve().parents[2] / "jobs/workstation.sh"
    launcher = folder / "mpirun"
    launcher.write_text('#!/bin/sh\n"$@"\nexec python3 -c "import time; time.sleep(1000)" "$0"\n')
    launcher.chmod(0o755)
    environment = dict(os.environ, RHOFLUX=PROGRAM, LAUNCH=str(launcher), RHOFLUX_LAUNCHER_ALONE="2")
    words = [str(script), str(folder / "deck.cfg"), f"--data.file={folder / 'data.h5'}", *arguments(folder / "run", steps=3000)[2:]]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env=environment, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        kill_all_with(str(folder))
    check(process.returncode == 128 + signal.SIGKILL, f"exit code {process.returncode}\n{said[-3000:]}")
    check("goes on although all ranks have ended" in said, said[-3000:])
    check(checkpoints(folder / "run")[:1] == [3000], f"the run did not come to its end: {checkpoints(folder / 'run')}")
    # Its ranks are killed while they start.
    launcher.write_text('#!/bin/sh\nsleep 0.7\nexec python3 -c "import time; time.sleep(1000)" "$0"\n')
    environment["RHOFLUX_LAUNCHER_ALONE"] = "6"
    ended = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           env=environment, timeout=PATIENCE, check=False)
    check(ended.returncode == 128 + signal.SIGKILL, f"exit code {ended.returncode}\n{ended.stdout[-3000:]}")


def test_checkpoints_by_time(folder):
    prepare(folder)
    said = succeed(*arguments("run", "--checkpoint.every_minutes=0.0005", "--checkpoint.keep=1000", every=10**6, steps=1500),
                   folder=folder, ranks=2)
    steps = checkpoints(folder / "run")
    check(len(steps) >= 3, f"a checkpoint every 0.03 s, but {steps}:\n{said}")
    succeed(*arguments("straight", every=10**6, steps=1500), folder=folder)
    check(not differences(folder / "straight" / name_of(1500), folder / "run" / name_of(1500)), "the time changes the result")


if __name__ == "__main__":
    if not is_open_mpi():
        skip("mpiexec of MPICH puts ranks into sessions of their own, where this test does not find them")
    WANTED = sys.argv[1:]
    main(*[test for name, test in list(globals().items()) if name.startswith("test_") and (not WANTED or name in WANTED)])
