"""Jobs over two and three nodes under a real SLURM (support/node_jobs.py): training, fields, evaluation, arrays, a slow node."""

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from faults import checkpoints  # noqa: E402
from node_jobs import LAUNCHERS, STEPS, OneCluster, environment, prepare, settings, skip_unless_possible  # noqa: E402
from regression import LONG, PROGRAM, SMALL, check, check_same_run, differences, main, succeed  # noqa: E402


def test_jobs_over_several_nodes(folder):
    """Training, field, evaluation and an array on two and three nodes, whoever starts the ranks: the results of one rank."""
    prepare(folder)
    best = "straight/best.h5"
    succeed("field", best, "--times", "0:1:3", "--grid", "16,12", "--output", "field.h5", folder=folder)
    evaluated = succeed("evaluate", best, "--data", "data.h5", folder=folder)
    with OneCluster(folder) as cluster:
        check("pmix" in cluster.slurm.ask("srun", "--mpi=list"), "this SLURM has no PMIx")
        jobs = []
        for nodes, launcher in ((2, LAUNCHERS[0]), (2, LAUNCHERS[1]), (3, LAUNCHERS[0]), (3, LAUNCHERS[1])):
            number = cluster.submit(f"--nodes={nodes}", f"--ntasks={2 * nodes}", "jobs/slurm_requeue.sh", "deck.cfg", *settings(),
                                    **environment(launcher))
            jobs.append((nodes, launcher, number))
        (folder / "sweep.txt").write_text("--training.seed=1\n--training.seed=2\n")
        array = cluster.submit("--array=1-2", "--nodes=2", "--ntasks=2", "jobs/slurm_array.sh", "deck.cfg",
                               "sweep.txt", *SMALL, "--training.steps=60", **environment())
        (folder / "ask.sh").write_text(
            "#!/bin/bash\n. jobs/environment.sh\nhostname\n"
            f"for k in 1 2; do\n  launch=mpirun; [ $k = 1 ] || launch='{LAUNCHERS[1]}'\n"
            f"  $launch {PROGRAM} field {best} --times 0:1:3 --grid 16,12 --output field_$k.h5\n"
            f"  $launch {PROGRAM} evaluate {best} --data data.h5 > evaluated_$k.txt\ndone\n")
        ask = cluster.submit("--nodes=3", "--ntasks=6", "--output=ask-%j.log", "ask.sh", **environment())
        for nodes, launcher, number in jobs:
            said = cluster.wait(number)
            check(f"{2 * nodes} ranks" in said, said[-3000:])
            check_same_run(folder / "straight", folder / f"output/rhoflux-{number}", STEPS, said)
            print(f"{nodes} nodes, {launcher}: the bits of one rank")
        said = cluster.wait(ask)
        cluster.slurm.wait_for_jobs(240)
        for task, line in enumerate((folder / "sweep.txt").read_text().splitlines(), 1):
            succeed("train", "deck.cfg", *SMALL, "--training.steps=60", line, f"--checkpoint.directory=sweep_{task}", folder=folder)
            different = differences(folder / f"sweep_{task}/best.h5", folder / f"output/rhoflux-sweep-{array}/{task}/best.h5")
            check(not different, f"task {task} of the array differs in {different}\n{cluster.log(array)[-3000:]}")
        for k in (1, 2):
            different = differences(folder / "field.h5", folder / f"field_{k}.h5")
            check(not different, f"the field of {LAUNCHERS[k - 1]} differs in {different}\n{said[-3000:]}")
            check((folder / f"evaluated_{k}.txt").read_text() == evaluated, (folder / f"evaluated_{k}.txt").read_text())


def test_64_lanes_on_any_nodes_and_ranks(folder):
    """One, two and three nodes with 1 to 64 ranks: the bits of one rank."""
    prepare(folder)
    steps = 20
    train = ["train", "deck.cfg", *[word for word in SMALL if "batch" not in word], "--training.batch=256", "--training.reproducible_lanes=64",
             f"--training.steps={steps}", "--training.validate_every=10"]
    succeed(*train, "--checkpoint.directory=of_one", folder=folder)
    with OneCluster(folder) as cluster:
        for nodes, ranks in ((1, 64), (2, 32), (3, 5), (3, 64)) if LONG else ((1, 64), (2, 5), (3, 64)):
            script = f"lanes_{nodes}_{ranks}"
            (folder / f"{script}.sh").write_text(
                "#!/bin/bash\n. jobs/environment.sh\n"
                f"srun --mpi=pmix --overcommit --nodes={nodes} --ntasks={ranks} {PROGRAM} {' '.join(train)} --checkpoint.directory={script}\n")
            said = cluster.wait(cluster.submit(f"--nodes={nodes}", f"--ntasks={nodes}", f"--output={script}-%j.log", f"{script}.sh", **environment()))
            check(f"rows; {ranks} rank" in said, said[-3000:])
            check_same_run(folder / "of_one", folder / script, steps, said)
            print(f"{ranks} ranks on {nodes} nodes: the bits of one rank")


def test_a_short_cut_does_no_harm(folder):
    """Three seconds without a network, as when a switch starts anew: messages are sent again, and the job goes on."""
    prepare(folder)
    with OneCluster(folder) as cluster:
        number = cluster.submit("--nodes=2", "--ntasks=4", "jobs/slurm_requeue.sh", "deck.cfg", *settings(),
                                "--checkpoint.every=50", **environment())
        directory = folder / f"output/rhoflux-{number}"
        while not checkpoints(directory) and cluster.slurm.job(number).get("JobState") in ("PENDING", "RUNNING"):
            time.sleep(0.1)
        node = cluster.nodes_of(cluster.slurm.job(number))[1]
        node.cut()
        time.sleep(3)
        seen = checkpoints(directory)
        node.join()
        said = cluster.wait(number)
        check(seen and seen[0] < STEPS, "the job was done before its network was cut")
        check_same_run(folder / "straight", directory, STEPS, said)
        check(cluster.slurm.job(number)["Restarts"] == "0", f"it was put back\n{said}")


def test_packets_that_are_lost(folder):
    """TCP sends them again: a slower run with the same bits."""
    prepare(folder)
    steps = 250 if LONG else 100
    shorter = [*SMALL, f"--training.steps={steps}"]
    succeed("train", "deck.cfg", *shorter, "--checkpoint.directory=short", folder=folder)
    with OneCluster(folder) as cluster:
        done = [node.disturb(1, 2) for node in cluster.machines.nodes][0]
        if not done:
            print("not tried: this kernel has neither netem nor the rules of nftables that lose packets")
            return

        def sent_again():
            return int(cluster.machines.nodes[0].succeed("nstat", "-az", "TcpRetransSegs").split()[-2])

        for launcher in LAUNCHERS[:2 if LONG else 1]:
            before = sent_again()
            number = cluster.submit("--nodes=3", "--ntasks=6", "jobs/slurm_requeue.sh", "deck.cfg", *shorter, **environment(launcher))
            check_same_run(folder / "short", folder / f"output/rhoflux-{number}", steps, cluster.wait(number))
            check(cluster.slurm.job(number)["Restarts"] == "0", "it was put back")
            again = sent_again() - before
            check(again > 20, f"{again} packets were sent again, which those of SLURM may be")
            print(f"{done} ({again} sent again), {launcher.split()[0]}: the bits of one rank")


def test_a_slow_node_is_named(folder):
    """A node whose processes get a quarter of their time: the report at the end of the run says which it is."""
    prepare(folder)
    with OneCluster(folder) as cluster:
        number = cluster.submit("--nodes=3", "--ntasks=3", "jobs/slurm_cpu.sh", "deck.cfg", *[word for word in SMALL if "batch" not in word], "--training.batch=8192",
                                "--training.steps=400", **environment())
        while "step " not in cluster.log(number) and cluster.slurm.job(number).get("JobState") in ("PENDING", "RUNNING"):
            time.sleep(0.1)
        node = cluster.nodes_of(cluster.slurm.job(number))[2]
        ranks = cluster.ranks_on(node)
        is_over = threading.Event()

        def slow_down():
            while not is_over.wait(0.02):
                try:
                    for act, seconds in ((signal.SIGSTOP, 0.06), (signal.SIGCONT, 0)):
                        for rank in ranks:
                            os.kill(rank, act)
                        time.sleep(seconds)
                except ProcessLookupError:
                    return

        brake = threading.Thread(target=slow_down)
        brake.start()
        try:
            said = cluster.wait(number)
        finally:
            is_over.set()
            brake.join()
    named = re.findall(r"slowest: rank (\d) on (\w+), gradient ([0-9.]+) s; the fastest rank takes ([0-9.]+) s", said)
    check(len(named) == 1 and named[0][:2] == ("2", node.name), f"expected rank 2 on {node.name}:\n{said[-3000:]}")


if __name__ == "__main__":
    skip_unless_possible()
    os.environ["RHOFLUX"] = PROGRAM
    main(test_jobs_over_several_nodes, test_64_lanes_on_any_nodes_and_ranks, test_a_short_cut_does_no_harm, test_packets_that_are_lost,
         test_a_slow_node_is_named)
