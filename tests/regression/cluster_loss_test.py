"""What is left of a job over several nodes when a rank, a node or its network goes away in the middle (support/node_jobs.py): the
checkpoints are whole, the job is put back into the queue, continues, and ends with the bits of a straight run.

RHOFLUX_LONG=1 takes 100 losses instead of a few; RHOFLUX_FAULT_SEED chooses others."""

import os
import random
import re
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from faults import SEED, checkpoints, is_writing, name_of, read_whole  # noqa: E402
from node_jobs import LAUNCHERS, STEPS, OneCluster, environment, prepare, settings, skip_unless_possible  # noqa: E402
from regression import LONG, PROGRAM, check, check_same_run, main  # noqa: E402

EVERY = 20  # steps from checkpoint to checkpoint
PATIENCE = 180  # seconds until a job that has lost something must have ended; the longest is reported
# What is lost: a rank; the power of a node; the daemon of SLURM on a node, whose ranks go on; the network of a node; the messages
# between two nodes, which SLURM does not see (training.stall_limit). Of jobs of two nodes and of three, which go on with two
# where SLURM has lost one; of jobs of one node, that with the batch script, which goes on unheard.
LOSSES = ("rank", "power of three", "cut of one", "messages", "power", "slurmd", "cut of the first")
N_LOSSES = 100 if LONG else 4


def n_nodes_of(loss):
    return {"cut of one": 1, "power of three": 3, "messages": 3}.get(loss, 2)


class Blow:
    """What is taken away from a running job, chosen beforehand, so that it can be done at once."""

    def __init__(self, cluster, chance, job, loss):
        nodes = cluster.nodes_of(job)
        first = next(node for node in nodes if node.name == job["BatchHost"])
        self.loss = loss
        self.node = first if loss in ("cut of one", "cut of the first") else chance.choice(nodes)
        if loss == "rank" and chance.random() < 0.5:
            self.node = first  # its first rank writes
        self.ranks = cluster.ranks_on(self.node)
        self.others = [node for node in nodes if node is not first][:2]

    def strike(self):
        if self.loss == "rank":
            os.kill(self.ranks[0], signal.SIGKILL)
        elif self.loss == "slurmd":
            self.node.succeed("pkill", "-KILL", "-x", "slurmd")
        elif self.loss == "messages":
            for node, other in (self.others, reversed(self.others)):
                node.ignore(other)
        elif self.loss.startswith("power"):
            self.node.power_off()
        else:
            self.node.cut()
        if self.loss == "cut of one":
            # They live, but are not done before the job has been given up and put back.
            for rank in self.ranks:
                os.kill(rank, signal.SIGSTOP)

    def undo(self, cluster):
        if self.loss.startswith("power"):
            self.node.power_on()
        if self.loss.startswith("cut"):
            self.node.join()
        if self.loss == "slurmd" or self.loss.startswith("power"):
            cluster.slurm.start_node(self.node)
        if self.loss == "messages":
            for node, other in (self.others, reversed(self.others)):
                node.heed(other)


def slow_down(cluster, slow):
    for node in cluster.machines.nodes:
        node.limit("2mbit" if slow else "")


def until(holds, seconds, pause=0.1):
    """Whether it comes to hold in time, and the time that it took."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > seconds:
            return False, seconds
        time.sleep(pause)
    return True, time.monotonic() - start


class LosingJob:
    """A job that loses something while it runs, in the order of its methods."""

    def __init__(self, cluster, loss, launcher):
        self.cluster, self.slurm, self.loss = cluster, cluster.slurm, loss
        nodes = n_nodes_of(loss)
        asked = ["--nodes=2-3"] if loss == "power of three" else [f"--nodes={nodes}"]
        limit = ["--training.stall_limit=50"] if loss == "messages" else []
        if loss == "slurmd":
            slow_down(cluster, True)  # the ranks go on, and must not be done before SLURM misses the node
        self.number = cluster.submit(*asked, f"--ntasks={2 * nodes}", "jobs/slurm_requeue.sh", "deck.cfg", *settings(),
                                     f"--checkpoint.every={EVERY}", *limit, **environment(launcher))
        self.directory = cluster.folder / f"output/rhoflux-{self.number}"
        self.name = f"{loss}, {launcher.split()[0]}, job {self.number}"

    def state(self):
        return self.slurm.job(self.number).get("JobState")

    def require(self, holds, complaint):
        check(holds, f"{self.name}: {complaint}\n{self.slurm.job(self.number)}\n{self.cluster.log(self.number)[-4000:]}")

    def strike(self, chance):
        """Gives whether there was still something to lose, and whether a file was being written then."""
        # The first validation and the first checkpoint may take long; what stalls later is seen soon.
        first = 140 if self.loss == "messages" else 0
        begun, _ = until(lambda: (checkpoints(self.directory) or [-1])[0] >= first, 120)
        self.require(begun, "no checkpoint")
        job = self.slurm.job(self.number)
        if job.get("JobState") != "RUNNING":
            return False, False
        self.blow = Blow(self.cluster, chance, job, self.loss)
        time.sleep(chance.uniform(0, 0.3 if n_nodes_of(self.loss) == 1 else 2))
        if chance.random() < 0.5:
            until(lambda: is_writing(self.directory), 3, pause=0)
        self.before = checkpoints(self.directory)
        try:
            self.blow.strike()
        except ProcessLookupError:  # the job is done
            self.blow.undo(self.cluster)
            return False, False
        return True, is_writing(self.directory)

    def wait_for_end(self):
        """Until SLURM has ended this start of the job. Gives the seconds that it took, or None where the job was done before it
        was hurt."""
        ended, seconds = until(lambda: self.state() != "RUNNING" or self.slurm.job(self.number).get("Restarts") != "0", PATIENCE)
        if self.state() == "COMPLETED":
            self.blow.undo(self.cluster)
            return None
        self.require(ended, "the job still runs")
        return seconds

    def check_checkpoints(self):
        self.after = checkpoints(self.directory)
        self.require(self.after and self.after[0] >= self.before[0], f"checkpoint {self.before[0]} is lost, {self.after[:1]} is there")
        for step in self.after:
            try:
                read_whole(self.directory / name_of(step))
            except FileNotFoundError:  # the job is back already, and has removed the oldest
                self.require(checkpoints(self.directory)[0] > step, f"checkpoint {step} vanished")

    def wait_for_return(self):
        if self.loss == "messages":
            self.blow.undo(self.cluster)  # or the nodes would be deaf in the next start too
        if self.loss == "power of three":
            # SLURM remembers the ranks of the first start, and waits for as many nodes; they may be fewer.
            until(lambda: self.state() == "PENDING", PATIENCE)
            self.slurm.ask("scontrol", "update", f"JobId={self.number}", "NumTasks=4", "NumCPUs=4")
        back, _ = until(lambda: self.state() in ("RUNNING", "COMPLETED", "FAILED"), PATIENCE)
        self.require(back, "the job does not come back")
        if self.loss == "slurmd":
            slow_down(self.cluster, False)
        if self.loss == "cut of one":
            self.wake_those_that_were_cut_off()
        if self.loss != "messages":
            self.blow.undo(self.cluster)

    def wake_those_that_were_cut_off(self):
        """They must find out that they have been replaced, before their network is back."""
        until(lambda: self.state() != "RUNNING" or checkpoints(self.directory)[0] > self.after[0], 60)
        for rank in self.cluster.ranks_on(self.blow.node):
            os.kill(rank, signal.SIGCONT)
        gone, _ = until(lambda: not self.cluster.ranks_on(self.blow.node), 60)
        self.require(gone, "the ranks that were cut off go on")

    def check_end(self):
        """Gives the numbers of ranks of all starts."""
        said = self.cluster.wait(self.number)
        check_same_run(self.cluster.folder / "straight", self.directory, STEPS, said)
        self.require(int(self.slurm.job(self.number)["Restarts"]) >= 1, "it was not put back")
        ranks = re.findall(r"rows; (\d+) rank", said)
        if self.loss == "cut of one":
            self.require("taken over from an earlier start" in said and "this run ends and writes nothing more" in said,
                         "not taken over")
        if self.loss == "power of three":
            self.require(ranks[0] == "6" and ranks[-1] == "4", f"{ranks} ranks")
        if self.loss == "messages":
            messages = [line for line in said.splitlines() if "a rank does not answer (training.stall_limit)" in line]
            self.require(len(messages) == 1, f"not one message but {messages}")
        left = [path.name for path in self.directory.iterdir() if path.name.startswith(".")]
        self.require(not left, f"{left} are left")
        shutil.rmtree(self.directory)
        return ranks

    def wait_for_nodes(self):
        def is_healthy():
            return set(self.slurm.states().values()) == {"idle"}

        if not until(is_healthy, 30)[0]:  # SLURM does not ask a node that is down; an administrator starts its slurmd anew
            self.blow.node.run("pkill", "-KILL", "-x", "slurmd")
            self.slurm.start_node(self.blow.node)
        healthy, _ = until(is_healthy, 90)
        self.require(healthy, f"{self.slurm.states()}\n{self.slurm.log(f'slurmd.{self.blow.node.name}.log')}")


def lose(cluster, chance, loss, launcher):
    """Gives the seconds from the loss to the end of that start of the job, and whether a file was being written; None where the job
    was done before it lost anything."""
    job = LosingJob(cluster, loss, launcher)
    struck, written = job.strike(chance)
    start = time.monotonic()
    seconds = job.wait_for_end() if struck else None
    if seconds is None:
        cluster.wait(job.number)
        return None
    job.check_checkpoints()
    job.wait_for_return()
    back = time.monotonic() - start
    ranks = job.check_end()
    job.wait_for_nodes()
    print(f"{job.name}: ended after {seconds:.0f} s, back after {back:.0f} s, {' then '.join(ranks)} ranks"
          f"{', in a write' if written else ''}", flush=True)
    return seconds, written


def test_losses(folder):
    """Each kind in turn, started by mpirun and by srun."""
    prepare(folder)
    chance = random.Random(SEED)
    counts, seconds, writes, turn = {}, [], 0, 0
    with OneCluster(folder) as cluster:
        while len(seconds) < N_LOSSES:
            loss = LOSSES[turn % len(LOSSES)]
            launcher = LAUNCHERS[(turn // len(LOSSES) + turn) % 2]
            turn += 1
            check(turn < 3 * N_LOSSES, "most jobs end before they lose anything")
            result = lose(cluster, chance, loss, launcher)
            if result is not None:
                counts[loss] = counts.get(loss, 0) + 1
                seconds.append(result[0])
                writes += result[1]
    print(f"{len(seconds)} losses ({', '.join(f'{n} {kind}' for kind, n in counts.items())}; {writes} while a file was written): 0 "
          f"checkpoints lost, every job came back and ended with the bits of a straight run; at most {max(seconds):.0f} s until "
          "the job had ended")


if __name__ == "__main__":
    skip_unless_possible()
    os.environ["RHOFLUX"] = PROGRAM
    main(test_losses)
