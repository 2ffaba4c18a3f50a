#!/usr/bin/env python3
"""The sum of the gradient between machines, against its model: nodes in namespaces of their own, one rank each, joined by links of a
given rate (tests/support/network_nodes.py, tc-tbf). Two nodes give the time of a message and the bandwidth; with these the model
says the times on more nodes, which are measured too (benchmarks/communication). Needs root.

  benchmarks/network.py [BUILD_FOLDER] [--rates 100mbit,1gbit] [--nodes 2,4,8]"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from network_nodes import PREFIX, Machines, reason_against  # noqa: E402

# Starts the command of mpirun on a node: AGENT NODE COMMAND ..
AGENT = """#!/bin/bash
node=$1; shift
exec nsenter --target="$(cat {folder}/$node.process)" --net --uts --pid --mount --wdns=/ -- bash -c "$*"
"""
# Open MPI between the nodes, not in the memory that they share; ranks share the cores of this machine.
SETTINGS = {"OMPI_MCA_btl": "tcp,self", "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl_tcp_if_include": f"{PREFIX}0/24",
            "OMPI_MCA_oob_tcp_if_include": f"{PREFIX}0/24", "OMPI_MCA_mpi_yield_when_idle": "1",
            "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def run_ranks(machines, n_ranks, words, folder):
    hosts = ",".join(f"{node.name}:1" for node in machines.nodes[:n_ranks])
    command = ["mpirun", "--mca", "plm_rsh_agent", str(folder / "agent"), "--host", hosts, "-n", str(n_ranks), *map(str, words)]
    # In the network of the head, with the processes of this machine in sight, by whose numbers the agent finds the nodes.
    done = subprocess.run(["nsenter", f"--target={machines.head.first}", "--net", "--uts", *command], env={**os.environ, **SETTINGS},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stdout}")
    return done.stdout


def number(pattern, text):
    return float(re.search(pattern, text).group(1))


def measure(machines, rate, options, folder):
    for node in machines.nodes:
        node.limit(rate)
    words = [options.build / "benchmarks/communication", "--rounds", options.rounds, "--lanes", max(8, *options.nodes)]
    network = []
    for n_ranks in options.nodes:
        said = run_ranks(machines, n_ranks, [*words, *network], folder)
        if n_ranks == 2:
            network = ["--latency", number(r"fitted: alpha ([\d.e+-]+)", said),
                       "--bandwidth", number(r"fitted: .* bandwidth ([\d.e+-]+)", said)]
            print(f"{rate}: alpha {network[1]:.0f} us, bandwidth {network[3]:.3g} GB/s", flush=True)
        print(f"{n_ranks:6d} ranks: plain sum {number(r'plain sum ([0-9.]+) us', said) / 1000:8.2f} ms, of the model "
              f"{number(r'measured / model: plain sum ([0-9.]+)', said):.2f}; in fixed order "
              f"{number(r'fixed order ([0-9.]+) us', said) / 1000:8.2f} ms, {number(r'model:.* fixed order ([0-9.]+)', said):.2f}",
              flush=True)
        if options.verbose:
            print(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", type=Path, default=ROOT / "build/release")
    parser.add_argument("--rates", default="100mbit,1gbit", help="of the links, as tc(8) writes them (default: %(default)s)")
    parser.add_argument("--nodes", default="2,4,8", help="numbers of nodes, the first of them 2 (default: %(default)s)")
    parser.add_argument("--rounds", default="5", help="measurements of each (default: %(default)s)")
    parser.add_argument("--verbose", action="store_true", help="print what benchmarks/communication says")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.nodes = [int(word) for word in options.nodes.split(",")]
    if options.nodes[0] != 2:
        parser.error("--nodes: two nodes come first, for they give the model its numbers")
    if not (options.build / "benchmarks/communication").is_file():
        parser.error(f"{options.build}/benchmarks/communication: not built")
    reason = reason_against()
    if reason:
        raise SystemExit(f"network.py: {reason}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "agent").write_text(AGENT.format(folder=folder))
        os.chmod(folder / "agent", 0o755)
        with Machines(folder / "machines", max(options.nodes), [folder, ROOT, options.build]) as machines:
            for node in machines.nodes:
                (folder / f"{node.name}.process").write_text(str(node.first))
            for rate in options.rates.split(","):
                measure(machines, rate, options, folder)


if __name__ == "__main__":
    main()
