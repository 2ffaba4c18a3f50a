"""Several machines on one, for tests: each a set of namespaces of its own (network, host name, processes, mounts), joined by a
virtual switch. Nothing of the network of the machine is touched, and all of it vanishes with the processes that hold it."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from slurm_cluster import install_programs

PROGRAMS = ("unshare", "nsenter", "ip", "tc", "nft", "mount", "pkill")
PACKAGES = ("util-linux", "iproute2", "nftables", "mount", "procps")
PREFIX = "10.213.7."  # of the addresses, inside the namespaces alone

# The first process of a machine: takes in those that lose their parent, and waits for them.
FIRST_PROCESS = r"""
import os, signal, socket, sys
socket.sethostname(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("ready", flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        signal.sigtimedwait({signal.SIGCHLD}, 1)
"""


def end_with_the_test():
    """Whoever calls it is killed when the thread that has started it is no more, however that ends."""
    death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)


def run(*words):
    return subprocess.run(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)


def checked(*words):
    """Runs a command that must succeed; gives what it printed."""
    done = run(*words)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stdout}")
    return done.stdout


def reason_against():
    """Why machines cannot be made here; None if they can."""
    if os.geteuid() != 0:
        return "making namespaces needs root"
    reason = install_programs(PROGRAMS, PACKAGES)
    if reason:
        return reason
    tried = run("unshare", "--net", "--uts", "--pid", "--mount", "--fork", "--mount-proc", "bash", "-c",
                "ip link set lo up && ip link add name v0 type veth peer name v1 && ip link add name s0 type bridge")
    return None if tried.returncode == 0 else f"namespaces with a virtual network are forbidden here: {tried.stdout.strip()}"


class Machine:
    """One machine; `switch` is the one that all the others are joined to."""

    def __init__(self, name, number, folder, shared, switch=None):
        self.name = name
        self.address = f"{PREFIX}{number}"
        self.number = number
        self.folder = folder
        self.shared = shared
        self.switch = switch
        self.holder = None

    def power_on(self):
        self.holder = subprocess.Popen(["unshare", "--net", "--uts", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc",
                                        sys.executable, "-c", FIRST_PROCESS, self.name], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                       preexec_fn=end_with_the_test)
        if self.holder.stdout.readline() != "ready\n":
            raise RuntimeError(f"the namespaces of {self.name} cannot be made")
        self.first = int(Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()[0])
        self.succeed("ip", "link", "set", "lo", "up")
        self.succeed("mount", "--bind", self.folder / "hosts", "/etc/hosts")
        self._own_temporary_files()
        if self.switch is None:
            self.succeed("ip", "link", "add", "switch", "type", "bridge")
            self.succeed("ip", "addr", "add", f"{self.address}/24", "dev", "switch")
            self.succeed("ip", "link", "set", "switch", "up")
            return
        port = f"port{self.number}"
        self.switch.run("ip", "link", "del", port)  # of an earlier life
        self.succeed("ip", "link", "add", "name", "eth0", "type", "veth", "peer", "name", port)
        # By a process of the machine of the test, which knows the number of the switch.
        checked("nsenter", f"--target={self.first}", "--net", "ip", "link", "set", port, "netns", self.switch.first)
        self.switch.succeed("ip", "link", "set", port, "master", "switch", "up")
        self.succeed("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.succeed("ip", "link", "set", "eth0", "up")

    def _own_temporary_files(self):
        """An own /dev/shm and an own /tmp, in which the shared folders keep their places."""
        self.succeed("mount", "-t", "tmpfs", "tmpfs", "/dev/shm")
        shared = [path for path in self.shared if path.is_relative_to("/tmp")]
        self.succeed("mount", "--rbind", "/tmp", "/mnt")
        self.succeed("mount", "-t", "tmpfs", "tmpfs", "/tmp")
        for path in shared:
            self.succeed("mkdir", "-p", path)
            self.succeed("mount", "--bind", Path("/mnt") / path.relative_to("/tmp"), path)
        self.succeed("umount", "--lazy", "/mnt")

    def power_off(self):
        """As if the plug were pulled: no message leaves the machine any more, then all its processes are gone."""
        if self.holder is None:
            return
        if self.switch is not None:
            self.switch.run("ip", "link", "set", f"port{self.number}", "nomaster")
        os.kill(self.first, signal.SIGKILL)
        self.holder.wait()
        self.holder.stdout.close()
        self.holder = None

    def command(self, *words, folder="/"):
        """The command that runs another one on this machine."""
        return ["nsenter", f"--target={self.first}", "--net", "--uts", "--pid", "--mount", f"--wdns={folder}", "--", *map(str, words)]

    def run(self, *words):
        return run(*self.command(*words))

    def succeed(self, *words):
        return checked(*self.command(*words))

    def processes(self):
        """Those that run on this machine: (number outside of it, its words), in the order of their numbers."""
        network = os.readlink(f"/proc/{self.first}/ns/net")
        found = []
        for path in Path("/proc").iterdir():
            try:
                if path.name.isdigit() and os.readlink(path / "ns/net") == network:
                    found.append((int(path.name), (path / "cmdline").read_bytes().decode(errors="replace").split("\0")))
            except OSError:
                pass  # it has ended
        return sorted(found)

    def cut(self):
        """No message goes in or out any more; the machine itself sees its interface up."""
        self.switch.succeed("ip", "link", "set", f"port{self.number}", "nomaster")

    def join(self):
        """Undoes cut()."""
        self.switch.succeed("ip", "link", "set", f"port{self.number}", "master", "switch")

    def ignore(self, other):
        """Messages to another node go astray, while those to the rest arrive."""
        self.succeed("ip", "neigh", "replace", other.address, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent")

    def heed(self, other):
        """Undoes ignore()."""
        self.succeed("ip", "neigh", "del", other.address, "dev", "eth0")

    def limit(self, rate):
        """The rate at which messages leave this machine, as tc(8) writes it ("2mbit"); "": as fast as it can."""
        self.run("tc", "qdisc", "del", "dev", "eth0", "root")
        if rate:
            self.succeed("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "16kb", "latency", "400ms")

    def disturb(self, lost, milliseconds):
        """Of the packets that leave this machine (netem) or reach it (nftables) `lost` in a hundred go astray, and the others take so
        long. Gives what of that this kernel can do, in words; "" if nothing."""
        delayed = self.run("tc", "qdisc", "replace", "dev", "eth0", "root", "netem", "loss", f"{lost}%", "delay", f"{milliseconds}ms")
        if delayed.returncode == 0:
            return f"{lost} % of the packets lost, the others {milliseconds} ms late"
        rules = ("add table inet loss; add chain inet loss in { type filter hook input priority 0; }; "
                 f"add rule inet loss in iifname eth0 numgen random mod 1000 < {10 * lost} drop")
        return f"{lost} % of the packets lost" if self.run("nft", rules).returncode == 0 else ""


class Machines:
    """A head, which is the switch too, and so many nodes; use it in a `with` statement."""

    def __init__(self, folder, n_nodes, shared):
        """folder: for files of their own, below one of the shared folders."""
        folder.mkdir()
        shared = [Path(path).resolve() for path in shared]
        self.head = Machine("head", 1, folder, shared)
        self.nodes = [Machine(f"node{k}", 1 + k, folder, shared, self.head) for k in range(1, n_nodes + 1)]
        names = "".join(f"{machine.address} {machine.name}\n" for machine in self.all())
        (folder / "hosts").write_text("127.0.0.1 localhost\n" + names)

    def all(self):
        return [self.head, *self.nodes]

    def __enter__(self):
        try:
            for machine in self.all():
                machine.power_on()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for machine in reversed(self.all()):
            machine.power_off()
