"""The batch scripts of jobs/ under a real SLURM: a job that its time limit stops, that goes back into the queue and continues,
ends with the bits of a straight run, whether mpirun or srun starts the ranks; a job array; a job that is stopped for good.

SLURM is a private one of one node (support/slurm_cluster.py). It is installed where it is missing, which needs root and
Debian's packages; where that is impossible the test is skipped."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import PROGRAM, SMALL, check, check_same_run, main, skip, succeed  # noqa: E402
from slurm_cluster import Cluster, install  # noqa: E402

JOBS = Path(__file__).resolve().parents[2] / "jobs"
# SLURM looks at time limits every 30 s, and warns up to a minute early: in a job of one minute the warning comes at any moment
# of the first half minute. A run that takes longer is stopped at least once; one that was not is repeated with twice the steps.
# Beside other tests a run takes several times as long as the trial before it, and each stop costs a turn in the queue.
WANTED_SECONDS = 8


def prepare(folder):
    """A top folder as a user has it; the job scripts find the program in RHOFLUX."""
    (folder / "jobs").symlink_to(JOBS)
    succeed("generate", "branching", "--count", 2000, "--seed", 3, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n[training]\nreproducible = true\nvalidate_every = 100\n"
                                     "[output]\nlog_every = 7\n")


def settings(steps):
    return [*SMALL, f"--training.steps={steps}"]


def steps_for(folder, seconds):
    """Steps, each with a checkpoint, that take so long."""
    times = []
    for steps in (10, 110):
        start = time.monotonic()
        succeed("train", "deck.cfg", *settings(steps), "--checkpoint.every=1", "--checkpoint.directory=trial", "--force", ranks=2,
                folder=folder)
        times.append(time.monotonic() - start)
    return max(500, int(100 * seconds / max(times[1] - times[0], 0.1)))


def log_of(folder, pattern):
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob(pattern)))


def requeue_until_stopped(cluster, folder, launchers, steps):
    """For each launcher, a job of one minute that goes back into the queue; in turns, for while one waits there, the other runs.
    With more steps where the machine has become so fast that the limit never came. Gives (number, steps) by launcher."""
    results = {}
    waiting = list(launchers)
    for _ in range(5):
        numbers = {launcher: cluster.submit("--ntasks=2", "--time=1", "--signal=B:USR1@50", "jobs/slurm_requeue.sh", "deck.cfg",
                                            *settings(steps), "--checkpoint.every=1", folder=folder, LAUNCH=launcher)
                   for launcher in waiting}
        try:
            cluster.wait_for_jobs(1200)  # 40 turns, if the machine has become that slow
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{log_of(folder, 'rhoflux-*.log')[-8000:]}") from error
        results.update((launcher, (number, steps)) for launcher, number in numbers.items())
        waiting = [launcher for launcher, number in numbers.items()
                   if cluster.job(number).get("Restarts") == "0" and cluster.job(number).get("JobState") == "COMPLETED"]
        if not waiting:
            break
        steps *= 2
    return results


def check_requeued(job, number, launcher, steps, folder):
    """A job that was stopped by its time limit at least once has the bits of a straight run."""
    said = log_of(folder, f"rhoflux-{number}*.log")
    restarts = int(job.get("Restarts", "0"))
    check(job.get("JobState") == "COMPLETED", f"the requeueing job ended as {job.get('JobState')}:\n{said[-4000:]}")
    check(restarts >= 1, f"the job was not put back into the queue in {steps} steps:\n{said[-4000:]}")
    check(said.count("stopped after step") == restarts and said.count("by signal USR1") >= 1, f"{restarts} restarts, but\n{said}")
    check(said.count("continuing after step") == restarts, f"{restarts} restarts, but\n{said[-4000:]}")
    check("2 ranks" in said, f"not on two ranks:\n{said[-4000:]}")
    straight = f"straight_{steps}"
    if not (folder / straight).exists():
        succeed("train", "deck.cfg", *settings(steps), "--checkpoint.every=1000000", f"--checkpoint.directory={straight}", ranks=1,
                folder=folder)
    check_same_run(folder / straight, folder / f"output/rhoflux-{number}", steps, said)
    print(f"{launcher.split()[0]}: {steps} steps, {restarts} times stopped by the time limit, put back and continued: "
          "the bits of a straight run")


def test_scripts_of_jobs(folder):
    """One cluster for all, because starting it and waiting for a time limit is what takes the time."""
    prepare(folder)
    steps = steps_for(folder, WANTED_SECONDS)
    with Cluster(folder / "slurm") as cluster:
        launchers = ["mpirun -n 2"]
        if "pmix" in cluster.ask("srun", "--mpi=list"):
            launchers.append("srun --mpi=pmix")
        else:
            print("this SLURM has no PMIx: ranks are not started by srun")
        (folder / "sweep.txt").write_text("--training.seed=1\n--training.seed=2 --training.learning_rate=2e-3\n")
        array = cluster.submit("--ntasks=1", "--array=1-2", "jobs/slurm_array.sh", "deck.cfg", "sweep.txt", *settings(50),
                               folder=folder)
        requeued = requeue_until_stopped(cluster, folder, launchers, steps)
        jobs = {launcher: cluster.job(number) for launcher, (number, _) in requeued.items()}
        # A job that is stopped for good while it has far to go.
        stopped = cluster.submit("--ntasks=2", "jobs/slurm_requeue.sh", "deck.cfg", *settings(10**7), "--checkpoint.every=1000000",
                                 folder=folder, LAUNCH=launchers[-1])
        end = time.monotonic() + 60
        while "step " not in log_of(folder, f"rhoflux-{stopped}*.log") and time.monotonic() < end:
            time.sleep(0.5)
        cluster.ask("scancel", "--batch", "--signal=INT", stopped)
        cluster.wait_for_jobs(60)

    for launcher, (number, steps_done) in requeued.items():
        check_requeued(jobs[launcher], number, launcher, steps_done, folder)

    for task, line in enumerate((folder / "sweep.txt").read_text().splitlines(), 1):
        said = log_of(folder, f"rhoflux-sweep-{array}_{task}.log")
        succeed("train", "deck.cfg", *settings(50), *line.split(), f"--checkpoint.directory=sweep_{task}", folder=folder)
        check_same_run(folder / f"sweep_{task}", folder / f"output/rhoflux-sweep-{array}/{task}", 50, said)

    said = log_of(folder, f"rhoflux-{stopped}*.log")
    check("stopped after step" in said and "not back into the queue" in said, f"the stopped job wrote no checkpoint:\n{said[-4000:]}")
    check(len(list((folder / f"output/rhoflux-{stopped}").glob("checkpoint_*.h5"))) == 1, "the stopped job left no checkpoint")


if __name__ == "__main__":
    REASON = install()
    if REASON:
        skip(REASON)
    os.environ["RHOFLUX"] = PROGRAM
    main(test_scripts_of_jobs)
