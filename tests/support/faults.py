"""What the tests of faults share: training runs that can be killed in part, and what they leave."""

import os
import signal
import subprocess
import time
from pathlib import Path

from regression import MPIEXEC, PROGRAM, SMALL, check, datasets, succeed

SEED = int(os.environ.get("RHOFLUX_FAULT_SEED", "1"))
PATIENCE = 60  # seconds after which a process that should have ended counts as hanging
STEPS = 600
EVERY = 5


def arguments(directory, *more, every=EVERY, steps=STEPS):
    return ["train", "deck.cfg", *SMALL, "--training.reproducible=true", "--training.validate_every=50",
            "--output.log_every=20", f"--training.steps={steps}", f"--checkpoint.every={every}",
            f"--checkpoint.directory={directory}", *more]


def prepare(folder):
    succeed("generate", "branching", "--count", 2000, "--seed", 3, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")


def name_of(step):
    return f"checkpoint_{step:09d}.h5"


def checkpoints(folder):
    """Steps of the complete checkpoints, newest first."""
    return sorted((int(path.stem.split("_")[1]) for path in folder.glob("checkpoint_*.h5")), reverse=True)


def session_members(session):
    """Processes of a session that still run."""
    members = []
    for path in Path("/proc").iterdir():
        if not path.name.isdigit():
            continue
        try:
            status = (path / "stat").read_text().rsplit(")", 1)[1].split()
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(status[3]) == session and status[0] != "Z":
            members.append((int(path.name), words))
    return members


class Job:
    """A training run in a session of its own, that can be killed as a whole or in part."""

    def __init__(self, folder, ranks, *words):
        command = [PROGRAM, *map(str, words)]
        if ranks > 0:
            command = MPIEXEC + [str(ranks)] + command
        self.launched = ranks > 0
        self.launcher_hung = False
        self.log = folder / "job.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)

    def ranks(self):
        return [pid for pid, words in session_members(self.process.pid) if words and words[0].decode() == PROGRAM]

    def send(self, pids, number):
        """True if a process was there to get it."""
        sent = False
        for pid in pids:
            try:
                os.kill(pid, number)
                sent = True
            except ProcessLookupError:
                pass
        return sent

    def wait(self):
        """The exit code, once no process of the job is left. A launcher that hangs after all others have gone, which PMIx is
        known for (docs/limits.md), is ended, and `launcher_hung` says so."""
        end = time.monotonic() + PATIENCE
        alone_since = None
        try:
            while True:
                members = session_members(self.process.pid)
                if self.process.poll() is not None and not members:
                    return self.process.returncode
                check(time.monotonic() < end,
                      f"a hang: processes go on {PATIENCE} s after the fault: {members}\n{self.said()[-3000:]}")
                if not self.launched or [pid for pid, _ in members] != [self.process.pid]:
                    alone_since = None
                elif alone_since is None:
                    alone_since = time.monotonic()
                elif time.monotonic() > alone_since + PATIENCE / 4:
                    self.launcher_hung = True
                    self.process.kill()
                time.sleep(0.02)
        finally:
            self.send([pid for pid, _ in session_members(self.process.pid)], signal.SIGKILL)
            self.process.wait()

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")


def is_writing(folder):
    return any(name.startswith(".") and ".tmp." in name for name in (os.listdir(folder) if folder.is_dir() else []))


def read_whole(path):
    """Reads every dataset, which checks every checksum."""
    found = datasets(path)
    check("parameters" in {name.split("/")[0] for name in found}, f"{path} has no parameters")
    return found


def wait_for_checkpoint(job, folder):
    end = time.monotonic() + PATIENCE
    while not checkpoints(folder):
        check(time.monotonic() < end and job.process.poll() is None, f"no checkpoint in {folder}:\n{job.said()[-2000:]}")
        time.sleep(0.01)
