"""The scripts for PBS in jobs/, with a qsub and a qstat of the test's own: OpenPBS is not in Debian, so that no real one was tried.

The qsub does what its manual says of what the scripts use: the directives #PBS, a copy of the script in a folder of its own, the
home directory as the working directory, PBS_O_WORKDIR, PBS_JOBID, PBS_JOBNAME, PBS_NODEFILE and, with -V, the environment."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import PROGRAM, SMALL, check, check_same_run, main, succeed  # noqa: E402

JOBS = Path(__file__).resolve().parents[2] / "jobs"
STEPS = 400

QSUB = r"""#!/usr/bin/env python3
import os, re, subprocess, sys
spool, words, options = os.environ["TEST_SPOOL"], sys.argv[1:], []
while words and words[0].startswith("-"):
    options.append(words.pop(0))
    if options[-1] not in ("-V", "-h"):
        options.append(words.pop(0))
(script,) = words
text = open(script, encoding="utf-8").read()
directives = re.findall(r"^#PBS (.*)$", text, re.M)
number = len([name for name in os.listdir(spool) if name.endswith(".SC")]) + 1
copy = os.path.join(spool, f"{number}.server.SC")
open(copy, "w", encoding="utf-8").write(text)
open(os.path.join(spool, f"{number}.asked"), "w").write("\n".join(directives + [" ".join(options)]))
ranks = re.findall(r"mpiprocs=(\d+)", " ".join(options)) or re.findall(r"mpiprocs=(\d+)", " ".join(directives))
nodes = os.path.join(spool, f"{number}.nodes")
open(nodes, "w").write("localhost\n" * int(ranks[0]))
environment = dict(os.environ if "-V" in options else {"PATH": os.environ["PATH"], "TEST_SPOOL": spool, "HOME": os.environ["HOME"]},
                   PBS_JOBID=f"{number}.server", PBS_JOBNAME="rhoflux", PBS_O_WORKDIR=os.environ.get("PBS_O_WORKDIR", os.getcwd()),
                   PBS_NODEFILE=nodes)
print(f"{number}.server", flush=True)
with open(os.path.join(spool, f"{number}.log"), "w") as log:
    code = subprocess.run(["bash", copy], cwd=os.environ["HOME"], env=environment, stdin=subprocess.DEVNULL, stdout=log,
                          stderr=subprocess.STDOUT).returncode
open(os.path.join(spool, f"{number}.code"), "w").write(str(code))
"""
QSTAT = """#!/bin/sh
[ "$1" = -f ] && echo "Job Id: $2" && echo "    Resource_List.walltime = $TEST_WALLTIME"
"""


def queue(folder, walltime, **variables):
    """The environment of a user of that PBS."""
    for name in ("bin", "spool", "home"):
        (folder / name).mkdir()
    for name, text in (("qsub", QSUB), ("qstat", QSTAT)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}", TEST_SPOOL=str(folder / "spool"), HOME=str(folder / "home"),
                TEST_WALLTIME=walltime, RHOFLUX=PROGRAM, REPORT_SECONDS="0", RHOFLUX_QSUB="-l select=1:ncpus=2:mpiprocs=2", **variables)


def submit(folder, environment, script, *words):
    return subprocess.run([JOBS / script, *map(str, words)], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)


def prepare(folder):
    succeed("generate", "branching", "--count", 2000, "--seed", 3, "--output", "the data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[training]\nreproducible = true\nvalidate_every = 100\n")
    return ["deck.cfg", *SMALL, f"--training.steps={STEPS}", "--data.file=the data.h5"]


def logs_of(folder):
    return [path.read_text() for path in sorted((folder / "spool").glob("*.log"), key=lambda path: int(path.name.split(".")[0]))]


def test_a_job_that_submits_itself_again(folder):
    """Four seconds for each start of a run that takes longer: it comes back, and ends with the bits of a straight run."""
    words = [word for word in prepare(folder) if not word.startswith("--training.steps")]
    environment = queue(folder, "00:01:00", RHOFLUX_MARGIN="56")
    for steps in (STEPS, 4 * STEPS, 16 * STEPS, 64 * STEPS):
        first = len(logs_of(folder))
        said = submit(folder, environment, "pbs_requeue.sh", *words, f"--training.steps={steps}", "--checkpoint.every=1")
        logs = logs_of(folder)[first:]
        everything = "\n".join(logs)
        check(said.returncode == 0, said.stdout + everything[-4000:])
        if len(logs) > 1:
            break
    check(len(logs) >= 2 and everything.count("back into the queue after restart") == len(logs) - 1, f"{len(logs)} jobs:\n{everything[-4000:]}")
    check("2 ranks" in logs[0] and "by --max-hours" in logs[0] and "continuing after step" in logs[1], everything[-4000:])
    succeed("train", *words, f"--training.steps={steps}", "--checkpoint.every=100000", "--checkpoint.directory=straight", folder=folder)
    check_same_run(folder / "straight", folder / f"output/rhoflux-{first + 1}", steps)
    asked = (folder / f"spool/{first + 2}.asked").read_text()
    check("-l select=1:ncpus=2:mpiprocs=2 -V" in asked, f"options are lost on the way: {asked}")


def test_one_job(folder):
    words = prepare(folder)
    succeed("train", *words, "--checkpoint.directory=straight", folder=folder)
    environment = queue(folder, "01:00:00")
    said = submit(folder, environment, "pbs_cpu.sh", *words, "--checkpoint.directory=output/a, b")
    log = (folder / "spool/1.log").read_text()
    check(said.returncode == 0 and said.stdout == "1.server\n" and (folder / "spool/1.code").read_text() == "0", said.stdout + log)
    check_same_run(folder / "straight", folder / "output/a, b", STEPS)
    asked = (folder / "spool/1.asked").read_text()
    check("-N rhoflux" in asked and "-l walltime=04:00:00" in asked and "-j oe" in asked, asked)


def test_wrong_calls(folder):
    environment = queue(folder, "01:00:00")
    for script in ("pbs_cpu.sh", "pbs_requeue.sh"):
        said = submit(folder, environment, script)
        check(said.returncode == 2 and "usage:" in said.stdout, said.stdout)
    check(not list((folder / "spool").iterdir()), "a job without a deck was submitted")
    # By qsub itself: the script lies elsewhere, without the others.
    direct = dict(environment)
    direct.pop("RHOFLUX_JOBS", None)
    subprocess.run(["qsub", "-l", "select=1:ncpus=1:mpiprocs=1", JOBS / "pbs_cpu.sh"], cwd=folder, env=direct, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, check=True, timeout=60)
    check((folder / "spool/1.code").read_text() == "2" and "submits itself" in (folder / "spool/1.log").read_text(),
          (folder / "spool/1.log").read_text())


if __name__ == "__main__":
    main(test_a_job_that_submits_itself_again, test_one_job, test_wrong_calls, at_once=2)
