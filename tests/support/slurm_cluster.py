"""A SLURM for tests: munged, slurmctld and slurmd of their own, with sockets, ports, key and state in one folder. Of one node,
which is this machine, or of several (support/network_nodes.py)."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "sinfo", "scancel", "srun")
PACKAGES = ("munge", "slurmctld", "slurmd", "slurm-client")
CPUS = 4


def install():
    """Installs what is missing where this can be done; gives a reason why not, or None."""
    if os.geteuid() != 0:
        return "slurmd must run as root"
    if not os.path.ismount("/sys/fs/cgroup"):
        return "slurmd needs control groups, and nothing is mounted at /sys/fs/cgroup"
    return install_programs(PROGRAMS, PACKAGES)


def install_programs(programs, packages):
    """Installs packages, as root on Debian and where RHOFLUX_INSTALL=1 asks for it, if a program is missing; gives a reason why
    not, or None."""
    if all(shutil.which(program) for program in programs):
        return None
    if os.environ.get("RHOFLUX_INSTALL", "") != "1" or not shutil.which("apt-get"):
        missing = ", ".join(program for program in programs if not shutil.which(program))
        return f"{missing} not installed ({', '.join(packages)}); tests/run.sh as root on Debian installs them"
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=300)
        if done.returncode != 0:
            return f"{' '.join(command)} failed:\n{done.stdout[-2000:]}"
    return None


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class ThisMachine:
    """The machine of the test as a node of SLURM."""

    def __init__(self):
        self.name = socket.gethostname().split(".")[0]
        self.address = "127.0.0.1"

    def command(self, *words, folder="/"):
        return ["env", f"--chdir={folder}", *map(str, words)]


class Cluster:
    """Use it in a `with` statement; leaves no process behind."""

    def __init__(self, folder, machines=None, cpus=CPUS, settings=""):
        """machines: those of network_nodes.py, already on; cpus: of each node; settings: further lines of slurm.conf."""
        self.folder = Path(folder)
        self.head = machines.head if machines else ThisMachine()
        self.nodes = machines.nodes if machines else [self.head]
        self.cpus = cpus
        self.settings = settings
        self.processes = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(self, "environment"):
            self.ask("scancel", "--user=root")
            end = time.monotonic() + 20
            while self.ask("squeue", "--noheader").strip() and time.monotonic() < end:
                time.sleep(0.2)
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._kill_rest()

    def _kill_rest(self):
        """Processes of jobs, which have the configuration of this cluster in their environment."""
        mark = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        for path in Path("/proc").iterdir():
            try:
                if path.name.isdigit() and mark in (path / "environ").read_bytes().split(b"\0"):
                    os.kill(int(path.name), signal.SIGKILL)
            except OSError:
                pass

    def _start(self):
        self.folder.mkdir(mode=0o755)
        for name in ("state", "spool"):
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        munge_socket = self.folder / "munge.socket"
        self.environment = dict(os.environ, SLURM_CONF=str(self.folder / "slurm.conf"))
        self._spawn(self.head, "munged", "--foreground", "--force", f"--socket={munge_socket}", f"--key-file={key}",
                    f"--log-file={self.folder}/munge.log", f"--pid-file={self.folder}/munge.pid",
                    f"--seed-file={self.folder}/munge.seed")
        ports = free_ports(2)
        (self.folder / "slurm.conf").write_text(f"""ClusterName=rhoflux_test
SlurmctldHost={self.head.name}({self.head.address})
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
# A job that is put back waits until the credential of its last start has expired.
AuthInfo=socket={munge_socket},cred_expire=5
CredType=cred/munge
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool/%n
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd.%n.pid
SlurmctldLogFile={self.folder}/slurmctld.log
SlurmdLogFile={self.folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
# By cores and memory, so that a job, which asks for no part of the memory, has its nodes to itself.
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,batch_sched_delay=1
SlurmdParameters=config_overrides
KillWait=5
MpiDefault=none
ReturnToService=2
JobRequeue=1
{self.settings}
""" + "".join(f"NodeName={node.name} NodeAddr={node.address} CPUs={self.cpus}\n" for node in self.nodes) +
f"PartitionName=test Nodes={','.join(node.name for node in self.nodes)} Default=YES MaxTime=INFINITE State=UP\n")
        self._wait(munge_socket.exists, 30, "munged makes no socket", "munge.log")
        self._spawn(self.head, "slurmctld", "-D", "-i", "-f", self.folder / "slurm.conf")
        for node in self.nodes:
            self.start_node(node)
        self._wait(lambda: self.states() == {node.name: "idle" for node in self.nodes}, 60, "the nodes do not become idle",
                   "slurmctld.log", *(f"slurmd.{node.name}.log" for node in self.nodes))

    def start_node(self, node):
        """Starts the slurmd of a node."""
        self._spawn(node, "slurmd", "-D", "-f", self.folder / "slurm.conf", "-N", node.name)

    def states(self):
        """State of each node, by name."""
        return dict(line.split()[:2] for line in self.ask("sinfo", "--noheader", "--Node", "--format=%N %T").splitlines())

    def _spawn(self, machine, program, *arguments):
        self.processes.append(subprocess.Popen(machine.command(shutil.which(program), *arguments, folder=self.folder),
                                               env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                               stderr=subprocess.DEVNULL))

    def _wait(self, holds, seconds, complaint, *logs):
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise RuntimeError(complaint + "\n" + "\n".join(self.log(name) for name in logs))
            time.sleep(0.2)

    def log(self, name):
        path = self.folder / name
        return f"{name}:\n" + (path.read_text(errors="replace")[-3000:] if path.exists() else "(not there)")

    def ask(self, *command):
        """What a command of SLURM prints."""
        return subprocess.run(self.head.command(*command), env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout

    def submit(self, *command, folder, **variables):
        """Submits a batch script with further environment variables; gives the number of the job."""
        done = subprocess.run(self.head.command("sbatch", "--parsable", *command, folder=folder),
                              env=dict(self.environment, **variables), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"sbatch: {done.stdout}{done.stderr}")
        return done.stdout.split(";")[0].strip()

    def job(self, number):
        """What SLURM knows of a job, by name."""
        return dict(word.split("=", 1) for word in self.ask("scontrol", "show", "job", number, "--oneliner").split() if "=" in word)

    def wait_for_jobs(self, seconds):
        """Waits until no job is waiting or running."""
        self._wait(lambda: not self.ask("squeue", "--noheader").strip(), seconds, "jobs do not end:\n" + self.ask("squeue"),
                   "slurmctld.log", *(f"slurmd.{node.name}.log" for node in self.nodes))
