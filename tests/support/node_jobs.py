"""What the tests of jobs over several nodes share: three nodes under a SLURM of their own (network_nodes.py, slurm_cluster.py), and
small training runs on them.

The nodes are namespaces of this machine, with a virtual network of their own: another host name, other processes, another /tmp,
and messages over TCP between them; they share the folder of the test. Needs root and Debian's packages for SLURM."""

import contextlib
import time
from pathlib import Path

from network_nodes import Machines, reason_against
from regression import PROGRAM, SMALL, check, skip, succeed
from slurm_cluster import Cluster, install

SOURCE = Path(__file__).resolve().parents[2]
SETTINGS = "SlurmdTimeout=30\nSlurmctldTimeout=60"
LAUNCHERS = ("mpirun", "srun --mpi=pmix")
STEPS = 1500


def prepare(folder):
    """A top folder as a user has it, on a disk that all nodes share."""
    (folder / "jobs").symlink_to(SOURCE / "jobs")
    succeed("generate", "branching", "--count", 2000, "--seed", 3, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n[training]\nreproducible = true\nvalidate_every = 100\n"
                                     "[output]\nlog_every = 50\n")
    succeed("train", "deck.cfg", *settings(), f"--checkpoint.every={STEPS}", "--checkpoint.directory=straight", folder=folder)


def settings():
    return [*SMALL, f"--training.steps={STEPS}"]


def environment(launcher=LAUNCHERS[0], **others):
    """Of a job: twice as many ranks as this machine has processors let each other run; no report, which takes time."""
    chosen = {} if launcher == "mpirun" else {"LAUNCH": launcher}
    return {"OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_rmaps_base_oversubscribe": "0", "REPORT_SECONDS": "0", "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", **chosen, **others}


class OneCluster:
    """Three nodes of two processors, and what jobs of the test need."""

    def __init__(self, folder):
        self.folder = folder
        self.machines = Machines(folder / "machines", 3, [folder, SOURCE, Path(PROGRAM).parent])
        self.slurm = Cluster(folder / "slurm", self.machines, cpus=2, settings=SETTINGS)
        self.running = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as starting:
            starting.enter_context(self.machines)
            starting.enter_context(self.slurm)
            self.running = starting.pop_all()
        return self

    def __exit__(self, *_):
        self.running.close()

    def submit(self, *words, **variables):
        return self.slurm.submit(*words, folder=self.folder, **variables)

    def wait(self, number, seconds=240):
        """Waits for a job that must succeed; gives its log."""
        end = time.monotonic() + seconds
        while (state := self.slurm.job(number).get("JobState")) in ("PENDING", "RUNNING", "CONFIGURING", "COMPLETING"):
            check(time.monotonic() < end, f"job {number} is still {state}\n{self.slurm.job(number)}\n{self.slurm.states()}\n{self.log(number)[-4000:]}")
            time.sleep(0.5)
        check(state == "COMPLETED", f"job {number} ended as {state}\n{self.log(number)[-6000:]}")
        return self.log(number)

    def log(self, number):
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob(f"*-{number}*.log")))

    def nodes_of(self, job):
        names = self.slurm.ask("scontrol", "show", "hostnames", job["NodeList"]).split() if job.get("NodeList") else []
        return [node for node in self.machines.nodes if node.name in names]

    def ranks_on(self, node):
        """Processes of the program on a node, by their numbers outside of it."""
        return [pid for pid, words in node.processes() if words[:2] == [PROGRAM, "train"]]


def skip_unless_possible():
    reason = install() or reason_against()
    if reason:
        skip(reason)
