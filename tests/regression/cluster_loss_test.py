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
from node_jobs import LAUNCHERS, OneCluster, compare, environment, prepare, settings, skip_unless_possible  # noqa: E402
from regression import LONG, PROGRAM, check, main  # noqa: E402

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


def lose(cluster, chance, loss, launcher):
    """One job that loses something while it runs. Gives the seconds from the loss to the end of that start of the job, or None
    where the job was done before; whether a file was being written; and the seconds that it took to come back."""
    nodes = n_nodes_of(loss)
    asked = ["--nodes=2-3"] if loss == "power of three" else [f"--nodes={nodes}"]
    limit = ["--training.stall_limit=50"] if loss == "messages" else []
    if loss == "slurmd":
        slow_down(cluster, True)  # the ranks go on, and must not be done before SLURM misses the node
    number = cluster.submit(*asked, f"--ntasks={2 * nodes}", "jobs/slurm_requeue.sh", "deck.cfg", *settings(),
                            f"--checkpoint.every={EVERY}", *limit, **environment(launcher))
    directory = cluster.folder / f"output/rhoflux-{number}"
    where = f"{loss}, {launcher.split()[0]}, job {number}"
    # The first validation and the first checkpoint may take long; what stalls later is seen soon.
    first = 140 if loss == "messages" else 0
    begun, _ = until(lambda: (checkpoints(directory) or [-1])[0] >= first, 120)
    check(begun, f"{where}: no checkpoint\n{cluster.log(number)[-4000:]}")
    job = cluster.slurm.job(number)
    if job.get("JobState") != "RUNNING":
        cluster.wait(number)
        return None
    blow = Blow(cluster, chance, job, loss)
    time.sleep(chance.uniform(0, 0.3 if nodes == 1 else 2))
    if chance.random() < 0.5:
        until(lambda: is_writing(directory), 3, pause=0)
    before = checkpoints(directory)
    try:
        blow.strike()
    except ProcessLookupError:  # the job is done
        blow.undo(cluster)
        cluster.wait(number)
        return None
    written = is_writing(directory)
    struck = time.monotonic()
    ended, seconds = until(lambda: cluster.slurm.job(number).get("JobState") != "RUNNING"
                           or cluster.slurm.job(number).get("Restarts") != "0", PATIENCE)
    if cluster.slurm.job(number).get("JobState") == "COMPLETED":  # it was done before it was hurt
        blow.undo(cluster)
        return None
    check(ended, f"{where}: the job still runs\n{cluster.log(number)[-4000:]}")
    after = checkpoints(directory)
    check(after and after[0] >= before[0], f"{where}: checkpoint {before[0]} is lost, {after[:1]} is there")
    for step in after:
        try:
            read_whole(directory / name_of(step))
        except FileNotFoundError:  # the job is back already, and has removed the oldest
            check(checkpoints(directory)[0] > step, f"{where}: checkpoint {step} vanished")
    if loss == "messages":
        blow.undo(cluster)  # or the nodes would be deaf in the next start too
    if loss == "power of three":
        # SLURM remembers the ranks of the first start, and waits for as many nodes; they may be fewer.
        until(lambda: cluster.slurm.job(number).get("JobState") == "PENDING", PATIENCE)
        cluster.slurm.ask("scontrol", "update", f"JobId={number}", "NumTasks=4", "NumCPUs=4")
    back, _ = until(lambda: cluster.slurm.job(number).get("JobState") in ("RUNNING", "COMPLETED", "FAILED"), PATIENCE)
    check(back, f"{where}: the job does not come back: {cluster.slurm.job(number)}\n{cluster.log(number)[-4000:]}")
    came_back = time.monotonic() - struck
    if loss == "slurmd":
        slow_down(cluster, False)
    if loss == "cut of one":
        # What was cut off and still lives must find out that it has been replaced, before its network is back.
        until(lambda: cluster.slurm.job(number).get("JobState") != "RUNNING" or checkpoints(directory)[0] > after[0], 60)
        for rank in cluster.ranks_on(blow.node):
            os.kill(rank, signal.SIGCONT)
        gone, _ = until(lambda: not cluster.ranks_on(blow.node), 60)
        check(gone, f"{where}: the ranks that were cut off go on\n{cluster.log(number)[-4000:]}")
    if loss != "messages":
        blow.undo(cluster)
    said = cluster.wait(number)
    compare(cluster.folder, directory, said)
    job = cluster.slurm.job(number)
    check(int(job["Restarts"]) >= 1, f"{where}: {job['Restarts']} restarts")
    counts = re.findall(r"rows; (\d+) rank", said)
    if loss == "cut of one":
        check("taken over from an earlier start" in said and "this run ends and writes nothing more" in said, said[-4000:])
    if loss == "power of three":
        check(counts[0] == "6" and counts[-1] == "4", f"{where}: {counts} ranks\n{said[-4000:]}")
    if loss == "messages":
        check(said.count("a rank does not answer (training.stall_limit)") == 1,
              "not one message:\n" + "\n".join(line for line in said.splitlines() if not line.startswith("step")))
    left = [path.name for path in directory.iterdir() if path.name.startswith(".")]
    check(not left, f"{where}: {left} are left\n{said[-3000:]}")
    shutil.rmtree(directory)

    def is_healthy():
        return set(cluster.slurm.states().values()) == {"idle"}

    if not until(is_healthy, 30)[0]:  # SLURM does not ask a node that is down; an administrator starts its slurmd anew
        blow.node.run("pkill", "-KILL", "-x", "slurmd")
        cluster.slurm.start_node(blow.node)
    healthy, _ = until(is_healthy, 90)
    check(healthy, f"{where}: {cluster.slurm.states()}\n{cluster.slurm.log(f'slurmd.{blow.node.name}.log')}")
    print(f"{where}: ended after {seconds:.0f} s, back after {came_back:.0f} s, {' then '.join(counts)} ranks"
          f"{', in a write' if written else ''}", flush=True)
    return seconds, written, came_back


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
